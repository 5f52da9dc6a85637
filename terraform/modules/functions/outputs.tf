output "arns" {
  description = "The functions' ARNs by key."
  value       = { for key, f in aws_lambda_function.this : key => f.arn }
}

output "names" {
  description = "The functions' names by key."
  value       = { for key, f in aws_lambda_function.this : key => f.function_name }
}

output "log_groups" {
  description = "Names of the functions' log groups by key."
  value       = { for key, group in aws_cloudwatch_log_group.this : key => group.name }
}
