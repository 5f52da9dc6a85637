variable "storage" {
  description = "The bucket of pictures, event logs and start orders."
  type = object({
    name       = string
    versioning = optional(bool, false)
    expire = optional(list(object({
      id              = string
      prefix          = string
      days            = optional(number)
      old_days        = optional(number)
      unfinished_days = optional(number)
    })), [])
  })

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.storage.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "website" {
  description = "The bucket of the page."
  type = object({
    name       = string
    versioning = optional(bool, false)
    expire = optional(list(object({
      id              = string
      prefix          = string
      days            = optional(number)
      old_days        = optional(number)
      unfinished_days = optional(number)
    })), [])
  })

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.website.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "policies" {
  description = "Bucket policies (JSON) of storage and website."
  type        = map(string)

  validation {
    condition     = alltrue([for key in ["storage", "website"] : can(jsondecode(var.policies[key]).Statement)])
    error_message = "Each of the two buckets has a policy, a JSON document with statements."
  }
}

variable "cors" {
  description = "Which pages may talk to the storage bucket, and how."
  type = list(object({
    allowed_origins = list(string)
    allowed_methods = list(string)
    allowed_headers = list(string)
    expose_headers  = list(string)
    max_age_s       = number
  }))

  validation {
    condition     = alltrue(flatten([for rule in var.cors : [for origin in rule.allowed_origins : origin != "*"]]))
    error_message = "Name the origins: not every page may upload."
  }
}

variable "force_destroy" {
  description = "Whether destroy takes the objects with it: for emulated targets only."
  type        = bool
  default     = false
  nullable    = false
}
