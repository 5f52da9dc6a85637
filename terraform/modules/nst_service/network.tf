# A network that lets tasks out only: public subnets, since a NAT gateway costs while nothing runs.

data "aws_region" "this" {}

data "aws_availability_zones" "this" {
  state = "available"

  # VPC links have no place in this one:
  # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-links-v2.html
  exclude_zone_ids = ["use1-az3"]
}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_hostnames = true
}

# The group that AWS makes by itself lets its members talk to each other: locked, and used by nothing.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
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
  service_name    = "com.amazonaws.${data.aws_region.this.name}.s3"
  route_table_ids = [aws_route_table.public.id]
}

# Its rules stand alone, so that another module can let its load balancer in.
resource "aws_security_group" "task" {
  name        = "${var.name}-task"
  description = "Tasks of the NST service: out by HTTPS, in by nothing"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_egress_rule" "task" {
  security_group_id = aws_security_group.task.id
  description       = "AWS APIs"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}
