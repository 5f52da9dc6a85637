"""terraform apply on the emulator: no drift, the whole flow through it, equal to its own."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from tests.system.running import Running, wait_until
from tests.terraform.deployed import Deployed
from tests.terraform.inventory import inventory

# Terraform waits by itself, and each step has a limit of its own.
pytestmark = pytest.mark.timeout(900)


def test_a_second_plan_finds_no_changes(deployed: Deployed) -> None:
    assert deployed.terraform.plan() == ""


def test_the_whole_flow_runs_through_what_was_deployed(deployed: Deployed) -> None:
    assert "a painting came out" in deployed.run("smoke")


def test_the_page_is_missed_then_hit_then_missed_after_an_invalidation(deployed: Deployed) -> None:
    distribution = deployed.terraform.outputs()["distribution_id"]
    with httpx.Client(base_url=deployed.stack.web_url) as http:
        cloudfront = deployed.stack.client("cloudfront")
        http.get("/favicon.svg")
        assert http.get("/favicon.svg").headers["x-cache"] == "Hit from cloudfront"
        cloudfront.create_invalidation(
            DistributionId=distribution,
            InvalidationBatch={
                "Paths": {"Quantity": 1, "Items": ["/favicon.svg"]},
                "CallerReference": "test",
            },
        )
        assert http.get("/favicon.svg").headers["x-cache"] == "Miss from cloudfront"
        assert http.get("/api/nope").headers["content-type"] == "application/problem+json"


def test_every_request_has_a_line_in_the_access_log(deployed: Deployed) -> None:
    answer = httpx.get(f"{deployed.stack.web_url}/api/runs/{'d' * 32}")
    logs = deployed.stack.client("logs")

    def line() -> dict[str, Any] | None:
        events = logs.filter_log_events(logGroupName="/aws/apigateway/nst")["events"]
        lines = [json.loads(event["message"]) for event in events]
        wanted = answer.headers["x-correlation-id"]
        return next((found for found in lines if found["correlation_id"] == wanted), None)

    found = wait_until("the line of the request", line)
    assert (found["method"], found["resource"]) == ("GET", "/api/runs/{run_id}")
    assert found["status"] == str(answer.status_code) == "404"


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two documents differ, path by path."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = []
        for key in sorted(one.keys() | other.keys()):
            found += differences(one.get(key), other.get(key), f"{at}/{key}")
        return found
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            line
            for number, pair in enumerate(zip(one, other, strict=True))
            for line in differences(*pair, f"{at}/{number}")
        ]
    return [] if one == other else [f"{at}: terraform {one!r}, by itself {other!r}"]


def test_terraform_makes_what_the_emulator_makes_by_itself(
    deployed: Deployed, by_itself: Running
) -> None:
    assert differences(inventory(deployed.stack), inventory(by_itself)) == []


COMPARED = {
    "aws_api_gateway_account", "aws_api_gateway_deployment", "aws_api_gateway_method_settings",
    "aws_api_gateway_rest_api", "aws_api_gateway_stage", "aws_cloudfront_distribution",
    "aws_cloudfront_function", "aws_cloudfront_origin_access_control",
    "aws_cloudfront_response_headers_policy", "aws_cloudwatch_event_rule",
    "aws_cloudwatch_dashboard", "aws_cloudwatch_event_target", "aws_cloudwatch_log_group",
    "aws_cloudwatch_metric_alarm", "aws_ecr_lifecycle_policy",
    "aws_ecr_repository", "aws_ecs_cluster", "aws_ecs_task_definition", "aws_iam_role",
    "aws_iam_role_policy", "aws_iam_role_policy_attachment", "aws_lambda_function",
    "aws_s3_bucket", "aws_s3_bucket_cors_configuration", "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_ownership_controls", "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block", "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning", "aws_scheduler_schedule", "aws_sfn_state_machine", "aws_sns_topic",
}  # fmt: skip
"""Kinds of resources that the inventory reads."""

NOT_COMPARED = {
    "aws_default_security_group": "tasks of the emulator's own deployment have no network of AWS's",
    "aws_internet_gateway": "the same",
    "aws_route_table": "the same",
    "aws_route_table_association": "the same",
    "aws_security_group": "the same",
    "aws_subnet": "the same",
    "aws_vpc": "the same",
    "aws_vpc_endpoint": "the same",
    "aws_vpc_security_group_egress_rule": "the same",
}


def test_no_kind_of_resource_escapes_the_comparison(deployed: Deployed) -> None:
    kinds = {
        found[1]
        for address in deployed.terraform.resources()
        if ".data." not in address
        and not address.startswith("data.")
        and (found := re.search(r"(?:^|\.)(aws_\w+)\.", address))
    }
    assert kinds == COMPARED | NOT_COMPARED.keys()
