output "vpc_link_id" {
  description = "The VPC link, as the API's body names it (connectionId)."
  value       = aws_apigatewayv2_vpc_link.this.id
}

output "load_balancer_arn" {
  description = "The load balancer, as the API's body names it (integrationTarget)."
  value       = aws_lb.this.arn
}

output "load_balancer_host" {
  description = "The load balancer's host name."
  value       = aws_lb.this.dns_name
}

output "service" {
  description = "The service's name."
  value       = aws_ecs_service.this.name
}
