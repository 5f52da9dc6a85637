# Five functions from reproducible zips: build them first, `python -m system.artifacts --out build/zips`.

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.function_names
  name              = "/aws/lambda/${each.value}"
  retention_in_days = local.raw.function_runtime.log_days
}

resource "aws_lambda_function" "this" {
  for_each         = local.raw.functions
  function_name    = local.function_names[each.key]
  role             = aws_iam_role.this[each.value.role].arn
  runtime          = local.raw.function_runtime.runtime
  architectures    = [local.raw.function_runtime.architecture]
  handler          = each.value.handler
  filename         = "${path.module}/../build/zips/${each.key}.zip"
  source_code_hash = filebase64sha256("${path.module}/../build/zips/${each.key}.zip")
  memory_size      = each.value.memory_mb
  timeout          = each.value.timeout_s

  environment {
    variables = merge(
      local.stack.function_environment,
      local.in_dynamodb ? local.stack.ledger_in_dynamodb.environment : {},
    )
  }

  depends_on = [aws_cloudwatch_log_group.function]
}
