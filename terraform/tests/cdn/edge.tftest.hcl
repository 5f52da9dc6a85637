# The CDN: domain and web ACL on and off, and what it refuses. In a folder of its own, since
# `terraform validate` cannot give a test of a module more than one provider:
# `terraform test -test-directory=tests/cdn`.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  name                 = "nst"
  website_domain_name  = "nst-website.s3.us-east-1.amazonaws.com"
  api                  = { id = "abc123", stage = "prod" }
  function             = { name = "nst-single-page", runtime = "cloudfront-js-2.0", comment = "page", code = "function handler(e) { return e.request; }" }
  transport_security_s = 31536000
  uncached_errors      = [404, 500]
  headers = {
    website = { name = "nst-website", content_security_policy = "default-src 'none'", referrer_policy = "no-referrer", custom = { X = "y" } }
    api     = { name = "nst-api", content_security_policy = "default-src 'none'", referrer_policy = "no-referrer", custom = {} }
  }
}

run "without_options" {
  command = plan

  module {
    source = "./modules/edge"
  }

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }

  assert {
    condition     = length(aws_acm_certificate.this) + length(aws_route53_record.web) + length(aws_wafv2_web_acl.this) == 0
    error_message = "Certificate, addresses and web ACL are made when asked for."
  }

  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].cloudfront_default_certificate
    error_message = "Without a domain CloudFront's own certificate serves."
  }

  assert {
    condition     = [for b in aws_cloudfront_distribution.this.ordered_cache_behavior : b.path_pattern] == ["/api/*"]
    error_message = "The API is below /api."
  }

  assert {
    condition     = alltrue([for e in aws_cloudfront_distribution.this.custom_error_response : e.error_caching_min_ttl == 0 && e.response_page_path == null])
    error_message = "Errors are neither kept nor turned into pages."
  }
}

run "with_a_domain" {
  command = plan

  module {
    source = "./modules/edge"
  }

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }

  variables {
    domain = { name = "nst.example.org", zone_id = "Z0123456789ABC" }
  }

  assert {
    condition     = aws_cloudfront_distribution.this.aliases == toset(["nst.example.org"])
    error_message = "The distribution answers to the domain."
  }

  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021"
    error_message = "No old TLS."
  }

  assert {
    condition     = keys(aws_route53_record.web) == ["A", "AAAA"]
    error_message = "The domain leads to the distribution by IPv4 and IPv6."
  }
}

run "with_a_web_acl" {
  command = plan

  module {
    source = "./modules/edge"
  }

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }

  variables {
    requests_per_address_max = 2000
  }

  assert {
    condition     = aws_wafv2_web_acl.this[0].scope == "CLOUDFRONT"
    error_message = "A CDN's web ACL."
  }

  assert {
    condition     = one([for r in aws_wafv2_web_acl.this[0].rule : r.statement[0].rate_based_statement[0].limit if r.name == "requests-per-address"]) == 2000
    error_message = "The limit is that of the rule."
  }
}

run "a_domain_that_is_none_is_refused" {
  command = plan

  module {
    source = "./modules/edge"
  }

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }

  variables {
    domain = { name = "https://example.org", zone_id = "zone of mine" }
  }

  expect_failures = [var.domain]
}

run "a_limit_below_a_pages_own_requests_is_refused" {
  command = plan

  module {
    source = "./modules/edge"
  }

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }

  variables {
    requests_per_address_max = 10
  }

  expect_failures = [var.requests_per_address_max]
}

run "kept_404s_short_hsts_and_missing_headers_are_refused" {
  command = plan

  module {
    source = "./modules/edge"
  }

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }

  variables {
    uncached_errors      = [500]
    transport_security_s = 60
    headers              = {}
    website_domain_name  = "example.org"
    api                  = { id = "abc123", stage = "a stage" }
    function             = { name = "f", runtime = "nodejs20.x", comment = "", code = "" }
    name                 = "X"
  }

  expect_failures = [
    var.uncached_errors, var.transport_security_s, var.headers, var.website_domain_name, var.api, var.function, var.name,
  ]
}
