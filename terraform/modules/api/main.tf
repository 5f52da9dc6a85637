# The REST API, made from the contract as it stands.

data "aws_partition" "this" {}

resource "aws_api_gateway_rest_api" "this" {
  name = var.name
  body = var.body

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  triggers = {
    body = sha256(aws_api_gateway_rest_api.this.body)
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "this" {
  rest_api_id   = aws_api_gateway_rest_api.this.id
  deployment_id = aws_api_gateway_deployment.this.id
  stage_name    = var.stage
  variables     = var.settings

  xray_tracing_enabled = var.tracing

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = var.access_log.format
  }

  # the account must have a role for logs, with its permissions, before a stage may write any
  depends_on = [aws_api_gateway_account.this]
}

resource "aws_cloudwatch_log_group" "access" {
  name              = var.access_log.group
  retention_in_days = var.access_log.days
}

# One role writes the logs of all APIs of an account and region.
resource "aws_iam_role" "logs" {
  count              = var.account_role == null ? 0 : 1
  name               = var.account_role.name
  assume_role_policy = var.account_role.trust
}

resource "aws_iam_role_policy_attachment" "logs" {
  count      = var.account_role == null ? 0 : 1
  role       = aws_iam_role.logs[0].name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  count               = var.account_role == null ? 0 : 1
  cloudwatch_role_arn = aws_iam_role.logs[0].arn
  depends_on          = [aws_iam_role_policy_attachment.logs]
}

# Throttles stand on the stage, since execute-api can be reached around the CDN.
resource "aws_api_gateway_method_settings" "this" {
  for_each    = var.throttle
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = each.key == "default" ? "*/*" : "${trimprefix(split(" ", each.key)[1], "/")}/${split(" ", each.key)[0]}"

  settings {
    throttling_rate_limit  = each.value.rate_per_s
    throttling_burst_limit = each.value.burst
  }
}
