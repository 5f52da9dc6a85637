"""The table of timings: its rows, what leans on it, and what the services make of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.cloudfront import CloudFrontService
from emulator.core.bus import BusCall, Caller
from emulator.core.credentials import CredentialStore
from emulator.core.errors import AwsError
from emulator.core.latency import Latency
from emulator.core.timings import AWS, CALLS, FAST, TABLE, Name, markdown
from emulator.core.virtual_clock import VirtualClock, run
from emulator.edge import EdgeService
from emulator.iam import Directory
from system import prices, stack

ROOT = Path(__file__).resolve().parents[3]
ME = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root")


@pytest.mark.parametrize("name", TABLE)
def test_a_row_says_where_it_comes_from_and_makes_nothing_faster_than_here(name: Name) -> None:
    row = TABLE[name]
    assert row.source.startswith(("https://docs.aws.amazon.com/", "https://aws.amazon.com/"))
    assert 0 <= row.here_s < row.aws_s
    assert FAST.of(name) == row.here_s
    assert AWS.of(name) == row.aws_s


def test_the_docs_have_the_table() -> None:
    assert markdown() in (ROOT / "docs" / "timing.md").read_text()


def test_a_fargate_task_takes_some_45_s_to_start() -> None:
    assert AWS.task_start_s == pytest.approx(45)
    assert FAST.run_s == 0


def timeouts(workflow: str) -> list[float]:
    """All that a definition names in figures, in seconds (it is a template, not JSON yet)."""
    text = (ROOT / "system" / "workflows" / f"{workflow}.asl.json").read_text()
    return [float(found) for found in re.findall(r'"TimeoutSeconds": (\d+)', text)]


def test_the_systems_own_limits_leave_room_for_aws() -> None:
    """Twice and more what AWS takes: none of these limits may end a run that only was slow."""
    one_step = AWS.of("function_cold") + 10 * AWS.of("object_call")
    _, started, *_ = timeouts("run-nst")
    assert started >= 2 * AWS.task_start_s
    assert 2 * AWS.of("task_pull") <= prices.PULL_ALLOWANCE_S
    for name in ("admit-run", "start-run", "run-nst", "reconcile"):
        assert min(timeouts(name)) >= 2 * one_step
    for function in stack.declaration()["functions"].values():
        assert function["timeout_s"] >= 2 * one_step


def near(seconds: float) -> Any:
    """Equal but for the rounding of times in seconds since 1970."""
    return pytest.approx(seconds, abs=1e-5)


def on_virtual_time(main: Callable[[VirtualClock], Awaitable[Any]]) -> Any:
    async def begin() -> Any:
        return await main(VirtualClock())

    return run(begin)


@pytest.mark.parametrize("service", CALLS)
def test_a_call_takes_its_time_half_before_and_half_after(service: str) -> None:
    async def main(clock: VirtualClock) -> tuple[float, float]:
        began, latency = clock.now(), Latency(clock, lambda: AWS)
        at: list[float] = []

        async def proceed() -> dict[str, Any]:
            at.append(clock.now())
            return {}

        await latency.around(BusCall(service, "Do", {}, ME), proceed)
        return at[0] - began, clock.now() - began

    whole = AWS.of(CALLS[service])
    assert on_virtual_time(main) == (near(whole / 2), near(whole))


def test_a_refusal_takes_as_long_as_an_answer() -> None:
    async def main(clock: VirtualClock) -> float:
        began = clock.now()

        async def refuse() -> dict[str, Any]:
            raise AwsError("SlowDown", "Please reduce your request rate.", 503)

        with pytest.raises(AwsError):
            await Latency(clock, lambda: AWS).around(BusCall("s3", "PutObject", {}, ME), refuse)
        return clock.now() - began

    assert on_virtual_time(main) == near(AWS.of("object_call"))


def test_a_call_takes_no_time_here() -> None:
    async def main(clock: VirtualClock) -> float:
        began = clock.now()

        async def proceed() -> dict[str, Any]:
            return {}

        await Latency(clock, lambda: FAST).around(BusCall("s3", "GetObject", {}, ME), proceed)
        return clock.now() - began

    assert on_virtual_time(main) == 0


DISTRIBUTION = {
    "CallerReference": "one",
    "Comment": "",
    "Enabled": True,
    "Origins": {
        "Quantity": 1,
        "Items": [
            {
                "Id": "site",
                "DomainName": "site.s3.us-east-1.amazonaws.com",
                "OriginAccessControlId": "E1",
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            }
        ],
    },
    "DefaultCacheBehavior": {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    },
}


class Cdn:
    """CloudFront's control plane and the edge behind it, at the pace of AWS."""

    def __init__(self, clock: VirtualClock) -> None:
        self.edge = EdgeService(clock, None, None)  # type: ignore[arg-type] (nothing is fetched)
        self.service = CloudFrontService(
            clock,
            self.edge.load_distribution,
            self.edge.remove_distribution,
            self.edge.invalidate,
            lambda: AWS,
        )

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self.service.call(operation, params, ME)

    async def status(self, distribution: str) -> str:
        found = await self.call("GetDistribution", Id=distribution)
        return str(found["Distribution"]["Status"])

    def serves(self, distribution: str) -> bool:
        return distribution in self.edge._distributions


@pytest.mark.fidelity(
    area="CloudFront",
    feature="a change is InProgress until it is at the edge (--aws-timing)",
    source="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HowToUpdateDistribution.html",
)
def test_a_distribution_is_served_once_it_is_deployed() -> None:
    async def main(clock: VirtualClock) -> None:
        cdn = Cdn(clock)
        made = await cdn.call("CreateDistribution", DistributionConfig=DISTRIBUTION)
        ident = made["Distribution"]["Id"]
        assert (await cdn.status(ident), cdn.serves(ident)) == ("InProgress", False)
        await clock.sleep(AWS.of("distribution_change") - 1)
        assert (await cdn.status(ident), cdn.serves(ident)) == ("InProgress", False)
        await clock.sleep(2)
        assert (await cdn.status(ident), cdn.serves(ident)) == ("Deployed", True)

    on_virtual_time(main)


def test_what_the_edge_cannot_serve_is_refused_at_once() -> None:
    async def main(clock: VirtualClock) -> None:
        broken = {**DISTRIBUTION, "DefaultCacheBehavior": {"TargetOriginId": "nobody"}}
        with pytest.raises(AwsError):
            await Cdn(clock).call("CreateDistribution", DistributionConfig=broken)

    on_virtual_time(main)


def test_one_that_is_disabled_before_it_was_deployed_is_never_served() -> None:
    async def main(clock: VirtualClock) -> None:
        cdn = Cdn(clock)
        made = await cdn.call("CreateDistribution", DistributionConfig=DISTRIBUTION)
        ident = made["Distribution"]["Id"]
        await clock.sleep(1)
        off = {**DISTRIBUTION, "Enabled": False}
        await cdn.call("UpdateDistribution", Id=ident, IfMatch=made["ETag"], DistributionConfig=off)
        for _ in range(8):
            await clock.sleep(AWS.of("distribution_change") / 4)
            assert not cdn.serves(ident)

    on_virtual_time(main)


@pytest.mark.fidelity(
    area="CloudFront",
    feature="an invalidation is InProgress until the edge has forgotten (--aws-timing)",
    source="https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html",
)
def test_an_invalidation_takes_its_time() -> None:
    async def main(clock: VirtualClock) -> None:
        cdn = Cdn(clock)
        made = await cdn.call("CreateDistribution", DistributionConfig=DISTRIBUTION)
        ident = made["Distribution"]["Id"]
        batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "one"}
        begun = await cdn.call("CreateInvalidation", DistributionId=ident, InvalidationBatch=batch)
        assert begun["Invalidation"]["Status"] == "InProgress"
        whole = await cdn.call("GetDistribution", Id=ident)
        assert whole["Distribution"]["InProgressInvalidationBatches"] == 1
        await clock.sleep(AWS.of("invalidation") + 1)
        done = await cdn.call(
            "GetInvalidation", DistributionId=ident, Id=begun["Invalidation"]["Id"]
        )
        assert done["Invalidation"]["Status"] == "Completed"

    on_virtual_time(main)


class Lane:
    """Counts how often IAM's picture is read."""

    reads = 0

    async def run(self, fn: Callable[[], Any]) -> Any:
        self.reads += 1
        return {}, {}, []


def test_a_changed_permission_counts_when_it_has_spread() -> None:
    async def main(clock: VirtualClock) -> list[int]:
        lane = Lane()

        def later(change: Callable[[], None]) -> None:
            clock.call_later(AWS.of("permission_change"), change)

        directory = Directory(lane, CredentialStore(clock), later)
        seen = []
        for pause in (0.0, AWS.of("permission_change") - 1, 2.0):
            await clock.sleep(pause)
            await directory.fresh()
            seen.append(lane.reads)
            if pause == 0.0:
                directory.changed()
        return seen

    assert on_virtual_time(main) == [1, 1, 2]
