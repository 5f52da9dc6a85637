variable "name" {
  description = "Prefix of the CDN's parts."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "The name has 2 to 31 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "website_domain_name" {
  description = "Host of the website's bucket in its region."
  type        = string

  validation {
    condition     = can(regex("\\.s3\\.", var.website_domain_name))
    error_message = "The website is a bucket's host, such as nst-website.s3.eu-west-1.amazonaws.com."
  }
}

variable "api" {
  description = "Id and stage of the REST API that answers below /api."
  type        = object({ id = string, stage = string })

  validation {
    condition     = can(regex("^[a-zA-Z0-9_]{1,128}$", var.api.stage))
    error_message = "A stage has letters, digits and underscores."
  }
}

variable "function" {
  description = "The CloudFront function that makes every address without a file the page: its name, runtime, comment and code."
  type        = object({ name = string, runtime = string, comment = string, code = string })

  validation {
    condition     = contains(["cloudfront-js-1.0", "cloudfront-js-2.0"], var.function.runtime)
    error_message = "The runtime is cloudfront-js-1.0 or cloudfront-js-2.0."
  }
}

variable "headers" {
  description = "Response headers of the website and of the api."
  type = map(object({
    name                    = string
    content_security_policy = string
    referrer_policy         = string
    custom                  = map(string)
  }))

  validation {
    condition     = contains(keys(var.headers), "website") && contains(keys(var.headers), "api")
    error_message = "There are headers for website and for api."
  }
}

variable "transport_security_s" {
  description = "For how long a browser keeps to HTTPS."
  type        = number

  validation {
    condition     = var.transport_security_s >= 31536000
    error_message = "A year at least (31536000 s)."
  }
}

variable "uncached_errors" {
  description = "Error codes that the CDN does not keep for the next visitor."
  type        = list(number)

  validation {
    condition     = contains(var.uncached_errors, 404)
    error_message = "A run that is not there yet will be there in a second: 404 may not be kept."
  }
}

variable "wait_for_deployment" {
  description = "Whether apply waits until the CDN is the same everywhere."
  type        = bool
  default     = true
  nullable    = false
}

variable "domain" {
  description = "A domain name of one's own and the Route53 zone that it is in; null: CloudFront's own address."
  type        = object({ name = string, zone_id = string })
  default     = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain.name))
    error_message = "A domain name is one such as nst.example.org, in lower case."
  }

  validation {
    condition     = var.domain == null || can(regex("^[A-Z0-9]{1,32}$", var.domain.zone_id))
    error_message = "A zone is named by its id, such as Z0123456789ABCDEFGHIJ."
  }
}

variable "requests_per_address_max" {
  description = "Requests that one address may make within five minutes before it is blocked; null: no web ACL."
  type        = number
  default     = null

  validation {
    condition     = coalesce(var.requests_per_address_max, 1000) >= 100
    error_message = "A page and its polling need 100 at least."
  }
}
