# NST Storage, Budget State, Website.

resource "aws_s3_bucket" "this" {
  for_each      = local.raw.buckets
  bucket        = local.bucket_names[each.key]
  force_destroy = local.emulated
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = aws_s3_bucket.this
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_cors_configuration" "storage" {
  bucket = aws_s3_bucket.this["storage"].id

  dynamic "cors_rule" {
    for_each = local.stack.buckets.storage.cors
    content {
      allowed_origins = cors_rule.value.AllowedOrigins
      allowed_methods = cors_rule.value.AllowedMethods
      allowed_headers = cors_rule.value.AllowedHeaders
      expose_headers  = cors_rule.value.ExposeHeaders
      max_age_seconds = cors_rule.value.MaxAgeSeconds
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "storage" {
  bucket = aws_s3_bucket.this["storage"].id

  dynamic "rule" {
    for_each = local.raw.buckets.storage.expire
    content {
      id     = rule.value.id
      status = "Enabled"
      filter {
        prefix = rule.value.prefix
      }
      expiration {
        days = rule.value.days
      }
    }
  }
}

# The ledger changes by compare-and-swap only; the bucket itself refuses everything else.
resource "aws_s3_bucket_policy" "budget" {
  bucket = aws_s3_bucket.this["budget"].id
  policy = templatefile("${local.system}/policies/bucket-budget.json", local.values)
}

# The ledger's other home, by choice; DynamoDB has no policy that refuses unconditional writes.
resource "aws_dynamodb_table" "ledger" {
  count        = local.in_dynamodb ? 1 : 0
  name         = local.ledger_table
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = local.raw.ledger_in_dynamodb.partition_key

  attribute {
    name = local.raw.ledger_in_dynamodb.partition_key
    type = "S"
  }

  point_in_time_recovery {
    enabled = !local.emulated
  }
}

resource "aws_s3_bucket_policy" "website" {
  bucket = aws_s3_bucket.this["website"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "CdnReads"
      Effect    = "Allow"
      Principal = { Service = "cloudfront.amazonaws.com" }
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.this["website"].arn}/*"
      Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.this.arn } }
    }]
  })
}
