output "arns" {
  description = "The workflows' ARNs by key."
  value       = { for key, w in aws_sfn_state_machine.this : key => w.arn }
}
