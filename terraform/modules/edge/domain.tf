# A domain of one's own: its certificate, proven by DNS, and its addresses.

resource "aws_acm_certificate" "this" {
  count             = var.domain == null ? 0 : 1
  provider          = aws.us_east_1
  domain_name       = var.domain.name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "proof" {
  count           = var.domain == null ? 0 : 1
  zone_id         = var.domain.zone_id
  name            = tolist(aws_acm_certificate.this[0].domain_validation_options)[0].resource_record_name
  type            = tolist(aws_acm_certificate.this[0].domain_validation_options)[0].resource_record_type
  records         = [tolist(aws_acm_certificate.this[0].domain_validation_options)[0].resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  count                   = var.domain == null ? 0 : 1
  provider                = aws.us_east_1
  certificate_arn         = aws_acm_certificate.this[0].arn
  validation_record_fqdns = aws_route53_record.proof[*].fqdn
}

resource "aws_route53_record" "web" {
  for_each = var.domain == null ? toset([]) : toset(["A", "AAAA"])
  zone_id  = var.domain.zone_id
  name     = var.domain.name
  type     = each.key

  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}
