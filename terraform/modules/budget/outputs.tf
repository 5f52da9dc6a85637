output "bucket" {
  description = "Name of the ledger's bucket."
  value       = module.bucket.id
}

output "table" {
  description = "Name of the ledger's table, or null."
  value       = one(aws_dynamodb_table.ledger[*].name)
}
