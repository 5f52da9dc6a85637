# What watches the system: subscriptions and dashboard as options; what is refused.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name            = "nst"
  topic           = "nst-alarms"
  events_role_arn = "arn:aws:iam::123456789012:role/events"

  alarms = {
    overrun = {
      name        = "nst-overrun"
      description = "d"
      namespace   = "NST"
      metric      = "OverrunMicrousd"
      dimensions  = {}
      statistic   = "Maximum"
      period_s    = 600
      threshold   = 1
      missing     = "ignore"
    }
  }

  gate = {
    name       = "nst-gate"
    type       = "EXPRESS"
    role       = "gate"
    trust      = "{\"Statement\": []}"
    policy     = "{\"Statement\": []}"
    definition = "{\"StartAt\": \"Begin\"}"
  }

  rules = {
    close_api = { name = "nst-close-api", description = "d", pattern = "{\"source\": [\"aws.cloudwatch\"]}", input_paths = {}, input_template = "{}" }
  }
}

run "without_options" {
  command = plan

  module {
    source = "./modules/observability"
  }

  assert {
    condition     = length(aws_cloudwatch_dashboard.this) + length(aws_sns_topic_subscription.emails) == 0
    error_message = "Nobody asked for them."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["overrun"].treat_missing_data == "ignore"
    error_message = "A gauge that is late keeps its alarm."
  }

  assert {
    condition     = aws_cloudwatch_event_target.gate["close_api"].target_id == "close-api"
    error_message = "The rule starts the gate."
  }
}

run "with_options" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    emails    = ["operator@example.org"]
    dashboard = { name = "nst", body = "{\"widgets\": []}" }
  }

  assert {
    condition     = aws_sns_topic_subscription.emails["operator@example.org"].protocol == "email"
    error_message = "Alarms are sent by mail."
  }

  assert {
    condition     = aws_cloudwatch_dashboard.this[0].dashboard_name == "nst"
    error_message = "There is something to look at."
  }
}

run "wrong_values_are_refused" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    name            = "N"
    topic           = "a topic"
    emails          = ["nobody"]
    events_role_arn = "events"
    dashboard       = { name = "nst", body = "{}" }
    alarms          = { a = { name = "a", description = "d", namespace = "n", metric = "m", dimensions = {}, statistic = "Sum", period_s = 90, threshold = 1, missing = "perhaps" } }
    gate            = { name = "g", type = "EXPRESS", role = "gate", trust = "{}", policy = "{}", definition = "{}" }
    rules           = { r = { name = "r", description = "d", pattern = "[]", input_paths = {}, input_template = "{}" } }
  }

  expect_failures = [var.name, var.topic, var.emails, var.events_role_arn, var.dashboard, var.alarms, var.gate, var.rules]
}
