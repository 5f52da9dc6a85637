# Who is told when something is wrong.

resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}
