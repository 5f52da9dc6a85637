# One set of files for AWS and for the emulator: an endpoint makes it the emulator's.

locals {
  tags = { Project = var.name }
}

provider "aws" {
  region = var.region

  access_key                  = local.emulated ? "test" : null
  secret_key                  = local.emulated ? "test" : null
  skip_credentials_validation = local.emulated
  skip_metadata_api_check     = local.emulated
  s3_use_path_style           = local.emulated
  max_retries                 = local.emulated ? 2 : null

  dynamic "endpoints" {
    for_each = local.emulated ? [var.aws_endpoint_url] : []
    content {
      acm                    = endpoints.value
      apigateway             = endpoints.value
      apigatewayv2           = endpoints.value
      applicationautoscaling = endpoints.value
      budgets                = endpoints.value
      cloudfront             = endpoints.value
      cloudwatch             = endpoints.value
      dynamodb               = endpoints.value
      ec2                    = endpoints.value
      ecr                    = endpoints.value
      ecs                    = endpoints.value
      elbv2                  = endpoints.value
      events                 = endpoints.value
      iam                    = endpoints.value
      kms                    = endpoints.value
      lambda                 = endpoints.value
      logs                   = endpoints.value
      route53                = endpoints.value
      s3                     = endpoints.value
      scheduler              = endpoints.value
      sfn                    = endpoints.value
      sns                    = endpoints.value
      sqs                    = endpoints.value
      sts                    = endpoints.value
      wafv2                  = endpoints.value
    }
  }

  default_tags {
    tags = local.tags
  }
}

# The CDN takes its certificate and its web ACL from us-east-1 alone.
provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"

  access_key                  = local.emulated ? "test" : null
  secret_key                  = local.emulated ? "test" : null
  skip_credentials_validation = local.emulated
  skip_metadata_api_check     = local.emulated
  skip_requesting_account_id  = local.emulated
  max_retries                 = local.emulated ? 2 : null

  dynamic "endpoints" {
    for_each = local.emulated ? [var.aws_endpoint_url] : []
    content {
      acm   = endpoints.value
      sts   = endpoints.value
      wafv2 = endpoints.value
    }
  }

  default_tags {
    tags = local.tags
  }
}
