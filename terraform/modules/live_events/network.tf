# Each lets in what comes from the one before it: VPC link, load balancer, instance.

resource "aws_security_group" "link" {
  name        = "${var.name}-live-link"
  description = "VPC link of live events: out to the load balancer"
  vpc_id      = var.vpc_id
}

resource "aws_security_group" "balancer" {
  name        = "${var.name}-live-balancer"
  description = "Load balancer of live events: in from the VPC link"
  vpc_id      = var.vpc_id
}

resource "aws_security_group" "instance" {
  name        = "${var.name}-live"
  description = "Instances of live events: in from the load balancer"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "link" {
  security_group_id            = aws_security_group.link.id
  description                  = "The load balancer"
  ip_protocol                  = "tcp"
  from_port                    = var.load_balancer.port
  to_port                      = var.load_balancer.port
  referenced_security_group_id = aws_security_group.balancer.id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "The VPC link"
  ip_protocol                  = "tcp"
  from_port                    = var.load_balancer.port
  to_port                      = var.load_balancer.port
  referenced_security_group_id = aws_security_group.link.id
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "The instances"
  ip_protocol                  = "tcp"
  from_port                    = var.service.port
  to_port                      = var.service.port
  referenced_security_group_id = aws_security_group.instance.id
}

resource "aws_vpc_security_group_ingress_rule" "instance" {
  security_group_id            = aws_security_group.instance.id
  description                  = "The load balancer"
  ip_protocol                  = "tcp"
  from_port                    = var.service.port
  to_port                      = var.service.port
  referenced_security_group_id = aws_security_group.balancer.id
}

resource "aws_vpc_security_group_egress_rule" "instance" {
  security_group_id = aws_security_group.instance.id
  description       = "AWS APIs"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}
