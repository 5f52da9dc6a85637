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
      allowed_origins = concat(cors_rule.value.AllowedOrigins, var.more_web_origins)
      allowed_methods = cors_rule.value.AllowedMethods
      allowed_headers = cors_rule.value.AllowedHeaders
      expose_headers  = cors_rule.value.ExposeHeaders
      max_age_seconds = cors_rule.value.MaxAgeSeconds
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = { for key, bucket in local.raw.buckets : key => bucket.expire if can(bucket.expire) }
  bucket   = aws_s3_bucket.this[each.key].id

  dynamic "rule" {
    for_each = each.value
    content {
      id     = rule.value.id
      status = "Enabled"
      filter {
        prefix = rule.value.prefix
      }
      dynamic "expiration" {
        for_each = try([rule.value.days], [])
        content {
          days = expiration.value
        }
      }
      dynamic "noncurrent_version_expiration" {
        for_each = try([rule.value.old_days], [])
        content {
          noncurrent_days = noncurrent_version_expiration.value
        }
      }
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = { for key, bucket in local.raw.buckets : key => bucket if try(bucket.versioning, false) }
  bucket   = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
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

# TLS only; the ledger changes by compare-and-swap only; the website is read by the CDN alone.
resource "aws_s3_bucket_policy" "this" {
  for_each = local.raw.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = flatten([
      for name in each.value.policies : jsondecode(templatefile("${local.system}/policies/${name}.json", merge(local.values, {
        bucket_arn       = aws_s3_bucket.this[each.key].arn
        distribution_arn = aws_cloudfront_distribution.this.arn
      }))).Statement
    ])
  })
}
