# The REST API, made from the contract as it stands.

resource "aws_api_gateway_rest_api" "this" {
  name = var.name
  body = var.body

  endpoint_configuration {
    types = ["REGIONAL"]
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
