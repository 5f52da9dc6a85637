output "web_url" {
  description = "Address of the web page."
  value       = var.domain == null ? "https://${aws_cloudfront_distribution.this.domain_name}" : "https://${var.domain.name}"
}

output "distribution_id" {
  description = "The distribution's id."
  value       = aws_cloudfront_distribution.this.id
}

output "distribution_arn" {
  description = "The distribution's ARN."
  value       = aws_cloudfront_distribution.this.arn
}
