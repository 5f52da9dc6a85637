output "arns" {
  description = "The roles' ARNs by name; who waits for them finds the permissions in place."
  value       = { for key, role in aws_iam_role.this : key => role.arn }
  depends_on  = [aws_iam_role_policy.this, aws_iam_role_policy_attachment.traces]
}
