output "web_url" {
  description = "Address of the web page; the public API is below /api."
  value       = module.edge.web_url
}

output "distribution_id" {
  description = "The CDN's distribution, for invalidations."
  value       = module.edge.distribution_id
}

output "buckets" {
  description = "Names of the three buckets."
  value       = merge(module.storage.buckets, { budget = module.budget.bucket })
}

output "repository_url" {
  description = "Where the image of the NST service goes."
  value       = module.nst_service.repository_url
}

output "alarm_topic_arn" {
  description = "The SNS topic that alarms go to."
  value       = module.observability.topic_arn
}
