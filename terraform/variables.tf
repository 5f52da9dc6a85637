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
  nullable    = false

  validation {
    condition     = var.worker_image == "" || can(regex("^[a-z0-9][a-zA-Z0-9./:_@-]+$", var.worker_image)) && !strcontains(var.worker_image, "://")
    error_message = "An image is a repository with a tag or a digest."
  }
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

variable "task_cpu_units" {
  description = "CPU units of a task (1024 are a vCPU); null takes the declared ones. The price of a run follows."
  type        = number
  default     = null

  validation {
    condition     = var.task_cpu_units == null || contains([1024, 2048, 4096, 8192, 16384], coalesce(var.task_cpu_units, 2048))
    error_message = "A painter has 1024, 2048, 4096, 8192 or 16384 CPU units."
  }
}

variable "task_memory_mib" {
  description = "Memory of a task in MiB; null takes the declared amount. The price of a run follows."
  type        = number
  default     = null

  validation {
    condition     = coalesce(var.task_memory_mib, 4096) >= 4096
    error_message = "The largest paintings need 4096 MiB."
  }
}

variable "task_architecture" {
  description = "Processor of a task, X86_64 or ARM64, for which the image was built; null takes the declared one."
  type        = string
  default     = null

  validation {
    condition     = contains(["X86_64", "ARM64"], coalesce(var.task_architecture, "X86_64"))
    error_message = "The architecture is X86_64 or ARM64."
  }
}

variable "fargate_spot" {
  description = "Run tasks on Fargate Spot: cheaper, but AWS may end a run at any time. Budgets go on to count the full price."
  type        = bool
  default     = false
  nullable    = false
}

variable "container_insights" {
  description = "Metrics of each task in CloudWatch, which cost by the metric."
  type        = bool
  default     = false
  nullable    = false
}

variable "reserved_concurrency" {
  description = "By function (read_budget, start_nst, ...): how many of its invocations may run at once."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.reserved_concurrency) : contains(["read_budget", "get_upload_url", "update_budget", "start_nst", "stop_nst"], key)])
    error_message = "The functions are read_budget, get_upload_url, update_budget, start_nst and stop_nst."
  }
}

variable "tracing" {
  description = "Send traces of the API and of the functions to X-Ray, which cost by the trace."
  type        = bool
  default     = false
  nullable    = false
}

variable "api_account_role" {
  description = "Make the role with which API Gateway writes logs, and set it for the whole account and region; false where the account has one."
  type        = bool
  default     = true
  nullable    = false
}

variable "domain" {
  description = "A domain name of yours and the Route53 zone that it is in; null takes CloudFront's own address."
  type        = object({ name = string, zone_id = string })
  default     = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain.name))
    error_message = "A domain name is one such as nst.example.org, in lower case."
  }
}

variable "requests_per_address_max" {
  description = "Requests that one address may make within five minutes before a web ACL blocks it; null: no web ACL, which costs by the month."
  type        = number
  default     = null

  validation {
    condition     = var.requests_per_address_max == null || var.aws_endpoint_url == ""
    error_message = "The emulator has no web ACLs: leave requests_per_address_max out there."
  }
}

variable "live_events" {
  description = "Whether the events of runs are streamed: a load balancer and an instance that cost 30 to 45 dollars a month (docs/operations.md). Without it clients follow the event log."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.live_events || length(var.name) <= 27
    error_message = "A load balancer's name has 32 characters at most: with live events the name has 27."
  }
}

variable "alarm_emails" {
  description = "Addresses that alarms are sent to; each gets a message with a link to confirm it."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for a in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", a))])
    error_message = "An address is a name, an @ and a host."
  }
}

variable "requests_per_day_max" {
  description = "Requests in 24 hours from which on the API closes; null takes the declared number."
  type        = number
  default     = null

  validation {
    condition     = coalesce(var.requests_per_day_max, 1) >= 1 && floor(coalesce(var.requests_per_day_max, 1)) == coalesce(var.requests_per_day_max, 1)
    error_message = "The number of requests is whole and at least 1."
  }
}

variable "dashboard" {
  description = "Make the CloudWatch dashboard; an account's first three cost nothing."
  type        = bool
  default     = true
  nullable    = false
}
