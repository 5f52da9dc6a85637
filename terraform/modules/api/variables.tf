variable "name" {
  description = "The API's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "The name has 2 to 31 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "body" {
  description = "The API as an OpenAPI document with the gateway's integrations in it, YAML or JSON."
  type        = string

  validation {
    condition     = can(yamldecode(var.body).paths)
    error_message = "The body is an OpenAPI document with paths."
  }
}

variable "stage" {
  description = "The stage's name."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_]{1,128}$", var.stage))
    error_message = "A stage has letters, digits and underscores."
  }
}

variable "throttle" {
  description = "By method (\"POST /api/runs\") or \"default\": how many calls a second, and how many at once."
  type        = map(object({ rate_per_s = number, burst = number }))

  validation {
    condition     = contains(keys(var.throttle), "default")
    error_message = "Methods without a throttle of their own need the default."
  }

  validation {
    condition     = alltrue([for limit in var.throttle : limit.rate_per_s > 0 && limit.burst >= 1])
    error_message = "A throttle lets something through."
  }
}
