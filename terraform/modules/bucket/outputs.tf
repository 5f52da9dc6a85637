output "id" {
  description = "The bucket's name, once it is there."
  value       = aws_s3_bucket.this.bucket
}

output "arn" {
  description = "The bucket's ARN."
  value       = aws_s3_bucket.this.arn
}

output "domain_name" {
  description = "The bucket's host in its region."
  value       = aws_s3_bucket.this.bucket_regional_domain_name
}
