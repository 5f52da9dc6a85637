# One role for each function, workflow and task, with the policies that the emulator enforces too.

resource "aws_iam_role" "this" {
  for_each           = toset(local.roles)
  name               = "${var.name}-${each.key}"
  assume_role_policy = templatefile("${local.system}/policies/trust-${local.trusted[each.key]}.json", local.values)
}

resource "aws_iam_role_policy" "this" {
  for_each = aws_iam_role.this
  name     = each.value.name
  role     = each.value.id
  policy   = templatefile("${local.system}/policies/${local.in_dynamodb ? lookup(local.raw.ledger_in_dynamodb.policies, each.key, each.key) : each.key}.json", local.values)
}
