# What is built stands in system/stack.json; these are the values of its placeholders, the same
# ones that the emulator's own deployment fills (emulator/deploy.py).

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  emulated = var.aws_endpoint_url != ""
  system   = "${path.module}/../system"
  raw      = jsondecode(file("${local.system}/stack.json"))
  account  = data.aws_caller_identity.this.account_id

  bucket_names   = { for key, b in local.raw.buckets : key => replace(b.name, "$${name}", var.name) }
  function_names = { for key, f in local.raw.functions : key => replace(f.name, "$${name}", var.name) }
  workflow_names = { for key, w in local.raw.workflows : key => replace(w.name, "$${name}", var.name) }
  roles = concat(
    [for f in local.raw.functions : f.role],
    [for w in local.raw.workflows : w.role],
    [local.raw.task.role, local.raw.task.execution_role, "gateway", "events"],
  )
  trusted = merge(
    { for f in local.raw.functions : f.role => "lambda" },
    { for w in local.raw.workflows : w.role => "states" },
    { (local.raw.task.role) = "ecs-tasks", (local.raw.task.execution_role) = "ecs-tasks" },
    { gateway = "apigateway", events = "events" },
  )

  cluster     = replace(local.raw.task.cluster, "$${name}", var.name)
  task_family = replace(local.raw.task.family, "$${name}", var.name)
  log_group   = replace(local.raw.task.log_group, "$${name}", var.name)
  states_arn  = "arn:${data.aws_partition.this.partition}:states:${var.region}:${local.account}"
  ecs_arn     = "arn:${data.aws_partition.this.partition}:ecs:${var.region}:${local.account}"

  ledger_table = replace(local.raw.ledger_in_dynamodb.table, "$${name}", var.name)
  in_dynamodb  = var.budget_store == "dynamodb"

  values = merge(
    {
      name                         = var.name
      account                      = local.account
      region                       = var.region
      partition                    = data.aws_partition.this.partition
      cluster                      = local.cluster
      cluster_arn                  = "${local.ecs_arn}:cluster/${local.cluster}"
      task_family                  = local.task_family
      task_definition_arn_prefix   = "${local.ecs_arn}:task-definition/${local.task_family}"
      log_group                    = local.log_group
      ledger_table                 = local.ledger_table
      ledger_table_arn             = "arn:${data.aws_partition.this.partition}:dynamodb:${var.region}:${local.account}:table/${local.ledger_table}"
      task_cpu_units               = tostring(local.raw.task.cpu_units)
      task_memory_mib              = tostring(local.raw.task.memory_mib)
      task_architecture            = local.raw.task.architecture
      run_nst_execution_arn_prefix = "${local.states_arn}:execution:${local.workflow_names["run_nst"]}"
      problems                     = file("${local.system}/problems.json")
    },
    { for key, name in local.bucket_names : "${key}_bucket" => name },
    { for key, name in local.bucket_names : "${key}_bucket_arn" => "arn:${data.aws_partition.this.partition}:s3:::${name}" },
    { for key, name in local.function_names : "${key}_name" => name },
    { for key, name in local.function_names : "${key}_arn" => "arn:${data.aws_partition.this.partition}:lambda:${var.region}:${local.account}:function:${name}" },
    { for key, name in local.workflow_names : "${key}_name" => name },
    { for key, name in local.workflow_names : "${key}_arn" => "${local.states_arn}:stateMachine:${name}" },
    { for role in local.roles : "${replace(role, "-", "_")}_role_arn" => "arn:${data.aws_partition.this.partition}:iam::${local.account}:role/${var.name}-${role}" },
  )

  # The page talks to the bucket directly: on AWS its own host, in the emulator the one endpoint.
  upload_origin = local.emulated ? var.aws_endpoint_url : "https://${local.bucket_names["storage"]}.s3.${var.region}.amazonaws.com"
  cdn           = jsondecode(templatefile("${local.system}/stack.json", merge(local.values, local.later, { upload_origin = local.upload_origin }))).cdn
  later         = { subnets = "", security_groups = "", web_origins = "" }

  # These come from resources which need the values above themselves.
  stack = jsondecode(templatefile("${local.system}/stack.json", merge(local.values, {
    subnets         = join(",", aws_subnet.public[*].id)
    security_groups = aws_security_group.task.id
    upload_origin   = local.upload_origin
    web_origins     = "https://${aws_cloudfront_distribution.this.domain_name}"
  })))
}
