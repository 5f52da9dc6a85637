output "buckets" {
  description = "Names of the two buckets."
  value       = { storage = module.storage.id, website = module.website.id }
}

output "website_domain_name" {
  description = "The website bucket's host, the CDN's origin."
  value       = module.website.domain_name
}
