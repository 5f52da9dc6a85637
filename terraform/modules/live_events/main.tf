# Live events: instances of the worker's Web API that are always there, behind an internal load
# balancer which API Gateway reaches by a VPC link. The API's body names link and balancer.

data "aws_region" "this" {}

resource "aws_lb" "this" {
  name                       = var.load_balancer.name
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.balancer.id]
  idle_timeout               = var.load_balancer.idle_timeout_s
  drop_invalid_header_fields = true
}

resource "aws_lb_target_group" "this" {
  name                 = var.load_balancer.name
  vpc_id               = var.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = var.service.port
  deregistration_delay = var.load_balancer.deregistration_delay_s

  health_check {
    path                = var.load_balancer.health_check.path
    interval            = var.load_balancer.health_check.interval_s
    timeout             = var.load_balancer.health_check.timeout_s
    healthy_threshold   = var.load_balancer.health_check.healthy_count
    unhealthy_threshold = var.load_balancer.health_check.unhealthy_count
    matcher             = "200"
  }
}

resource "aws_lb_listener" "this" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = var.load_balancer.port

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_apigatewayv2_vpc_link" "this" {
  name               = var.vpc_link
  subnet_ids         = var.subnet_ids
  security_group_ids = [aws_security_group.link.id]
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.service.name
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = var.service.cpu_units
  memory                   = var.service.memory_mib
  task_role_arn            = var.service.role_arn
  execution_role_arn       = var.service.execution_role_arn

  runtime_platform {
    cpu_architecture        = var.service.architecture
    operating_system_family = "LINUX"
  }

  # The worker's program without a run: then it serves event logs.
  container_definitions = jsonencode([{
    name         = var.service.container
    image        = var.image
    essential    = true
    portMappings = [{ containerPort = var.service.port }]
    environment  = [for k, v in var.service.environment : { name = k, value = v }]
    user         = var.service.user
    stopTimeout  = var.service.stop_timeout_s

    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] } }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = var.service.log_group
        awslogs-region        = data.aws_region.this.name
        awslogs-stream-prefix = var.service.log_prefix
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  name            = var.service.name
  cluster         = var.cluster
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = var.service.desired_count
  launch_type     = "FARGATE"

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = var.service.container
    container_port   = var.service.port
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.instance.id]

    # It pulls its image and writes its log by the internet gateway: a NAT gateway would cost more.
    assign_public_ip = true
  }

  # ECS takes a target group only when a load balancer has it.
  depends_on = [aws_lb_listener.this]
}
