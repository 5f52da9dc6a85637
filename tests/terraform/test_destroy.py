"""terraform destroy leaves nothing. Last: it ends what test_apply and test_changes use."""

from __future__ import annotations

import pytest

from tests.terraform.conftest import Deployed

# Terraform waits by itself, and each step has a limit of its own.
pytestmark = pytest.mark.timeout(900)


def test_destroy_leaves_nothing(deployed: Deployed) -> None:
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
    assert stack.client("ecs").list_clusters()["clusterArns"] == []
    assert stack.client("ecr").describe_repositories()["repositories"] == []
    assert stack.client("logs").describe_log_groups()["logGroups"] == []
    assert stack.client("scheduler").list_schedules()["Schedules"] == []
    assert stack.client("events").list_rules()["Rules"] == []
    vpcs = stack.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Project", "Values": ["nst"]}])
    assert vpcs["Vpcs"] == []
