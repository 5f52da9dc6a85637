# The NST service: cluster, task definition, image repository, and a network that lets it out only.

data "aws_availability_zones" "this" {
  state = "available"
}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_hostnames = true
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "public" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(var.vpc_cidr, 2, count.index)
  availability_zone = data.aws_availability_zones.this.names[count.index]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }
}

resource "aws_route_table_association" "public" {
  count          = 2
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

# Pictures and logs stay off the internet path, and cost no transfer.
resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.this.id
  service_name    = "com.amazonaws.${var.region}.s3"
  route_table_ids = [aws_route_table.public.id]
}

resource "aws_security_group" "task" {
  name        = "${var.name}-task"
  description = "Tasks of the NST service: out by HTTPS, in by nothing"
  vpc_id      = aws_vpc.this.id

  egress {
    description = "AWS APIs"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_ecr_repository" "worker" {
  name                 = "${var.name}-worker"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = local.emulated

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecs_cluster" "this" {
  name = local.cluster
}

resource "aws_cloudwatch_log_group" "task" {
  name              = local.log_group
  retention_in_days = local.raw.task.log_days
}

resource "aws_ecs_task_definition" "worker" {
  family                   = local.task_family
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = local.raw.task.cpu_units
  memory                   = local.raw.task.memory_mib
  task_role_arn            = aws_iam_role.this[local.raw.task.role].arn
  execution_role_arn       = aws_iam_role.this[local.raw.task.execution_role].arn

  runtime_platform {
    cpu_architecture        = local.raw.task.architecture
    operating_system_family = "LINUX"
  }

  container_definitions = jsonencode([{
    name         = local.raw.task.container
    image        = coalesce(var.worker_image, "${aws_ecr_repository.worker.repository_url}:latest")
    essential    = true
    portMappings = [{ containerPort = local.raw.task.port }]
    environment  = [for k, v in local.stack.task.environment : { name = k, value = v }]
    stopTimeout  = local.raw.task.stop_timeout_s
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = local.log_group
        awslogs-region        = var.region
        awslogs-stream-prefix = "nst"
      }
    }
  }])

  depends_on = [aws_cloudwatch_log_group.task]
}
