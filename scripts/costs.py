"""Writes the tables of costs in docs/operations.md from the prices and throttles of the system.

``python scripts/costs.py`` writes it; ``--check`` only says whether it is up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from scripts import painting_costs
from system import flood, money, prices, stack
from system.ledger import view
from system.money import round_up

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operations.md"
REGION = "us-east-1"

IMAGE_GB_MONTH = Fraction("0.10")
"""https://aws.amazon.com/ecr/pricing/"""
ZONE_MONTH = Fraction("0.50")
"""https://aws.amazon.com/route53/pricing/"""
WEB_ACL_MONTH, WEB_ACL_RULE_MONTH, WEB_ACL_RULES = Fraction(5), Fraction(1), 2
"""https://aws.amazon.com/waf/pricing/; the rules of terraform/modules/edge/firewall.tf."""
WEBSITE_GB = Fraction("0.1")
"""The page and the house styles are smaller."""

SWEEP_FUNCTIONS, SWEEP_GETS, SWEEP_LOG_BYTES = 2, 4, 4_000
"""Reconcile, when it finds nothing: read_budget and stop_nst, the ledger, a look at the marks."""
SWEEP_S = 5
"""Longer than two functions take."""


def main() -> int:
    """Write the tables, or check them."""
    text = PAGE.read_text()
    wanted = placed(placed(text, "costs", table()), "painting costs", painting_costs.table())
    if "--check" in sys.argv[1:]:
        if wanted != text:
            sys.exit(f"docs/{PAGE.name} is out of date: run python scripts/costs.py")
        return 0
    PAGE.write_text(wanted)
    return 0


def placed(text: str, name: str, lines: str) -> str:
    """Give ``text`` with ``lines`` between the two marks of ``name``."""
    place = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    made, count = place.subn(lambda found: f"{found[1]}{lines}{found[2]}", text)
    if count != 1:
        sys.exit(f"{PAGE.name} has no place for the table of {name}")
    return made


def table() -> str:
    """The table's lines."""
    lines = ["| what | costs |", "|---|---|", *(f"| {what} | {cost} |" for what, cost in rows())]
    return "\n".join(lines) + "\n"


def rows() -> Iterator[tuple[str, str]]:
    """Each thing and its price in words."""
    yield "an idle month: reconcile every five minutes, the website at rest", _usd(idle())
    yield "each GB of worker images kept, a month", _usd(IMAGE_GB_MONTH)
    ceilings = view.ceilings(rates())
    for quality, size in (("draft", "512"), ("good", "512"), ("best", "1024")):
        most = shown(ceilings[quality][size])
        yield (
            f"a run, {quality}, {size} px: at most (reserved; what it really took is charged)",
            most,
        )
    least = prices.run_cost_microusd(rates(), prices.BILLED_MIN_S, 0)
    yield "a run: at least, since Fargate bills a minute", shown(least)
    declared = stack.declaration()
    throttle = declared["api"]["throttle"]
    most = int(declared["alarms"]["metrics"]["daily_requests"]["threshold"])
    closing = flood.closed_monthly_microusd(REGION, throttle, most)
    yield (
        f"a flood all month: the API closes after {most:,} requests in 24 hours (security.md)",
        shown(sum(closing.values())),
    )
    floods = flood.monthly_microusd(REGION, throttle)
    yield (
        "if it never closed: every call at its throttle, all month",
        shown(sum(floods.values())),
    )
    for what, cost in flood.unthrottled_microusd(REGION).items():
        yield f"what no throttle of ours stops: {what}", shown(cost)
    yield "with a domain: its zone, a month", _usd(ZONE_MONTH)
    acl = WEB_ACL_MONTH + WEB_ACL_RULE_MONTH * WEB_ACL_RULES
    yield "with a web ACL: at rest, a month (and $0.60 for a million requests)", _usd(acl)


def rates() -> prices.Rates:
    """Those of the declared task."""
    task = stack.declaration()["task"]
    return prices.rates(
        region=REGION,
        architecture=task["architecture"],
        cpu_units=task["cpu_units"],
        memory_mib=task["memory_mib"],
    )


def idle() -> Fraction:
    """Dollars for a month of 31 days in which nobody comes."""
    price = prices.REGIONS[REGION]
    every_s = _seconds(stack.declaration()["schedules"]["reconcile"]["expression"])
    function = price.lambda_request + price.lambda_gb_s * flood.FUNCTION_GB * flood.FUNCTION_S
    sweep = (
        price.express_request
        + price.express_gb_s * flood.EXPRESS_GB * SWEEP_S
        + function * SWEEP_FUNCTIONS
        + price.s3_get * SWEEP_GETS
        + price.logs_gb * Fraction(SWEEP_LOG_BYTES, 10**9)
    )
    return sweep * Fraction(flood.MONTH_S, every_s) + price.s3_gb_month * WEBSITE_GB


def _seconds(expression: str) -> int:
    found = re.fullmatch(r"rate\((\d+) minutes?\)", expression)
    if found is None:
        sys.exit(f"The price of the schedule {expression} is not known here.")
    return int(found[1]) * 60


def shown(microusd: int) -> str:
    """Dollars and cents; below a dollar four decimals, rounded up."""
    if microusd < money.MICROUSD_PER_USD:
        return f"${-(-microusd // 100) / 10_000:.4f}"
    return money.display(microusd)


def _usd(amount: Fraction) -> str:
    return shown(round_up(amount))


if __name__ == "__main__":
    sys.exit(main())
