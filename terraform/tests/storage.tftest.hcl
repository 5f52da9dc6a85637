# The buckets: nobody's but ours, encrypted, without ACLs; and what is refused.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name   = "nst-budget"
  policy = "{\"Version\": \"2012-10-17\", \"Statement\": []}"
}

run "a_bucket" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Nothing is public."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "No ACLs."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Encrypted by S3's keys."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "Destroy does not take objects along."
  }

  assert {
    condition     = length(aws_s3_bucket_versioning.this) + length(aws_s3_bucket_lifecycle_configuration.this) == 0
    error_message = "Versions and expiry when asked for."
  }
}

run "a_bucket_of_versions_that_expire" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    versioning = true
    expire     = [{ id = "old", prefix = "", old_days = 7 }, { id = "unfinished", prefix = "", unfinished_days = 1 }]
  }

  assert {
    condition     = aws_s3_bucket_versioning.this[0].versioning_configuration[0].status == "Enabled"
    error_message = "Versions are kept."
  }

  assert {
    condition     = [for r in aws_s3_bucket_lifecycle_configuration.this[0].rule : r.id] == ["old", "unfinished"]
    error_message = "Each rule is there."
  }
}

run "wrong_values_are_refused" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    name   = "Nst_Budget"
    policy = "{}"
    expire = [{ id = "never", prefix = "" }]
  }

  expect_failures = [var.name, var.policy, var.expire]
}

run "the_ledger_in_a_bucket" {
  command = plan

  module {
    source = "./modules/budget"
  }

  variables {
    bucket = { name = "nst-budget" }
  }

  assert {
    condition     = length(aws_dynamodb_table.ledger) == 0 && output.table == null
    error_message = "No table unless asked for."
  }
}

run "the_ledger_in_a_table" {
  command = plan

  module {
    source = "./modules/budget"
  }

  variables {
    bucket = { name = "nst-budget" }
    table  = { name = "nst-ledger", partition_key = "id" }
  }

  assert {
    condition     = aws_dynamodb_table.ledger[0].billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.ledger[0].point_in_time_recovery[0].enabled
    error_message = "A table that costs nothing at rest and can be restored."
  }
}

run "a_table_without_a_name_is_refused" {
  command = plan

  module {
    source = "./modules/budget"
  }

  variables {
    bucket = { name = "x" }
    table  = { name = "", partition_key = "id" }
  }

  expect_failures = [var.bucket, var.table]
}

run "every_page_as_an_origin_is_refused" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    storage  = { name = "nst-storage" }
    website  = { name = "nst-website" }
    policies = { storage = "{}" }
    cors     = [{ allowed_origins = ["*"], allowed_methods = ["GET"], allowed_headers = [], expose_headers = [], max_age_s = 60 }]
  }

  expect_failures = [var.policies, var.cors]
}
