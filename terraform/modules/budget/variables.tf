variable "bucket" {
  description = "The bucket of the ledger, kept also where the ledger is in a table."
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
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "policy" {
  description = "The bucket's policy (JSON)."
  type        = string

  validation {
    condition     = can(jsondecode(var.policy).Statement)
    error_message = "The policy is a JSON document with statements."
  }
}

variable "table" {
  description = "The ledger's table in DynamoDB, where it is kept there; null: it is an object in the bucket."
  type        = object({ name = string, partition_key = string })
  default     = null

  validation {
    condition     = var.table == null || can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.table.name))
    error_message = "A table's name has 3 to 255 letters, digits, points, hyphens and underscores."
  }
}

variable "recovery" {
  description = "Whether the table can be restored to any second of the last 35 days."
  type        = bool
  default     = true
  nullable    = false
}

variable "force_destroy" {
  description = "Whether destroy takes the objects with it: for emulated targets only."
  type        = bool
  default     = false
  nullable    = false
}
