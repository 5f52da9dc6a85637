# What is built stands in system/stack.json; these are the values of its placeholders, the same
# ones that the emulator's own deployment fills (emulator/deploy_values.py).

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  emulated  = var.aws_endpoint_url != ""
  system    = "${path.root}/../system"
  raw       = jsondecode(file("${local.system}/stack.json"))
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition

  bucket_names   = { for key, b in local.raw.buckets : key => replace(b.name, "$${name}", var.name) }
  function_names = { for key, f in local.raw.functions : key => replace(f.name, "$${name}", var.name) }
  workflow_names = { for key, w in local.raw.workflows : key => replace(w.name, "$${name}", var.name) }

  # Who may assume which role.
  trusted = merge(
    { for f in local.raw.functions : f.role => "lambda" },
    { for w in local.raw.workflows : w.role => "states" },
    { (local.raw.task.role) = "ecs-tasks", (local.raw.task.execution_role) = "ecs-tasks" },
    { gateway = "apigateway", events = "events" },
    var.live_events ? { (local.raw.live_events.service.role) = "ecs-tasks" } : {},
  )

  # What a second of the task costs follows from these: functions and workflows see them, too.
  task_size = {
    cpu_units    = coalesce(var.task_cpu_units, local.raw.task.cpu_units)
    memory_mib   = coalesce(var.task_memory_mib, local.raw.task.memory_mib)
    architecture = coalesce(var.task_architecture, local.raw.task.architecture)
  }

  cluster      = replace(local.raw.task.cluster, "$${name}", var.name)
  task_family  = replace(local.raw.task.family, "$${name}", var.name)
  log_group    = replace(local.raw.task.log_group, "$${name}", var.name)
  ledger_table = replace(local.raw.ledger_in_dynamodb.table, "$${name}", var.name)
  gate_name    = replace(local.raw.gate.workflow.name, "$${name}", var.name)
  in_dynamodb  = var.budget_store == "dynamodb"
  throttle     = merge(local.raw.api.throttle, var.live_events ? local.raw.live_events.throttle : {})

  arn = { for service in ["states", "ecs", "lambda", "dynamodb", "cloudwatch"] : service => "arn:${local.partition}:${service}:${var.region}:${local.account}" }

  values = merge(
    {
      name                         = var.name
      account                      = local.account
      region                       = var.region
      partition                    = local.partition
      cluster                      = local.cluster
      cluster_arn                  = "${local.arn.ecs}:cluster/${local.cluster}"
      task_family                  = local.task_family
      task_definition_arn_prefix   = "${local.arn.ecs}:task-definition/${local.task_family}"
      log_group                    = local.log_group
      ledger_table                 = local.ledger_table
      ledger_table_arn             = "${local.arn.dynamodb}:table/${local.ledger_table}"
      task_cpu_units               = tostring(local.task_size.cpu_units)
      task_memory_mib              = tostring(local.task_size.memory_mib)
      task_architecture            = local.task_size.architecture
      capacity_provider            = var.fargate_spot ? "FARGATE_SPOT" : "FARGATE"
      run_nst_execution_arn_prefix = "${local.arn.states}:execution:${local.workflow_names["run_nst"]}"
      problems                     = file("${local.system}/problems.json")
      throttle                     = jsonencode(local.throttle)
      stage                        = local.raw.api.stage
      gate_name                    = local.gate_name
      gate_arn                     = "${local.arn.states}:stateMachine:${local.gate_name}"
    },
    { for key, alarm in local.raw.alarms.metrics : "${key}_alarm_arn" => "${local.arn.cloudwatch}:alarm:${replace(alarm.name, "$${name}", var.name)}" },
    { for key, name in local.bucket_names : "${key}_bucket" => name },
    { for key, name in local.bucket_names : "${key}_bucket_arn" => "arn:${local.partition}:s3:::${name}" },
    { for key, name in local.function_names : "${key}_name" => name },
    { for key, name in local.function_names : "${key}_arn" => "${local.arn.lambda}:function:${name}" },
    { for key, name in local.workflow_names : "${key}_name" => name },
    { for key, name in local.workflow_names : "${key}_arn" => "${local.arn.states}:stateMachine:${name}" },
    { for role in keys(local.trusted) : "${replace(role, "-", "_")}_role_arn" => "arn:${local.partition}:iam::${local.account}:role/${var.name}-${role}" },
  )

  # The page talks to the bucket directly: on AWS its own host, in the emulator the one endpoint.
  upload_origin = local.emulated ? var.aws_endpoint_url : "https://${local.bucket_names["storage"]}.s3.${var.region}.amazonaws.com"

  # The declaration, filled. What is known only when a resource is there stays a placeholder for
  # main.tf to replace: so keys are known when planning.
  later = { for word in ["subnets", "security_groups", "web_origins"] : word => "$${${word}}" }
  links = { for word in ["vpc_link_id", "load_balancer_arn", "load_balancer_host"] : word => "$${${word}}" }
  stack = jsondecode(templatefile("${local.system}/stack.json", merge(local.values, local.later, { upload_origin = local.upload_origin })))

  # The contract without the paths of options that are off, as stack.chosen in system/ has it.
  contract = yamldecode(templatefile("${local.system}/contract/openapi.yaml", merge(local.values, local.links)))
  options  = { live_events = var.live_events }
  api_body = jsonencode(merge(local.contract, {
    paths = { for path, item in local.contract.paths : path => { for key, value in item : key => value if key != "x-nst-when" }
      if lookup(local.options, try(item["x-nst-when"], ""), !can(item["x-nst-when"]))
    }
  }))

  role_documents = { for role, service in local.trusted : role => {
    trust  = templatefile("${local.system}/policies/trust-${service}.json", local.values)
    policy = templatefile("${local.system}/policies/${local.in_dynamodb ? lookup(local.raw.ledger_in_dynamodb.policies, role, role) : role}.json", local.values)
  } }

  # What needs the API's id, which its own body's roles and workflows must not wait for.
  of_api = merge(local.values, {
    api_id        = module.api.id
    api_stage_arn = "arn:${local.partition}:apigateway:${var.region}::/restapis/${module.api.id}/stages/${local.raw.api.stage}"
  })

  buckets = { for key, bucket in local.stack.buckets : key => {
    name       = bucket.name
    versioning = try(bucket.versioning, false)
    expire     = [for rule in try(bucket.expire, []) : merge({ days = null, old_days = null, unfinished_days = null }, rule)]
  } }

  # TLS only; the ledger changes by compare-and-swap only; the website is read by the CDN alone.
  bucket_policies = { for key, bucket in local.stack.buckets : key => jsonencode({
    Version = "2012-10-17"
    Statement = flatten([
      for name in bucket.policies : jsondecode(templatefile("${local.system}/policies/${name}.json", merge(local.values, {
        bucket_arn       = local.values["${key}_bucket_arn"]
        distribution_arn = module.edge.distribution_arn
      }))).Statement
    ])
  }) }
}
