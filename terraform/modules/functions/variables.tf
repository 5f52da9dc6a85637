variable "functions" {
  description = "By key: name, handler, memory (MB), timeout (s), role and path of the zip of each function."
  type = map(object({
    name      = string
    handler   = string
    memory_mb = number
    timeout_s = number
    role_arn  = string
    zip       = string
  }))

  validation {
    condition     = alltrue([for f in var.functions : f.memory_mb >= 128 && f.memory_mb <= 10240 && f.timeout_s >= 1 && f.timeout_s <= 900])
    error_message = "A function has 128 to 10240 MB and 1 to 900 s."
  }

  validation {
    condition     = alltrue([for f in var.functions : fileexists(f.zip)])
    error_message = "Build the zips first: python -m system.artifacts --out build/zips"
  }
}

variable "runtime" {
  description = "Lambda's runtime."
  type        = string

  validation {
    condition     = can(regex("^python3\\.[0-9]+$", var.runtime))
    error_message = "The handlers are Python."
  }
}

variable "architecture" {
  description = "Processor of the functions: arm64 or x86_64."
  type        = string

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "environment" {
  description = "Environment of every function."
  type        = map(string)

  validation {
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]+$", key))])
    error_message = "A variable has capital letters, digits and underscores."
  }
}

variable "concurrency" {
  description = "By key: how many invocations of a function may run at once, taken from the account's; without an entry, what the account has left."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for n in var.concurrency : n >= 1 && floor(n) == n])
    error_message = "A whole number, 1 at least: 0 would switch the function off."
  }

  validation {
    condition     = alltrue([for key in keys(var.concurrency) : contains(keys(var.functions), key)])
    error_message = "The keys are those of functions."
  }
}

variable "tracing" {
  description = "Whether X-Ray gets traces."
  type        = bool
  default     = false
  nullable    = false
}

variable "log_days" {
  description = "Days for which the functions' logs are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400], var.log_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or 400 days."
  }
}
