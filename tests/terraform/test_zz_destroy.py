"""terraform destroy leaves nothing. The last of the folder: it ends what the others use."""

from __future__ import annotations

import pytest

from tests.system.running import wait_until
from tests.terraform.deployed import Deployed

# Terraform waits by itself, and each step has a limit of its own.
pytestmark = pytest.mark.timeout(900)


def test_destroy_leaves_nothing(deployed: Deployed) -> None:
    ecs = deployed.stack.client("ecs")
    # As the operator is told to do: a task that still runs keeps the cluster from going.
    wait_until("no task to run", lambda: ecs.list_tasks(cluster="nst")["taskArns"] == [], 120)
    deployed.run("destroy", "--yes")
    assert deployed.terraform.resources() == []
    stack = deployed.stack
    assert stack.client("lambda").list_functions()["Functions"] == []
    assert stack.client("stepfunctions").list_state_machines()["stateMachines"] == []
    buckets = [b["Name"] for b in stack.client("s3").list_buckets()["Buckets"]]
    assert buckets == ["nst-terraform-state"]
    assert stack.client("cloudfront").list_distributions()["DistributionList"]["Quantity"] == 0
    assert stack.client("apigateway").get_rest_apis()["items"] == []
    assert stack.client("iam").list_roles()["Roles"] == []
    clusters = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"]
    # a deleted cluster may be seen for a while
    assert [c["clusterName"] for c in clusters if c["status"] != "INACTIVE"] == []
    assert stack.client("ecr").describe_repositories()["repositories"] == []
    assert stack.client("logs").describe_log_groups()["logGroups"] == []
    assert stack.client("scheduler").list_schedules()["Schedules"] == []
    assert stack.client("events").list_rules()["Rules"] == []
    vpcs = stack.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Project", "Values": ["nst"]}])
    assert vpcs["Vpcs"] == []
