variable "name" {
  description = "Prefix of every resource; bucket names are global on AWS, so choose one of your own."
  type        = string
  default     = "nst"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "The name has 2 to 31 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "AWS region of everything but the CDN."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = contains(["us-east-1", "eu-west-1", "eu-central-1"], var.region)
    error_message = "Prices are known for us-east-1, eu-west-1 and eu-central-1 (system/prices.py)."
  }
}

variable "aws_endpoint_url" {
  description = "Endpoint of an emulator, such as http://127.0.0.1:4566; empty for AWS."
  type        = string
  default     = ""

  validation {
    condition     = var.aws_endpoint_url == "" || can(regex("^https?://", var.aws_endpoint_url))
    error_message = "The endpoint is a URL, or empty."
  }
}

variable "worker_image" {
  description = "Image of the NST service, with its tag; empty takes the newest of the project's own repository."
  type        = string
  default     = ""
}

variable "budget_store" {
  description = "Where the budget's ledger is kept: s3 (an object changed by conditional writes) or dynamodb (an item)."
  type        = string
  default     = "s3"

  validation {
    condition     = contains(["s3", "dynamodb"], var.budget_store)
    error_message = "The ledger is kept in s3 or dynamodb."
  }
}

variable "vpc_cidr" {
  description = "Address range of the tasks' network."
  type        = string
  default     = "10.20.0.0/24"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 2, 3))
    error_message = "The range is an IPv4 CIDR block with room for four subnets."
  }
}

variable "more_web_origins" {
  description = "Origins besides the distribution's own that may upload pictures: the emulator's web address, or a domain of yours."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for o in var.more_web_origins : can(regex("^https?://[^/*]+$", o))])
    error_message = "An origin is a scheme and a host, such as https://example.org, without a path."
  }
}
