# The functions: concurrency and tracing on and off, and what is refused.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  runtime      = "python3.12"
  architecture = "arm64"
  log_days     = 14
  environment  = { CLUSTER = "nst" }
  functions = {
    read_budget = { name = "nst-read-budget", handler = "handlers.read_budget.handler", memory_mb = 256, timeout_s = 10, role_arn = "arn:aws:iam::123456789012:role/r", zip = "./main.tf" }
    start_nst   = { name = "nst-start-nst", handler = "handlers.start_nst.handler", memory_mb = 256, timeout_s = 15, role_arn = "arn:aws:iam::123456789012:role/s", zip = "./main.tf" }
  }
}

run "without_options" {
  command = plan

  module {
    source = "./modules/functions"
  }

  assert {
    condition     = alltrue([for f in aws_lambda_function.this : f.reserved_concurrent_executions == -1])
    error_message = "No function takes of the account's concurrency."
  }

  assert {
    condition     = alltrue([for f in aws_lambda_function.this : one(f.tracing_config).mode == "PassThrough"])
    error_message = "Traces are a choice."
  }

  assert {
    condition     = alltrue([for g in aws_cloudwatch_log_group.this : g.retention_in_days == 14])
    error_message = "No log grows for ever."
  }
}

run "with_options" {
  command = plan

  module {
    source = "./modules/functions"
  }

  variables {
    concurrency = { start_nst = 5 }
    tracing     = true
  }

  assert {
    condition     = { for key, f in aws_lambda_function.this : key => f.reserved_concurrent_executions } == { read_budget = -1, start_nst = 5 }
    error_message = "The function that was named has its share."
  }

  assert {
    condition     = alltrue([for f in aws_lambda_function.this : one(f.tracing_config).mode == "Active"])
    error_message = "Traces of all."
  }
}

run "wrong_values_are_refused" {
  command = plan

  module {
    source = "./modules/functions"
  }

  variables {
    runtime      = "nodejs20.x"
    architecture = "sparc"
    log_days     = 2
    environment  = { cluster = "nst" }
    concurrency  = { start_nst = 0 }
  }

  expect_failures = [var.runtime, var.architecture, var.log_days, var.environment, var.concurrency]
}

run "a_function_without_its_zip_is_refused" {
  command = plan

  module {
    source = "./modules/functions"
  }

  variables {
    functions = {
      read_budget = { name = "f", handler = "h", memory_mb = 64, timeout_s = 901, role_arn = "arn:aws:iam::123456789012:role/r", zip = "./no-such.zip" }
    }
  }

  expect_failures = [var.functions]
}
