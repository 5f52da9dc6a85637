variable "name" {
  description = "The bucket's name, global on AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "policy" {
  description = "The bucket policy, a JSON document."
  type        = string

  validation {
    condition     = can(jsondecode(var.policy).Statement)
    error_message = "The policy is a JSON document with statements."
  }
}

variable "versioning" {
  description = "Whether old versions of objects are kept."
  type        = bool
  default     = false
  nullable    = false
}

variable "expire" {
  description = "What is deleted by itself: objects below a prefix after days, old versions after old_days, unfinished uploads after unfinished_days."
  type = list(object({
    id              = string
    prefix          = string
    days            = optional(number)
    old_days        = optional(number)
    unfinished_days = optional(number)
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for rule in var.expire : coalesce(rule.days, rule.old_days, rule.unfinished_days, 0) >= 1])
    error_message = "A rule names days, old_days or unfinished_days, 1 at least."
  }
}

variable "force_destroy" {
  description = "Whether destroy takes the objects with it: for emulated targets only."
  type        = bool
  default     = false
  nullable    = false
}
