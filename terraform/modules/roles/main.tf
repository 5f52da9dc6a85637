# One role for each function, workflow and task, with the policies that the emulator enforces too.

data "aws_partition" "this" {}

resource "aws_iam_role" "this" {
  for_each           = var.roles
  name               = "${var.name}-${each.key}"
  assume_role_policy = each.value.trust
}

resource "aws_iam_role_policy" "this" {
  for_each = var.roles
  name     = "${var.name}-${each.key}"
  role     = aws_iam_role.this[each.key].id
  policy   = each.value.policy
}

# Where functions send traces.
resource "aws_iam_role_policy_attachment" "traces" {
  for_each   = var.traced
  role       = aws_iam_role.this[each.key].name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/AWSXRayDaemonWriteAccess"
}
