variable "name" {
  description = "Prefix of the security groups."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,26}$", var.name))
    error_message = "A load balancer's name has 32 characters at most: the name has 2 to 27 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "vpc_id" {
  description = "The tasks' network."
  type        = string

  validation {
    condition     = can(regex("^vpc-", var.vpc_id))
    error_message = "A network's id begins with vpc-."
  }
}

variable "subnet_ids" {
  description = "Subnets in two availability zones at least, since a load balancer wants that."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A load balancer needs two subnets."
  }
}

variable "cluster" {
  description = "The cluster's name."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,255}$", var.cluster))
    error_message = "A cluster's name has letters, digits, hyphens and underscores."
  }
}

variable "image" {
  description = "Image of the NST service, with its tag."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-zA-Z0-9./:_@-]+$", var.image))
    error_message = "An image is a repository with a tag or a digest."
  }
}

variable "load_balancer" {
  description = "The load balancer: name, port, timeouts and health check."
  type = object({
    name                   = string
    port                   = number
    idle_timeout_s         = number
    deregistration_delay_s = number
    health_check = object({
      path            = string
      interval_s      = number
      timeout_s       = number
      healthy_count   = number
      unhealthy_count = number
    })
  })

  validation {
    # a comment line keeps a silent stream alive every 15 s
    condition     = var.load_balancer.idle_timeout_s >= 30 && var.load_balancer.idle_timeout_s <= 4000
    error_message = "Streams are silent for 15 s: the load balancer must wait for 30 s at least, and 4000 s at most."
  }
}

variable "vpc_link" {
  description = "The VPC link's name."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9-]{1,128}$", var.vpc_link))
    error_message = "A link's name has letters, digits and hyphens."
  }
}

variable "service" {
  description = "The instances: name, count, size, program, roles and log."
  type = object({
    name               = string
    desired_count      = number
    cpu_units          = number
    memory_mib         = number
    architecture       = string
    container          = string
    port               = number
    user               = string
    stop_timeout_s     = number
    environment        = map(string)
    role_arn           = string
    execution_role_arn = string
    log_group          = string
    log_prefix         = string
  })

  validation {
    condition     = var.service.desired_count >= 1 && var.service.desired_count <= 10
    error_message = "One instance at least, and ten at most."
  }
}
