"""Deploys live events: network, load balancer, VPC link, and the service behind them.

``terraform/modules/live_events`` makes the same from the same lines of ``system/stack.json``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from system import stack

Call = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]

NETWORK = "10.20.0.0/24"
SUBNETS = ("10.20.0.0/26", "10.20.0.64/26")


@dataclass(frozen=True)
class Network:
    """Where load balancer, VPC link and tasks are.

    ``groups`` are the security groups of ``task``, ``live``, ``balancer`` and ``link``.
    """

    vpc_id: str
    subnets: list[str]
    groups: Mapping[str, str]


async def deploy_network(call: Call, values: Mapping[str, str], port: int, listens: int) -> Network:
    """Two subnets, and security groups that let in what comes from the one before.

    ``port`` is the instances' own, ``listens`` the load balancer's.
    """
    vpc = await call("ec2", "CreateVpc", {"CidrBlock": NETWORK})
    vpc_id = str(vpc["Vpc"]["VpcId"])
    subnets = []
    for number, block in enumerate(SUBNETS):
        zone = f"{values['region']}{'ab'[number]}"
        made = await call(
            "ec2",
            "CreateSubnet",
            {"VpcId": vpc_id, "CidrBlock": block, "AvailabilityZone": zone},
        )
        subnets.append(str(made["Subnet"]["SubnetId"]))
    groups = {}
    for key, (name, description) in security_groups(values["name"]).items():
        made = await call(
            "ec2",
            "CreateSecurityGroup",
            {"GroupName": name, "Description": description, "VpcId": vpc_id},
        )
        groups[key] = str(made["GroupId"])
    for inner, outer, number in (("live", "balancer", port), ("balancer", "link", listens)):
        await call(
            "ec2",
            "AuthorizeSecurityGroupIngress",
            {
                "GroupId": groups[inner],
                "IpPermissions": [
                    {
                        "IpProtocol": "tcp",
                        "FromPort": number,
                        "ToPort": number,
                        "UserIdGroupPairs": [{"GroupId": groups[outer]}],
                    }
                ],
            },
        )
    return Network(vpc_id, subnets, groups)


def security_groups(name: str) -> dict[str, tuple[str, str]]:
    """Name and description of each, by what is in them."""
    return {
        "task": (f"{name}-task", "Tasks of the NST service: out by HTTPS, in by nothing"),
        "live": (f"{name}-live", "Instances of live events: in from the load balancer"),
        "balancer": (f"{name}-live-balancer", "Load balancer of live events: in from the VPC link"),
        "link": (f"{name}-live-link", "VPC link of live events: out to the load balancer"),
    }


async def deploy_balancer(
    call: Call, live: Mapping[str, Any], network: Network, port: int
) -> dict[str, str]:
    """Load balancer, target group, listener and VPC link.

    The values of the contract's placeholders for them, and ``target_group_arn``.
    """
    balancer, check = live["load_balancer"], live["load_balancer"]["health_check"]
    made = await call(
        "elbv2",
        "CreateLoadBalancer",
        {
            "Name": balancer["name"],
            "Type": "application",
            "Scheme": "internal",
            "Subnets": network.subnets,
            "SecurityGroups": [network.groups["balancer"]],
        },
    )
    balancer_arn = str(made["LoadBalancers"][0]["LoadBalancerArn"])
    await call(
        "elbv2",
        "ModifyLoadBalancerAttributes",
        {
            "LoadBalancerArn": balancer_arn,
            "Attributes": [
                {"Key": "idle_timeout.timeout_seconds", "Value": str(balancer["idle_timeout_s"])},
                {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
            ],
        },
    )
    group = await call(
        "elbv2",
        "CreateTargetGroup",
        {
            "Name": balancer["name"],
            "Protocol": "HTTP",
            "Port": port,
            "VpcId": network.vpc_id,
            "TargetType": "ip",
            "HealthCheckPath": check["path"],
            "HealthCheckIntervalSeconds": check["interval_s"],
            "HealthCheckTimeoutSeconds": check["timeout_s"],
            "HealthyThresholdCount": check["healthy_count"],
            "UnhealthyThresholdCount": check["unhealthy_count"],
            "Matcher": {"HttpCode": "200"},
        },
    )
    group_arn = str(group["TargetGroups"][0]["TargetGroupArn"])
    delay = str(balancer["deregistration_delay_s"])
    await call(
        "elbv2",
        "ModifyTargetGroupAttributes",
        {
            "TargetGroupArn": group_arn,
            "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": delay}],
        },
    )
    await call(
        "elbv2",
        "CreateListener",
        {
            "LoadBalancerArn": balancer_arn,
            "Protocol": "HTTP",
            "Port": balancer["port"],
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group_arn}],
        },
    )
    link = await call(
        "apigatewayv2",
        "CreateVpcLink",
        {
            "Name": live["vpc_link"],
            "SubnetIds": network.subnets,
            "SecurityGroupIds": [network.groups["link"]],
        },
    )
    return {
        "vpc_link_id": str(link["VpcLinkId"]),
        "load_balancer_arn": balancer_arn,
        "load_balancer_host": str(made["LoadBalancers"][0]["DNSName"]),
        "target_group_arn": group_arn,
    }


async def deploy_service(
    call: Call,
    declared: Mapping[str, Any],
    definition: Mapping[str, Any],
    network: Network,
    values: Mapping[str, str],
) -> None:
    """The instances: the worker's program without a run, kept running by ECS.

    ``definition`` is the worker's task definition, of which this one differs in little.
    """
    live, task = declared["live_events"]["service"], declared["task"]
    name = stack.fill_text(live["name"], values)
    [container] = definition["containerDefinitions"]
    logs = container["logConfiguration"]
    await call(
        "ecs",
        "RegisterTaskDefinition",
        {
            **definition,
            "family": name,
            "cpu": str(live["cpu_units"]),
            "memory": str(live["memory_mib"]),
            "taskRoleArn": values[f"{live['role'].replace('-', '_')}_role_arn"],
            "containerDefinitions": [
                {
                    **container,
                    "logConfiguration": {
                        **logs,
                        "options": {**logs["options"], "awslogs-stream-prefix": live["log_prefix"]},
                    },
                }
            ],
        },
    )
    await call(
        "ecs",
        "CreateService",
        {
            "cluster": values["cluster"],
            "serviceName": name,
            "taskDefinition": name,
            "desiredCount": live["desired_count"],
            "launchType": "FARGATE",
            "loadBalancers": [
                {
                    "targetGroupArn": values["target_group_arn"],
                    "containerName": task["container"],
                    "containerPort": task["port"],
                }
            ],
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": network.subnets,
                    "securityGroups": [network.groups["live"]],
                    "assignPublicIp": "ENABLED",
                }
            },
        },
    )
