# The NST service: image repository, cluster, task definition, log.

resource "aws_ecr_repository" "worker" {
  name                 = "${var.name}-worker"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_destroy

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecs_cluster" "this" {
  name = var.cluster
}

resource "aws_cloudwatch_log_group" "task" {
  name              = var.task.log_group
  retention_in_days = var.task.log_days
}

resource "aws_ecs_task_definition" "worker" {
  family                   = var.task.family
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = var.task.cpu_units
  memory                   = var.task.memory_mib
  task_role_arn            = var.task.role_arn
  execution_role_arn       = var.task.execution_role_arn

  runtime_platform {
    cpu_architecture        = var.task.architecture
    operating_system_family = "LINUX"
  }

  container_definitions = jsonencode([{
    name         = var.task.container
    image        = var.image != "" ? var.image : "${aws_ecr_repository.worker.repository_url}:latest"
    essential    = true
    portMappings = [{ containerPort = var.task.port }]
    environment  = [for k, v in var.task.environment : { name = k, value = v }]
    stopTimeout  = var.task.stop_timeout_s
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = var.task.log_group
        awslogs-region        = data.aws_region.this.name
        awslogs-stream-prefix = "nst"
      }
    }
  }])

  depends_on = [aws_cloudwatch_log_group.task]
}
