# Budget State: the ledger as an object which changes by compare-and-swap only, or as an item.

module "bucket" {
  source        = "../bucket"
  name          = var.bucket.name
  policy        = var.policy
  versioning    = var.bucket.versioning
  expire        = var.bucket.expire
  force_destroy = var.force_destroy
}

# The ledger's other home, by choice; DynamoDB has no policy that refuses unconditional writes.
resource "aws_dynamodb_table" "ledger" {
  count        = var.table == null ? 0 : 1
  name         = var.table.name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = var.table.partition_key

  attribute {
    name = var.table.partition_key
    type = "S"
  }

  point_in_time_recovery {
    enabled = var.recovery
  }
}
