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
