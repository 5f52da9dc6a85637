# What the system consists of, and what its parts need of each other. The parts are in modules/,
# what they are is in system/stack.json (declaration.tf reads it).

module "roles" {
  source = "./modules/roles"
  name   = var.name
  roles  = local.role_documents
  traced = var.tracing ? toset([for role, service in local.trusted : role if service == "lambda"]) : []
}

module "storage" {
  source        = "./modules/storage"
  storage       = local.buckets["storage"]
  website       = local.buckets["website"]
  policies      = local.bucket_policies
  force_destroy = local.emulated

  cors = [for rule in local.stack.buckets.storage.cors : {
    allowed_origins = concat(
      [for origin in rule.AllowedOrigins : replace(origin, "$${web_origins}", module.edge.web_url)],
      var.more_web_origins,
    )
    allowed_methods = rule.AllowedMethods
    allowed_headers = rule.AllowedHeaders
    expose_headers  = rule.ExposeHeaders
    max_age_s       = rule.MaxAgeSeconds
  }]
}

module "budget" {
  source        = "./modules/budget"
  bucket        = local.buckets["budget"]
  policy        = local.bucket_policies["budget"]
  recovery      = !local.emulated
  force_destroy = local.emulated

  table = local.in_dynamodb ? {
    name          = local.ledger_table
    partition_key = local.stack.ledger_in_dynamodb.partition_key
  } : null
}

module "functions" {
  source       = "./modules/functions"
  runtime      = local.stack.function_runtime.runtime
  architecture = local.stack.function_runtime.architecture
  log_days     = local.stack.function_runtime.log_days
  tracing      = var.tracing
  concurrency  = var.reserved_concurrency

  functions = { for key, f in local.stack.functions : key => {
    name      = f.name
    handler   = f.handler
    memory_mb = f.memory_mb
    timeout_s = f.timeout_s
    role_arn  = module.roles.arns[f.role]
    zip       = "${path.root}/../build/zips/${key}.zip"
  } }

  environment = { for key, value in merge(
    local.stack.function_environment,
    local.in_dynamodb ? local.stack.ledger_in_dynamodb.environment : {},
    var.live_events ? local.stack.live_events.environment : {},
    ) : key => replace(
    replace(value, "$${subnets}", join(",", module.nst_service.subnet_ids)),
    "$${security_groups}", module.nst_service.security_group_id,
  ) }
}

module "orchestrator" {
  source          = "./modules/orchestrator"
  events_role_arn = module.roles.arns["events"]

  workflows = { for key, w in local.stack.workflows : key => {
    name       = w.name
    type       = w.type
    role_arn   = module.roles.arns[w.role]
    definition = templatefile("${local.system}/workflows/${w.definition}", local.values)
  } }

  rules = { for key, r in local.stack.rules : key => {
    name           = r.name
    description    = r.description
    pattern        = jsonencode(r.pattern)
    target         = r.target
    input_paths    = r.input_paths
    input_template = r.input_template
  } }

  schedules = { for key, s in local.stack.schedules : key => {
    name       = s.name
    expression = s.expression
    target     = s.target
    input      = jsonencode(s.input)
  } }
}

module "nst_service" {
  source        = "./modules/nst_service"
  name          = var.name
  cluster       = local.cluster
  vpc_cidr      = var.vpc_cidr
  image         = var.worker_image
  spot          = var.fargate_spot
  force_destroy = local.emulated

  container_insights = var.container_insights

  task = {
    repository         = local.stack.task.repository
    images_kept        = local.stack.task.images_kept
    user               = local.stack.task.user
    family             = local.stack.task.family
    container          = local.stack.task.container
    cpu_units          = local.task_size.cpu_units
    memory_mib         = local.task_size.memory_mib
    architecture       = local.task_size.architecture
    port               = local.stack.task.port
    stop_timeout_s     = local.stack.task.stop_timeout_s
    environment        = local.stack.task.environment
    role_arn           = module.roles.arns[local.stack.task.role]
    execution_role_arn = module.roles.arns[local.stack.task.execution_role]
    log_group          = local.stack.task.log_group
    log_days           = local.stack.task.log_days
  }
}

module "live_events" {
  count         = var.live_events ? 1 : 0
  source        = "./modules/live_events"
  name          = var.name
  vpc_id        = module.nst_service.vpc_id
  subnet_ids    = module.nst_service.subnet_ids
  cluster       = module.nst_service.cluster
  image         = module.nst_service.image
  load_balancer = local.stack.live_events.load_balancer
  vpc_link      = local.stack.live_events.vpc_link

  service = {
    name               = local.stack.live_events.service.name
    desired_count      = local.stack.live_events.service.desired_count
    cpu_units          = local.stack.live_events.service.cpu_units
    memory_mib         = local.stack.live_events.service.memory_mib
    architecture       = local.task_size.architecture
    container          = local.stack.task.container
    port               = local.stack.task.port
    user               = local.stack.task.user
    stop_timeout_s     = local.stack.task.stop_timeout_s
    environment        = local.stack.task.environment
    role_arn           = module.roles.arns[local.stack.live_events.service.role]
    execution_role_arn = module.roles.arns[local.stack.task.execution_role]
    log_group          = module.nst_service.log_group
    log_prefix         = local.stack.live_events.service.log_prefix
  }
}

module "api" {
  source   = "./modules/api"
  name     = var.name
  stage    = local.stack.api.stage
  throttle = local.throttle
  settings = local.stack.api.variables
  tracing  = var.tracing

  body = replace(replace(replace(local.api_body,
    "$${vpc_link_id}", coalesce(one(module.live_events[*].vpc_link_id), "-")),
    "$${load_balancer_arn}", coalesce(one(module.live_events[*].load_balancer_arn), "-")),
    "$${load_balancer_host}", coalesce(one(module.live_events[*].load_balancer_host), "-"),
  )

  access_log = {
    group  = local.stack.api.log_group
    days   = local.stack.api.log_days
    format = jsonencode(local.stack.api.access_log)
  }
  account_role = var.api_account_role ? {
    name  = "${var.name}-gateway-logs"
    trust = templatefile("${local.system}/policies/trust-apigateway.json", local.values)
  } : null
}

module "edge" {
  source               = "./modules/edge"
  name                 = var.name
  website_domain_name  = module.storage.website_domain_name
  api                  = { id = module.api.id, stage = module.api.stage }
  headers              = local.stack.cdn.headers
  transport_security_s = local.stack.cdn.transport_security_s
  uncached_errors      = local.stack.cdn.uncached_errors
  wait_for_deployment  = !local.emulated
  domain               = var.domain

  requests_per_address_max = var.requests_per_address_max

  function = {
    name    = local.stack.cdn.function.name
    runtime = local.stack.cdn.function.runtime
    comment = local.stack.cdn.function.comment
    code    = file("${local.system}/${local.stack.cdn.function.code}")
  }

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }
}

module "observability" {
  source          = "./modules/observability"
  name            = var.name
  topic           = local.stack.alarms.topic
  emails          = var.alarm_emails
  events_role_arn = module.roles.arns["events"]

  alarms = { for key, alarm in local.stack.alarms.metrics : key => merge(alarm, {
    threshold = key == "daily_requests" ? coalesce(var.requests_per_day_max, alarm.threshold) : alarm.threshold
  }) }

  dashboard = var.dashboard ? {
    name = local.stack.dashboard.name
    body = jsonencode(jsondecode(templatefile("${local.system}/${local.stack.dashboard.body}", local.values)))
  } : null

  gate = {
    name       = local.stack.gate.workflow.name
    type       = local.stack.gate.workflow.type
    role       = local.stack.gate.workflow.role
    trust      = templatefile("${local.system}/policies/trust-states.json", local.values)
    policy     = templatefile("${local.system}/policies/${local.stack.gate.workflow.role}.json", local.of_api)
    definition = templatefile("${local.system}/workflows/${local.stack.gate.workflow.definition}", local.of_api)
  }

  rules = { for key, r in local.stack.gate.rules : key => {
    name           = r.name
    description    = r.description
    pattern        = jsonencode(r.pattern)
    input_paths    = r.input_paths
    input_template = r.input_template
  } }
}
