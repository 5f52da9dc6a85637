variable "workflows" {
  description = "By key: name, type, role and definition (JSON) of each workflow."
  type        = map(object({ name = string, type = string, role_arn = string, definition = string }))

  validation {
    condition     = alltrue([for w in var.workflows : contains(["STANDARD", "EXPRESS"], w.type)])
    error_message = "A workflow is STANDARD or EXPRESS."
  }

  validation {
    condition     = alltrue([for w in var.workflows : can(jsondecode(w.definition).StartAt)])
    error_message = "A definition is a JSON document with StartAt."
  }
}

variable "rules" {
  description = "By key: which events (a pattern, JSON) start which workflow with which input."
  type = map(object({
    name           = string
    description    = string
    pattern        = string
    target         = string
    input_paths    = map(string)
    input_template = string
  }))

  validation {
    condition     = alltrue([for r in var.rules : can(keys(jsondecode(r.pattern)))])
    error_message = "A pattern is a JSON object."
  }

  validation {
    condition     = alltrue([for r in var.rules : contains(keys(var.workflows), r.target)])
    error_message = "A rule's target is one of the workflows."
  }
}

variable "schedules" {
  description = "By key: which workflow is started when, with which input (JSON)."
  type        = map(object({ name = string, expression = string, target = string, input = string }))

  validation {
    condition     = alltrue([for s in var.schedules : can(regex("^(rate|cron|at)\\(.+\\)$", s.expression))])
    error_message = "A schedule's expression is rate(...), cron(...) or at(...)."
  }

  validation {
    condition     = alltrue([for s in var.schedules : contains(keys(var.workflows), s.target)])
    error_message = "A schedule's target is one of the workflows."
  }
}

variable "events_role_arn" {
  description = "Role that rules and schedules start workflows with."
  type        = string

  validation {
    condition     = can(regex("^arn:", var.events_role_arn))
    error_message = "The role is named by its ARN."
  }
}
