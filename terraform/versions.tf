terraform {
  required_version = ">= 1.9"

  # Its settings come from a file for each target (`nst deploy` writes it).
  backend "s3" {}

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region = var.region

  # One set of files for AWS and for the emulator: an endpoint makes it the emulator's.
  access_key                  = local.emulated ? "test" : null
  secret_key                  = local.emulated ? "test" : null
  skip_credentials_validation = local.emulated
  skip_metadata_api_check     = local.emulated
  skip_requesting_account_id  = local.emulated
  s3_use_path_style           = local.emulated
  max_retries                 = local.emulated ? 2 : null

  dynamic "endpoints" {
    for_each = local.emulated ? [var.aws_endpoint_url] : []
    content {
      apigateway = endpoints.value
      cloudfront = endpoints.value
      dynamodb   = endpoints.value
      ec2        = endpoints.value
      ecr        = endpoints.value
      ecs        = endpoints.value
      events     = endpoints.value
      iam        = endpoints.value
      lambda     = endpoints.value
      logs       = endpoints.value
      s3         = endpoints.value
      scheduler  = endpoints.value
      sfn        = endpoints.value
      sts        = endpoints.value
    }
  }

  default_tags {
    tags = { Project = var.name }
  }
}
