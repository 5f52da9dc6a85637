# The NST service: image repository, cluster, task definition, log.

locals {
  image = var.image != "" ? var.image : "${aws_ecr_repository.worker.repository_url}:latest"
}

resource "aws_ecr_repository" "worker" {
  name                 = var.task.repository
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_destroy

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "worker" {
  repository = aws_ecr_repository.worker.name

  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Untagged images"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 1 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "All but the newest"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = var.task.images_kept }
        action       = { type = "expire" }
      },
    ]
  })
}

resource "aws_ecs_cluster" "this" {
  name = var.cluster

  setting {
    name  = "containerInsights"
    value = var.container_insights ? "enabled" : "disabled"
  }
}

# Start NST asks for Spot by a strategy, which the cluster must know; without Spot it needs none.
resource "aws_ecs_cluster_capacity_providers" "this" {
  count              = var.spot ? 1 : 0
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
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
    image        = local.image
    essential    = true
    portMappings = [{ containerPort = var.task.port }]
    environment  = [for k, v in var.task.environment : { name = k, value = v }]
    user         = var.task.user
    stopTimeout  = var.task.stop_timeout_s

    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] } }

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
