# Functions from reproducible zips, each with a log that does not grow for ever.

resource "aws_cloudwatch_log_group" "this" {
  for_each          = var.functions
  name              = "/aws/lambda/${each.value.name}"
  retention_in_days = var.log_days
}

resource "aws_lambda_function" "this" {
  for_each         = var.functions
  function_name    = each.value.name
  role             = each.value.role_arn
  runtime          = var.runtime
  architectures    = [var.architecture]
  handler          = each.value.handler
  filename         = each.value.zip
  source_code_hash = filebase64sha256(each.value.zip)
  memory_size      = each.value.memory_mb
  timeout          = each.value.timeout_s

  reserved_concurrent_executions = lookup(var.concurrency, each.key, -1)

  environment {
    variables = var.environment
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  depends_on = [aws_cloudwatch_log_group.this]
}
