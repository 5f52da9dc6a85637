"""terraform apply on the emulator: no drift, and the whole flow through it."""

from __future__ import annotations

from typing import Any

import httpx

from tests.system.running import Running
from tests.terraform.deployed import Deployed
from tests.terraform.inventory import inventory


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
