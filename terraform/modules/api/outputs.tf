output "id" {
  description = "The REST API's id."
  value       = aws_api_gateway_rest_api.this.id
}

output "name" {
  description = "The REST API's name, as metrics have it."
  value       = aws_api_gateway_rest_api.this.name
}

output "stage" {
  description = "The stage's name."
  value       = aws_api_gateway_stage.this.stage_name
}
