output "web_url" {
  description = "Address of the web page; the public API is below /api."
  value       = "https://${aws_cloudfront_distribution.this.domain_name}"
}

output "distribution_id" {
  description = "The CDN's distribution, for invalidations."
  value       = aws_cloudfront_distribution.this.id
}

output "buckets" {
  description = "Names of the three buckets."
  value       = local.bucket_names
}

output "repository_url" {
  description = "Where the image of the NST service goes."
  value       = aws_ecr_repository.worker.repository_url
}
