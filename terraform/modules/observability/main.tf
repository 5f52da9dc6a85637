# Who is told when something is wrong, what an operator looks at, and what closes the API by itself.

resource "aws_sns_topic" "alarms" {
  name = var.topic
}

resource "aws_sns_topic_subscription" "emails" {
  for_each  = toset(var.emails)
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = var.alarms
  alarm_name          = each.value.name
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period_s
  evaluation_periods  = 1
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_dashboard" "this" {
  count          = var.dashboard == null ? 0 : 1
  dashboard_name = var.dashboard.name
  dashboard_body = var.dashboard.body
}

# The gate: a workflow that sets the stage's throttles, started by the alarm on daily requests.

resource "aws_iam_role" "gate" {
  name               = "${var.name}-${var.gate.role}"
  assume_role_policy = var.gate.trust
}

resource "aws_iam_role_policy" "gate" {
  name   = "${var.name}-${var.gate.role}"
  role   = aws_iam_role.gate.id
  policy = var.gate.policy
}

resource "aws_sfn_state_machine" "gate" {
  name       = var.gate.name
  type       = var.gate.type
  role_arn   = aws_iam_role.gate.arn
  definition = var.gate.definition
  depends_on = [aws_iam_role_policy.gate]
}

resource "aws_cloudwatch_event_rule" "gate" {
  for_each      = var.rules
  name          = each.value.name
  description   = each.value.description
  event_pattern = each.value.pattern
}

resource "aws_cloudwatch_event_target" "gate" {
  for_each  = var.rules
  rule      = aws_cloudwatch_event_rule.gate[each.key].name
  target_id = replace(each.key, "_", "-")
  arn       = aws_sfn_state_machine.gate.arn
  role_arn  = var.events_role_arn

  input_transformer {
    input_paths    = each.value.input_paths
    input_template = each.value.input_template
  }
}
