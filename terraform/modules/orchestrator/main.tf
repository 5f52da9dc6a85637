# The workflows, the rules that start reconcile for one run, and its schedule for all.

resource "aws_sfn_state_machine" "this" {
  for_each   = var.workflows
  name       = each.value.name
  type       = each.value.type
  role_arn   = each.value.role_arn
  definition = each.value.definition
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each      = var.rules
  name          = each.value.name
  description   = each.value.description
  event_pattern = each.value.pattern
}

resource "aws_cloudwatch_event_target" "this" {
  for_each  = var.rules
  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = replace(each.key, "_", "-")
  arn       = aws_sfn_state_machine.this[each.value.target].arn
  role_arn  = var.events_role_arn

  input_transformer {
    input_paths    = each.value.input_paths
    input_template = each.value.input_template
  }
}

resource "aws_scheduler_schedule" "this" {
  for_each            = var.schedules
  name                = each.value.name
  schedule_expression = each.value.expression

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.this[each.value.target].arn
    role_arn = var.events_role_arn
    input    = each.value.input
  }
}
