# The API: account role and traces on and off; what is refused. Roles and workflows beside it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name       = "nst"
  body       = "{\"openapi\": \"3.0.1\", \"paths\": {\"/api/budget\": {}}}"
  stage      = "prod"
  throttle   = { default = { rate_per_s = 50, burst = 100 }, "POST /api/runs/{run_id}/stop" = { rate_per_s = 2, burst = 10 } }
  access_log = { group = "/aws/apigateway/nst", days = 14, format = "$context.requestId $context.resourcePath" }
}

run "without_options" {
  command = plan

  module {
    source = "./modules/api"
  }

  assert {
    condition     = length(aws_api_gateway_account.this) + length(aws_iam_role.logs) == 0
    error_message = "The account's role is somebody else's."
  }

  assert {
    condition     = aws_api_gateway_stage.this.access_log_settings[0].format == "$context.requestId $context.resourcePath"
    error_message = "Requests are logged."
  }

  assert {
    condition     = { for key, s in aws_api_gateway_method_settings.this : key => s.method_path } == { default = "*/*", "POST /api/runs/{run_id}/stop" = "api/runs/{run_id}/stop/POST" }
    error_message = "Throttles stand on the stage, by method."
  }
}

run "with_options" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    account_role = { name = "nst-gateway-logs", trust = "{\"Statement\": []}" }
    tracing      = true
  }

  assert {
    condition     = aws_iam_role_policy_attachment.logs[0].policy_arn == "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    error_message = "The role may write logs."
  }

  assert {
    condition     = aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "Traces."
  }
}

run "wrong_values_are_refused" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    name         = "N"
    body         = "{}"
    stage        = "a stage"
    throttle     = { "GET /api/budget" = { rate_per_s = 0, burst = 0 } }
    access_log   = { group = "g", days = 2, format = "$context.path" }
    account_role = { name = "r", trust = "{}" }
  }

  expect_failures = [var.name, var.body, var.stage, var.throttle, var.access_log, var.account_role]
}

run "workflows_that_are_none_are_refused" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    events_role_arn = "events"
    workflows       = { reconcile = { name = "nst-reconcile", type = "FAST", role_arn = "arn:aws:iam::123456789012:role/r", definition = "{}" } }
    rules           = {}
    schedules       = {}
  }

  expect_failures = [var.events_role_arn, var.workflows]
}

run "rules_and_schedules_that_lead_nowhere_are_refused" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    events_role_arn = "arn:aws:iam::123456789012:role/events"
    workflows       = {}
    rules           = { r = { name = "r", description = "d", pattern = "[]", target = "nobody", input_paths = {}, input_template = "{}" } }
    schedules       = { s = { name = "s", expression = "daily", target = "nobody", input = "{}" } }
  }

  expect_failures = [var.rules, var.schedules]
}

run "roles_without_statements_are_refused" {
  command = plan

  module {
    source = "./modules/roles"
  }

  variables {
    name  = "nst"
    roles = { task = { trust = "{}", policy = "{}" } }
  }

  expect_failures = [var.roles]
}

run "traces_by_nobody_are_refused" {
  command = plan

  module {
    source = "./modules/roles"
  }

  variables {
    name   = "nst"
    roles  = {}
    traced = ["nobody"]
  }

  expect_failures = [var.traced]
}

run "roles_that_may_send_traces" {
  command = plan

  module {
    source = "./modules/roles"
  }

  variables {
    name   = "nst"
    roles  = { task = { trust = "{\"Statement\": []}", policy = "{\"Statement\": []}" } }
    traced = ["task"]
  }

  assert {
    condition     = keys(aws_iam_role_policy_attachment.traces) == ["task"]
    error_message = "The role that was named."
  }
}
