# NST Storage, which pages upload to, and Website, which the CDN alone reads.

module "storage" {
  source        = "../bucket"
  name          = var.storage.name
  policy        = var.policies["storage"]
  versioning    = var.storage.versioning
  expire        = var.storage.expire
  force_destroy = var.force_destroy
}

module "website" {
  source        = "../bucket"
  name          = var.website.name
  policy        = var.policies["website"]
  versioning    = var.website.versioning
  expire        = var.website.expire
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_cors_configuration" "storage" {
  bucket = module.storage.id

  dynamic "cors_rule" {
    for_each = var.cors
    content {
      allowed_origins = cors_rule.value.allowed_origins
      allowed_methods = cors_rule.value.allowed_methods
      allowed_headers = cors_rule.value.allowed_headers
      expose_headers  = cors_rule.value.expose_headers
      max_age_seconds = cors_rule.value.max_age_s
    }
  }
}
