# The workflows, the rules that start reconcile for one run, and its schedule for all.

resource "aws_sfn_state_machine" "this" {
  for_each   = local.raw.workflows
  name       = local.workflow_names[each.key]
  type       = each.value.type
  role_arn   = aws_iam_role.this[each.value.role].arn
  definition = templatefile("${local.system}/workflows/${each.value.definition}", local.values)
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each      = local.raw.rules
  name          = replace(each.value.name, "$${name}", var.name)
  description   = each.value.description
  event_pattern = jsonencode(local.stack.rules[each.key].pattern)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each  = local.raw.rules
  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = replace(each.key, "_", "-")
  arn       = aws_sfn_state_machine.this[each.value.target].arn
  role_arn  = aws_iam_role.this["events"].arn

  input_transformer {
    input_paths    = each.value.input_paths
    input_template = each.value.input_template
  }
}

resource "aws_scheduler_schedule" "this" {
  for_each            = local.raw.schedules
  name                = replace(each.value.name, "$${name}", var.name)
  schedule_expression = each.value.expression

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.this[each.value.target].arn
    role_arn = aws_iam_role.this["events"].arn
    input    = jsonencode(each.value.input)
  }
}
