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

variable "settings" {
  description = "The stage's variables; state is what the gate sets when it closes the API."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for value in values(var.settings) : can(regex("^[A-Za-z0-9._~:/?#&=,-]+$", value))])
    error_message = "A stage variable has letters, digits and -._~:/?#&=, only."
  }
}

variable "access_log" {
  description = "Log group, days to keep it, and format (one line, with the request's id) of the log of all requests."
  type        = object({ group = string, days = number, format = string })

  validation {
    condition     = strcontains(var.access_log.format, "$context.requestId")
    error_message = "A line without $context.requestId cannot be tied to the logs of the other parts."
  }

  validation {
    condition     = !strcontains(var.access_log.format, "$context.path")
    error_message = "A path holds a run's id, the only key to its pictures: log $context.resourcePath."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400], var.access_log.days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or 400 days."
  }
}

variable "account_role" {
  description = "The role (name, trust) with which the account's APIs write logs; null when the account has one already."
  type        = object({ name = string, trust = string })
  default     = null

  validation {
    condition     = var.account_role == null || can(jsondecode(var.account_role.trust).Statement)
    error_message = "The trust is a JSON document with statements."
  }
}

variable "tracing" {
  description = "Whether X-Ray gets traces."
  type        = bool
  default     = false
  nullable    = false
}
