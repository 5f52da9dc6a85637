"""Live events switched on and off by apply: no drift, equal to the emulator's, streams served."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from system.deployment import cli
from system.deployment.steps import Target
from system.deployment.terraform import Terraform
from tests.system.running import Running, started, wait_until
from tests.system.test_live_events import Followed, assert_whole, serves
from tests.terraform.conftest import Deployed
from tests.terraform.inventory import inventory
from tests.terraform.test_apply import differences

SERVICE = (
    "serviceName", "status", "desiredCount", "launchType", "schedulingStrategy", "loadBalancers",
    "deploymentController", "enableExecuteCommand", "propagateTags",
)  # fmt: skip
GROUP = (
    "Protocol", "Port", "TargetType", "HealthCheckPath", "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher",
)  # fmt: skip
TASK = (
    "family", "networkMode", "cpu", "memory", "taskRoleArn", "executionRoleArn", "runtimePlatform",
    "requiresCompatibilities",
)  # fmt: skip
CONTAINER = (
    "name", "essential", "stopTimeout", "logConfiguration", "user", "readonlyRootFilesystem",
    "linuxParameters",
)  # fmt: skip


@dataclass
class Live:
    """The deployed stack with live events on, and what switches them."""

    deployed: Deployed
    on: Terraform
    off: Terraform

    @property
    def stack(self) -> Running:
        return self.deployed.stack


@pytest.fixture(scope="module")
def live(deployed: Deployed) -> Iterator[Live]:
    """Switched on for this file's tests, and off again for those that come after."""
    target = Target(deployed.stack.aws_url, "us-east-1", "nst")
    made = Live(deployed, cli.prepared(target, "", live_events=True), deployed.terraform)
    made.on.apply()
    wait_until("the instance of live events", lambda: serves(made.stack), 60)
    yield made
    made.off.apply()
    # what Terraform no longer has is nowhere
    ecs = made.stack.client("ecs")
    assert ecs.list_services(cluster="nst")["serviceArns"] == []
    assert ecs.list_tasks(cluster="nst", family="nst-live")["taskArns"] == []
    assert made.stack.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    answer = made.stack.http().get(f"/api/runs/{'f' * 32}/events")
    assert answer.json()["code"] == "not-found"


@pytest.fixture(scope="module")
def live_by_itself(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("live"), "--live-events") as stack:
        wait_until("the instance of live events", lambda: serves(stack), 60)
        yield stack


def test_a_second_plan_with_live_events_finds_no_changes(live: Live) -> None:
    assert live.on.plan() == ""


def test_a_run_is_followed_by_the_stream_that_terraform_deployed(live: Live) -> None:
    followed = Followed(live.stack, "live")
    admission = followed.visitor.begin()
    events = followed.documents(admission)
    assert_whole(events, followed.visitor.events(admission), "succeeded")
    assert followed.took_its_way()


def test_terraform_makes_the_live_events_that_the_emulator_makes_by_itself(
    live: Live, live_by_itself: Running
) -> None:
    one, other = inventory(live.stack), inventory(live_by_itself)
    assert differences(one, other) == []
    assert differences(live_inventory(live.stack), live_inventory(live_by_itself)) == []


def live_inventory(stack: Running) -> dict[str, Any]:
    """What live events add, without ids."""
    ecs, elb, ec2 = (stack.client(name) for name in ("ecs", "elbv2", "ec2"))
    [service] = ecs.describe_services(cluster="nst", services=["nst-live"])["services"]
    [balancer] = elb.describe_load_balancers()["LoadBalancers"]
    [group] = elb.describe_target_groups()["TargetGroups"]
    [listener] = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    [link] = stack.client("apigatewayv2").get_vpc_links()["Items"]
    groups = {
        found["GroupId"]: found
        for found in ec2.describe_security_groups()["SecurityGroups"]
        if found["GroupName"].startswith("nst-")
    }
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    kept = {k: service.get(k) for k in SERVICE}
    for one in kept["loadBalancers"] or []:
        assert one.pop("targetGroupArn") == group["TargetGroupArn"]
    assert [a["TargetGroupArn"] for a in listener["DefaultActions"]] == [group["TargetGroupArn"]]
    return {
        "service": kept,
        "definition": _definition(ecs.describe_task_definition(taskDefinition="nst-live")),
        "balancer": [
            {k: balancer[k] for k in ("LoadBalancerName", "Scheme", "Type")},
            _attributes(elb.describe_load_balancer_attributes(
                LoadBalancerArn=balancer["LoadBalancerArn"]
            )["Attributes"], "idle_timeout", "routing.http.drop_invalid"),
            {k: listener[k] for k in ("Protocol", "Port")},
        ],
        "group": [
            {k: group.get(k) for k in GROUP},
            _attributes(elb.describe_target_group_attributes(
                TargetGroupArn=group["TargetGroupArn"]
            )["Attributes"], "deregistration_delay"),
        ],
        "link": [link["Name"], len(link["SubnetIds"])],
        "in groups": {
            "link": [groups[g]["GroupName"] for g in link["SecurityGroupIds"]],
            "balancer": [groups[g]["GroupName"] for g in balancer["SecurityGroups"]],
            "service": [groups[g]["GroupName"] for g in network["securityGroups"]],
            "public": network["assignPublicIp"],
        },
        "let in": {
            found["GroupName"]: [
                [rule["FromPort"], [groups[p["GroupId"]]["GroupName"]
                                    for p in rule["UserIdGroupPairs"]]]
                for rule in found["IpPermissions"]
            ]
            for found in groups.values()
        },
    }  # fmt: skip


def _definition(answer: dict[str, Any]) -> dict[str, Any]:
    whole = answer["taskDefinition"]
    [container] = whole["containerDefinitions"]
    return {
        **{k: whole.get(k) for k in TASK},
        "container": {k: container.get(k) for k in CONTAINER},
        "environment": sorted((e["name"], e["value"]) for e in container["environment"]),
    }


def _attributes(attributes: list[dict[str, str]], *prefixes: str) -> dict[str, str]:
    return {a["Key"]: a["Value"] for a in attributes if a["Key"].startswith(prefixes)}
