# The CDN: the website by default, the API below /api, and a page for every address without a file.

data "aws_region" "this" {}

data "aws_cloudfront_cache_policy" "optimized" {
  name = "Managed-CachingOptimized"
}

data "aws_cloudfront_cache_policy" "disabled" {
  name = "Managed-CachingDisabled"
}

data "aws_cloudfront_origin_request_policy" "all_but_host" {
  name = "Managed-AllViewerExceptHostHeader"
}

resource "aws_cloudfront_origin_access_control" "website" {
  name                              = "${var.name}-website"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_function" "single_page" {
  name    = var.function.name
  runtime = var.function.runtime
  comment = var.function.comment
  code    = var.function.code
}

resource "aws_cloudfront_response_headers_policy" "this" {
  for_each = var.headers
  name     = each.value.name

  security_headers_config {
    content_security_policy {
      override                = true
      content_security_policy = each.value.content_security_policy
    }
    content_type_options {
      override = true
    }
    frame_options {
      frame_option = "DENY"
      override     = true
    }
    referrer_policy {
      referrer_policy = each.value.referrer_policy
      override        = true
    }
    strict_transport_security {
      access_control_max_age_sec = var.transport_security_s
      include_subdomains         = true
      override                   = true
    }
  }

  dynamic "custom_headers_config" {
    for_each = length(each.value.custom) > 0 ? [each.value.custom] : []
    content {
      dynamic "items" {
        for_each = custom_headers_config.value
        content {
          header   = items.key
          value    = items.value
          override = true
        }
      }
    }
  }
}

resource "aws_cloudfront_distribution" "this" {
  enabled             = true
  is_ipv6_enabled     = true
  aliases             = var.domain == null ? [] : [var.domain.name]
  web_acl_id          = one(aws_wafv2_web_acl.this[*].arn)
  comment             = var.name
  default_root_object = "index.html"
  http_version        = "http2and3"
  price_class         = "PriceClass_100"
  wait_for_deployment = var.wait_for_deployment

  origin {
    origin_id                = "website"
    domain_name              = var.website_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.website.id
  }

  origin {
    origin_id   = "api"
    domain_name = "${var.api.id}.execute-api.${data.aws_region.this.name}.amazonaws.com"
    origin_path = "/${var.api.stage}"

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  default_cache_behavior {
    target_origin_id           = "website"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = data.aws_cloudfront_cache_policy.optimized.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this["website"].id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.single_page.arn
    }
  }

  ordered_cache_behavior {
    path_pattern             = "/api/*"
    target_origin_id         = "api"
    viewer_protocol_policy   = "https-only"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods           = ["GET", "HEAD"]
    compress                 = true
    cache_policy_id          = data.aws_cloudfront_cache_policy.disabled.id
    origin_request_policy_id = data.aws_cloudfront_origin_request_policy.all_but_host.id

    response_headers_policy_id = aws_cloudfront_response_headers_policy.this["api"].id
  }

  dynamic "custom_error_response" {
    # Errors of the API are answers like any other: none may be kept for the next visitor.
    for_each = var.uncached_errors
    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  # With its own address alone CloudFront fixes the versions of TLS itself.
  viewer_certificate {
    cloudfront_default_certificate = var.domain == null
    acm_certificate_arn            = one(aws_acm_certificate_validation.this[*].certificate_arn)
    ssl_support_method             = var.domain == null ? null : "sni-only"
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021"
  }
}
