# Live events: who may reach whom, how long streams may be silent, and what is refused.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name       = "nst"
  vpc_id     = "vpc-1"
  subnet_ids = ["subnet-1", "subnet-2"]
  cluster    = "nst"
  image      = "nst-worker:1"
  vpc_link   = "nst-live"

  load_balancer = {
    name                   = "nst-live"
    port                   = 80
    idle_timeout_s         = 60
    deregistration_delay_s = 30
    health_check           = { path = "/healthz", interval_s = 10, timeout_s = 5, healthy_count = 2, unhealthy_count = 3 }
  }

  service = {
    name               = "nst-live"
    desired_count      = 1
    cpu_units          = 256
    memory_mib         = 512
    architecture       = "X86_64"
    container          = "nst"
    port               = 8000
    user               = "10001"
    stop_timeout_s     = 30
    environment        = { STORAGE_BUCKET = "nst-storage", PORT = "8000" }
    role_arn           = "arn:aws:iam::123456789012:role/nst-live-events"
    execution_role_arn = "arn:aws:iam::123456789012:role/nst-task-execution"
    log_group          = "/ecs/nst-worker"
    log_prefix         = "live"
  }
}

run "inside_the_network_only" {
  command = plan

  module {
    source = "./modules/live_events"
  }

  assert {
    condition     = aws_lb.this.internal && aws_lb.this.drop_invalid_header_fields
    error_message = "The load balancer has no public address."
  }

  assert {
    condition     = aws_lb_target_group.this.target_type == "ip" && aws_lb_target_group.this.health_check[0].path == "/healthz"
    error_message = "Tasks are registered by address, and must be healthy."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.instance.from_port == 8000 && aws_vpc_security_group_ingress_rule.balancer.from_port == 80
    error_message = "Each lets in the one before it, on one port."
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 1 && aws_ecs_service.this.launch_type == "FARGATE"
    error_message = "One instance."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem
    error_message = "As hardened as the tasks of runs."
  }
}

run "wrong_values_are_refused" {
  command = plan

  module {
    source = "./modules/live_events"
  }

  variables {
    name       = "a-name-of-twenty-eight-chars"
    vpc_id     = "network"
    subnet_ids = ["subnet-1"]
    cluster    = "a cluster"
    image      = "an image"
    vpc_link   = "a link"

    load_balancer = {
      name                   = "nst-live"
      port                   = 80
      idle_timeout_s         = 10
      deregistration_delay_s = 30
      health_check           = { path = "/healthz", interval_s = 10, timeout_s = 5, healthy_count = 2, unhealthy_count = 3 }
    }

    service = {
      name               = "nst-live"
      desired_count      = 0
      cpu_units          = 256
      memory_mib         = 512
      architecture       = "X86_64"
      container          = "nst"
      port               = 8000
      user               = "10001"
      stop_timeout_s     = 30
      environment        = {}
      role_arn           = "r"
      execution_role_arn = "r"
      log_group          = "g"
      log_prefix         = "live"
    }
  }

  expect_failures = [
    var.name, var.vpc_id, var.subnet_ids, var.cluster, var.image, var.vpc_link, var.load_balancer, var.service,
  ]
}
