"""What a flood costs, from the prices and the throttles, and that the documents say so."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from system import flood, prices, stack

ROOT = Path(stack.__file__).parents[1]
THROTTLE = stack.declaration()["api"]["throttle"]


def test_every_call_of_the_contract_has_its_price() -> None:
    contract = (ROOT / "system" / "contract" / "openapi.yaml").read_text()
    found, path = set(), ""
    for line in contract.splitlines():
        if match := re.match(r"  (/api\S*):$", line):
            path = match[1]
        elif match := re.match(r"    (get|post|put|delete|patch):$", line):
            found.add(f"{match[1].upper()} {path}")
    assert found == set(flood.CALLS) | set(flood.LIVE_CALLS)
    assert set(THROTTLE) - {"default"} <= found


def test_a_call_by_hand() -> None:
    """POST /api/upload-urls at four a second, in Virginia."""
    # request 3.50 and CDN 2.20 a million; one function: 0.20 a million, 0.125 GB-s; 3 kB of logs
    dollars = Fraction("3.5") + Fraction("2.2") + Fraction("0.2")
    dollars = dollars / 10**6 + Fraction("0.0000166667") / 8 + Fraction("0.5") * 3_000 / 10**9
    monthly = dollars * 4 * 31 * 86_400
    found = flood.monthly_microusd("us-east-1", THROTTLE)["POST /api/upload-urls"]
    assert found == pytest.approx(float(monthly) * 10**6, abs=1)


def test_uploads_and_what_they_fill_by_hand() -> None:
    found = flood.monthly_microusd("us-east-1", THROTTLE)
    pictures = 2 * 5 + 4  # a second: five of each new run, one of each single form
    assert found["uploads"] == pictures * 31 * 86_400 * 5
    gigabytes = Fraction(pictures * 8 * 86_400 * 20 * 1024 * 1024, 10**9)
    expected = float(gigabytes * Fraction("0.023") * Fraction(31, 28) * 10**6)
    assert found["storage"] == pytest.approx(expected, abs=1)


def test_halving_a_throttle_halves_what_its_flood_costs() -> None:
    half = {**THROTTLE, "POST /api/run-nst": {"rate_per_s": 1, "burst": 5}}
    before = flood.monthly_microusd("us-east-1", THROTTLE)["POST /api/run-nst"]
    after = flood.monthly_microusd("us-east-1", half)["POST /api/run-nst"]
    assert after == pytest.approx(before / 2, abs=1)


@pytest.mark.parametrize("region", sorted(prices.REGIONS))
def test_the_whole_has_a_ceiling_in_every_region(region: str) -> None:
    whole = sum(flood.monthly_microusd(region, THROTTLE).values())
    assert 0 < whole < 12_000 * 10**6


def test_a_closed_api_by_hand() -> None:
    """Requests to start a run are the dearest calls, those to admit one bring the most pictures."""
    found = flood.closed_monthly_microusd("us-east-1", THROTTLE, 20_000)
    whole = flood.monthly_microusd("us-east-1", THROTTLE)
    each = whole["POST /api/run-nst"] / (2 * 31 * 86_400)
    late = sum(whole[call] for call in flood.CALLS) * 300 / (31 * 86_400)
    assert found["calls"] == pytest.approx((each * 20_000 + late) * 31, rel=1e-4)
    pictures = 20_000 * 5 + 14 * 300
    assert found["uploads"] == pictures * 31 * 5
    assert found["storage"] == pytest.approx(
        pictures * 8 * 20 * 1024 * 1024 / 10**9 * 0.023 * 31 / 28 * 10**6, abs=1
    )


def test_closing_earlier_costs_less_and_always_less_than_never() -> None:
    never = flood.monthly_microusd("us-east-1", THROTTLE)
    sums = [
        sum(flood.closed_monthly_microusd("us-east-1", THROTTLE, most).values())
        for most in (1_000, 20_000, 100_000)
    ]
    assert sums == sorted(sums)
    assert sums[-1] < sum(never.values())


def test_the_documents_say_what_it_costs() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    found = flood.monthly_microusd("us-east-1", THROTTLE)
    for name, microusd in found.items():
        assert f"| {name} | ${round(microusd / 10**6):,} |" in text, (name, microusd)
    assert f"**${round(sum(found.values()) / 10**6):,}**" in text, sum(found.values())
    for name, microusd in flood.unthrottled_microusd("us-east-1").items():
        assert f"| {name} | ${microusd / 10**6:.2f} |" in text, (name, microusd)
    most = stack.declaration()["alarms"]["metrics"]["daily_requests"]["threshold"]
    assert f"{most:,} requests" in text
    closed = flood.closed_monthly_microusd("us-east-1", THROTTLE, most)
    for name, microusd in closed.items():
        assert f"| {name}, closed | ${round(microusd / 10**6):,} |" in text, (name, microusd)
    assert f"**${round(sum(closed.values()) / 10**6):,}**" in text, sum(closed.values())
