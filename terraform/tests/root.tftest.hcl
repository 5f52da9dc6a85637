# The root: what it makes without options, and the values that it refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "defaults" {
  command = plan

  assert {
    condition     = output.buckets == { storage = "nst-storage", website = "nst-website", budget = "nst-budget" }
    error_message = "The buckets are named after the deployment."
  }
}

run "everything_on" {
  command = plan

  variables {
    budget_store             = "dynamodb"
    live_events              = true
    fargate_spot             = true
    task_cpu_units           = 4096
    task_memory_mib          = 8192
    task_architecture        = "ARM64"
    container_insights       = true
    tracing                  = true
    alarm_emails             = ["operator@example.org"]
    requests_per_day_max     = 1000
    dashboard                = false
    reserved_concurrency     = { start_nst = 5 }
    domain                   = { name = "nst.example.org", zone_id = "Z0123456789ABC" }
    requests_per_address_max = 2000
    worker_image             = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nst-worker:1"
  }

  assert {
    condition     = output.web_url == "https://nst.example.org"
    error_message = "The page is at the domain."
  }
}

run "an_emulator" {
  command = plan

  variables {
    name             = "paint"
    aws_endpoint_url = "http://127.0.0.1:4566"
    more_web_origins = ["http://localhost:8080"]
  }

  assert {
    condition     = output.buckets["budget"] == "paint-budget"
    error_message = "The name is the prefix."
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name                 = "Nst"
    region               = "mars-1"
    aws_endpoint_url     = "localhost"
    budget_store         = "redis"
    more_web_origins     = ["https://example.org/path"]
    vpc_cidr             = "10.0.0.0"
    task_cpu_units       = 256
    task_memory_mib      = 512
    task_architecture    = "RISCV"
    reserved_concurrency = { paint = 1 }
    worker_image         = "https://example.org/image"
    alarm_emails         = ["nobody"]
    requests_per_day_max = 0.5
  }

  expect_failures = [
    var.alarm_emails, var.requests_per_day_max,
    var.name, var.region, var.aws_endpoint_url, var.budget_store, var.more_web_origins, var.vpc_cidr,
    var.task_cpu_units, var.task_memory_mib, var.task_architecture, var.reserved_concurrency, var.worker_image,
  ]
}

run "a_name_that_is_too_long_for_a_load_balancer_is_refused" {
  command = plan

  variables {
    name        = "a-name-of-twenty-eight-chars"
    live_events = true
  }

  expect_failures = [var.live_events]
}

run "a_web_acl_on_the_emulator_is_refused" {
  command = plan

  variables {
    aws_endpoint_url         = "http://127.0.0.1:4566"
    requests_per_address_max = 2000
  }

  expect_failures = [var.requests_per_address_max]
}
