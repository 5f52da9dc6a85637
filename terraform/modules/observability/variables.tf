variable "name" {
  description = "Prefix of every resource."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "The name has 2 to 31 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "topic" {
  description = "Name of the topic that alarms go to."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,256}$", var.topic))
    error_message = "A topic's name has letters, digits, hyphens and underscores."
  }
}

variable "emails" {
  description = "Addresses that get what the topic gets, once they have confirmed it."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for a in var.emails : strcontains(a, "@")])
    error_message = "An address has an @."
  }
}

variable "alarms" {
  description = "By key: the metric, its statistic over one period, and the threshold from which on it is an alarm."
  type = map(object({
    name        = string
    description = string
    namespace   = string
    metric      = string
    dimensions  = map(string)
    statistic   = string
    period_s    = number
    threshold   = number
    missing     = string
  }))

  validation {
    condition     = alltrue([for a in var.alarms : a.period_s % 60 == 0 && a.period_s > 0])
    error_message = "A period is whole minutes."
  }

  validation {
    condition     = alltrue([for a in var.alarms : contains(["missing", "ignore", "breaching", "notBreaching"], a.missing)])
    error_message = "Missing data are missing, ignore, breaching or notBreaching."
  }
}

variable "dashboard" {
  description = "Name and body (JSON) of the dashboard; null makes none."
  type        = object({ name = string, body = string })
  default     = null

  validation {
    condition     = var.dashboard == null || can(jsondecode(var.dashboard.body).widgets)
    error_message = "A dashboard's body is a JSON document with widgets."
  }
}

variable "gate" {
  description = "The workflow that closes and opens the API, and its role (name, trust and policy)."
  type = object({
    name       = string
    type       = string
    role       = string
    trust      = string
    policy     = string
    definition = string
  })

  validation {
    condition     = can(jsondecode(var.gate.definition).StartAt)
    error_message = "A definition is a JSON document with StartAt."
  }

  validation {
    condition     = can(jsondecode(var.gate.trust).Statement) && can(jsondecode(var.gate.policy).Statement)
    error_message = "A trust and a policy are JSON documents with statements."
  }
}

variable "rules" {
  description = "By key: which alarm's events (a pattern, JSON) start the gate with which input."
  type = map(object({
    name           = string
    description    = string
    pattern        = string
    input_paths    = map(string)
    input_template = string
  }))

  validation {
    condition     = alltrue([for r in var.rules : can(keys(jsondecode(r.pattern)))])
    error_message = "A pattern is a JSON object."
  }
}

variable "events_role_arn" {
  description = "Role that the rules start the gate with."
  type        = string

  validation {
    condition     = can(regex("^arn:", var.events_role_arn))
    error_message = "The role is named by its ARN."
  }
}
