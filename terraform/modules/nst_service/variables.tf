variable "name" {
  description = "Prefix of the repository and of the network's parts."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "The name has 2 to 31 lower-case letters, digits and hyphens, and begins with a letter."
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

variable "vpc_cidr" {
  description = "Address range of the tasks' network."
  type        = string

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 2, 3))
    error_message = "The range is an IPv4 CIDR block with room for four subnets."
  }
}

variable "image" {
  description = "Image of the NST service, with its tag; empty takes the newest of the repository."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.image == "" || can(regex("^[a-z0-9][a-zA-Z0-9./:_@-]+$", var.image)) && !strcontains(var.image, "://")
    error_message = "An image is a repository with a tag or a digest."
  }
}

variable "task" {
  description = "The task definition: family, container, size, architecture, roles, environment, log."
  type = object({
    family             = string
    container          = string
    repository         = string
    images_kept        = number
    user               = string
    cpu_units          = number
    memory_mib         = number
    architecture       = string
    port               = number
    stop_timeout_s     = number
    environment        = map(string)
    role_arn           = string
    execution_role_arn = string
    log_group          = string
    log_days           = number
  })

  validation {
    condition     = contains(["X86_64", "ARM64"], var.task.architecture)
    error_message = "The architecture is X86_64 or ARM64."
  }

  validation {
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
    condition = (
      var.task.cpu_units == 256 ? contains([512, 1024, 2048], var.task.memory_mib)
      : var.task.memory_mib % 1024 == 0 && contains([512, 1024, 2048, 4096], var.task.cpu_units)
      ? var.task.memory_mib >= 2 * var.task.cpu_units && var.task.memory_mib <= (var.task.cpu_units == 512 ? 4096 : min(8 * var.task.cpu_units, 30720))
      : contains([8192, 16384], var.task.cpu_units)
      ? var.task.memory_mib >= 2 * var.task.cpu_units && var.task.memory_mib <= (var.task.cpu_units == 8192 ? 61440 : 122880) && var.task.memory_mib % (var.task.cpu_units / 2) == 0
      : false
    )
    error_message = "Fargate has no task of this size: see its table of CPU units and memory."
  }

  validation {
    condition     = can(regex("^[1-9][0-9]*(:[1-9][0-9]*)?$", var.task.user))
    error_message = "The user is a number, and not root."
  }

  validation {
    condition     = var.task.stop_timeout_s >= 2 && var.task.stop_timeout_s <= 120
    error_message = "Fargate waits 2 to 120 s between SIGTERM and SIGKILL."
  }
}

variable "spot" {
  description = "Whether tasks run on Fargate Spot, which is cheaper and may end them at any time."
  type        = bool
  default     = false
  nullable    = false
}

variable "container_insights" {
  description = "Whether CloudWatch keeps metrics of each task, for a price."
  type        = bool
  default     = false
  nullable    = false
}

variable "force_destroy" {
  description = "Whether destroy takes the images with it: for emulated targets only."
  type        = bool
  default     = false
  nullable    = false
}
