output "vpc_id" {
  description = "The tasks' network."
  value       = aws_vpc.this.id
}

output "subnet_ids" {
  description = "The public subnets that tasks run in."
  value       = aws_subnet.public[*].id
}

output "security_group_id" {
  description = "The tasks' security group; nothing comes in by it."
  value       = aws_security_group.task.id
}

output "cluster" {
  description = "The cluster's name."
  value       = aws_ecs_cluster.this.name
}

output "task_definition_arn" {
  description = "The task definition, with its revision."
  value       = aws_ecs_task_definition.worker.arn
}

output "repository_url" {
  description = "Where the image goes."
  value       = aws_ecr_repository.worker.repository_url
}

output "log_group" {
  description = "The tasks' log group."
  value       = aws_cloudwatch_log_group.task.name
}

output "image" {
  description = "The image that tasks run, with its tag."
  value       = local.image
}
