# The NST service: Spot on and off, sizes that Fargate has, a container that may do little.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name     = "nst"
  cluster  = "nst"
  vpc_cidr = "10.20.0.0/24"
  task = {
    family             = "nst-worker"
    container          = "nst"
    repository         = "nst-worker"
    images_kept        = 10
    user               = "10001:10001"
    cpu_units          = 2048
    memory_mib         = 4096
    architecture       = "X86_64"
    port               = 8000
    stop_timeout_s     = 30
    environment        = { PORT = "8000" }
    role_arn           = "arn:aws:iam::123456789012:role/nst-task"
    execution_role_arn = "arn:aws:iam::123456789012:role/nst-task-execution"
    log_group          = "/ecs/nst-worker"
    log_days           = 14
  }
}

run "without_spot" {
  command = plan

  module {
    source = "./modules/nst_service"
  }

  variables {
    image = "nst-worker:1"
  }

  assert {
    condition     = length(aws_ecs_cluster_capacity_providers.this) == 0
    error_message = "Spot is a choice."
  }

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "disabled"
    error_message = "Metrics of each task cost, and are a choice."
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.worker.container_definitions)[0] == {
      name                   = "nst"
      image                  = "nst-worker:1"
      essential              = true
      portMappings           = [{ containerPort = 8000 }]
      environment            = [{ name = "PORT", value = "8000" }]
      user                   = "10001:10001"
      readonlyRootFilesystem = true
      linuxParameters        = { capabilities = { drop = ["ALL"] } }
      stopTimeout            = 30
      logConfiguration = {
        logDriver = "awslogs"
        options   = { awslogs-group = "/ecs/nst-worker", awslogs-region = "us-east-1", awslogs-stream-prefix = "nst" }
      }
    }
    error_message = "Not root, and nothing can be written into the container."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.task.from_port == 443 && aws_vpc_security_group_egress_rule.task.to_port == 443
    error_message = "Tasks go out by HTTPS alone."
  }

  assert {
    condition     = aws_ecr_repository.worker.image_tag_mutability == "IMMUTABLE" && !aws_ecr_repository.worker.force_delete
    error_message = "Tags stand, and destroy does not take images along."
  }
}

run "with_spot_and_metrics" {
  command = plan

  module {
    source = "./modules/nst_service"
  }

  variables {
    spot               = true
    container_insights = true
    force_destroy      = true
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.this[0].capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "The cluster knows Spot."
  }

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "enabled"
    error_message = "Metrics of each task."
  }
}

run "a_size_that_fargate_has_not_is_refused" {
  command = plan

  module {
    source = "./modules/nst_service"
  }

  variables {
    task = {
      family             = "nst-worker"
      container          = "nst"
      repository         = "nst-worker"
      images_kept        = 10
      user               = "10001"
      cpu_units          = 16384
      memory_mib         = 33792
      architecture       = "X86_64"
      port               = 8000
      stop_timeout_s     = 30
      environment        = {}
      role_arn           = "arn:aws:iam::123456789012:role/nst-task"
      execution_role_arn = "arn:aws:iam::123456789012:role/nst-task-execution"
      log_group          = "/ecs/nst-worker"
      log_days           = 14
    }
  }

  expect_failures = [var.task]
}

run "root_is_refused" {
  command = plan

  module {
    source = "./modules/nst_service"
  }

  variables {
    task = {
      family             = "nst-worker"
      container          = "nst"
      repository         = "nst-worker"
      images_kept        = 10
      user               = "0"
      cpu_units          = 8192
      memory_mib         = 16384
      architecture       = "X86_64"
      port               = 8000
      stop_timeout_s     = 30
      environment        = {}
      role_arn           = "arn:aws:iam::123456789012:role/nst-task"
      execution_role_arn = "arn:aws:iam::123456789012:role/nst-task-execution"
      log_group          = "/ecs/nst-worker"
      log_days           = 14
    }
  }

  expect_failures = [var.task]
}

run "a_wrong_network_name_or_image_is_refused" {
  command = plan

  module {
    source = "./modules/nst_service"
  }

  variables {
    name     = "n"
    cluster  = "a cluster"
    vpc_cidr = "10.0.0.0/31"
    image    = "https://example.org/x"
  }

  expect_failures = [var.name, var.cluster, var.vpc_cidr, var.image]
}
