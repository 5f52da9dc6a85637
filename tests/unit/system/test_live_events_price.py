"""What live events cost, by hand, and that the page for operators says so."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from system import flood, live_events, prices, stack

ROOT = Path(stack.__file__).parents[1]
DECLARED = stack.declaration()
REGIONS = ("us-east-1", "eu-west-1", "eu-central-1")
AT_REST = ("load balancer", "instance")


def month(region: str) -> dict[str, int]:
    service = DECLARED["live_events"]["service"]
    return live_events.month_microusd(
        region=region,
        architecture=DECLARED["task"]["architecture"],
        cpu_units=service["cpu_units"] * service["desired_count"],
        memory_mib=service["memory_mib"] * service["desired_count"],
        followed=DECLARED["budget"]["runs_in_flight_max"],
    )


def test_a_month_by_hand() -> None:
    """Virginia: 744 hours of a balancer, of a quarter vCPU, half a GB and an address."""
    found = month("us-east-1")
    hour = Fraction("0.04048") / 4 + Fraction("0.004445") / 2 + Fraction("0.005")
    assert found["load balancer"] == pytest.approx(0.0225 * 744 * 10**6, abs=1)
    assert found["instance"] == pytest.approx(float(hour) * 744 * 10**6, abs=1)
    gets = 4 * 744 * 3600
    reads = found["reads of event logs, when all runs are followed"]
    assert reads == pytest.approx(gets * 0.0004 / 1000 * 10**6, abs=1)


def test_there_are_prices_for_every_region_of_the_table() -> None:
    assert set(REGIONS) == set(prices.REGIONS)
    for region in REGIONS:
        assert 25 * 10**6 < sum(month(region).values()) < 60 * 10**6


def test_the_page_for_operators_says_what_it_costs() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    months = [month(region) for region in REGIONS]
    for part in months[0]:
        row = " | ".join(f"${found[part] / 10**6:.2f}" for found in months)
        assert f"| {part} | {row} |" in text, (part, row)
    rest = " | ".join(f"**${sum(f[p] for p in AT_REST) / 10**6:.2f}**" for f in months)
    assert f"| **nobody there** | {rest} |" in text, rest
    most = " | ".join(f"**${sum(found.values()) / 10**6:.2f}**" for found in months)
    assert f"| **at most** | {most} |" in text, most
    assert prices.AS_OF in text


def test_the_page_says_what_a_flood_of_the_route_costs() -> None:
    text = " ".join((ROOT / "docs" / "operations.md").read_text().split())
    throttle = DECLARED["api"]["throttle"] | DECLARED["live_events"]["throttle"]
    found = flood.monthly_microusd("us-east-1", throttle, flood.LIVE_CALLS)
    assert f"costs ${round(sum(found.values()) / 10**6)} a month more" in text, found
    assert found["uploads"] == found["storage"] == 0


def test_the_balancer_waits_longer_than_a_stream_is_silent() -> None:
    """It and CloudFront close what is silent for their time; a comment comes every 15 s."""
    assert DECLARED["live_events"]["load_balancer"]["idle_timeout_s"] >= 30
