variable "name" {
  description = "Prefix of every role."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "The name has 2 to 31 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "roles" {
  description = "By name: who may assume the role, and what it may do, both as JSON documents."
  type        = map(object({ trust = string, policy = string }))

  validation {
    condition     = alltrue([for r in var.roles : can(jsondecode(r.trust).Statement) && can(jsondecode(r.policy).Statement)])
    error_message = "A trust and a policy are JSON documents with statements."
  }
}

variable "traced" {
  description = "Names of the roles that may send traces to X-Ray."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for role in var.traced : contains(keys(var.roles), role)])
    error_message = "The names are those of roles."
  }
}
