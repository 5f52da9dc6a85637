"""What AWS charges, in one table, and what follows from it: ceilings, deadlines, real costs.

List prices without free tiers and discounts, so that a real bill is never above them. All sums are
exact fractions of a dollar and are rounded up once, at the end, to micro-dollars.

Sources (prices as of ``AS_OF``):

* https://aws.amazon.com/fargate/pricing/ (Linux; by the second, 60 s least)
* https://aws.amazon.com/vpc/pricing/ (public IPv4 address)
* https://aws.amazon.com/step-functions/pricing/ (a retry is a transition too)
* https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/api-gateway/pricing/
* https://aws.amazon.com/s3/pricing/, https://aws.amazon.com/dynamodb/pricing/on-demand/
* https://aws.amazon.com/cloudwatch/pricing/
* https://aws.amazon.com/elasticloadbalancing/pricing/ (application load balancers)
* https://aws.amazon.com/cloudfront/pricing/ (the dearest edge: visitors choose where they are)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from system.money import round_up

AS_OF = "2026-04-01"

Architecture = Literal["X86_64", "ARM64"]
ARCHITECTURES: tuple[Architecture, ...] = ("X86_64", "ARM64")


def _usd(text: str, per: int = 1) -> Fraction:
    return Fraction(text) / per


@dataclass(frozen=True)
class Prices:
    """The prices of one region, in dollars for one of what the name says."""

    vcpu_hour: Mapping[Architecture, Fraction]
    memory_gb_hour: Mapping[Architecture, Fraction]
    s3_put: Fraction
    """PUT, POST, COPY and LIST requests."""
    s3_get: Fraction
    """GET, HEAD and all other requests."""
    s3_gb_month: Fraction
    table_write_unit: Fraction
    """Of DynamoDB: a write of up to 1 KB, also one whose condition does not hold."""
    table_read_unit: Fraction
    """Of DynamoDB: a strongly consistent read of up to 4 KB."""
    api_request: Fraction
    logs_gb: Fraction
    transfer_gb: Fraction
    """To the internet."""
    balancer_hour: Fraction
    """An application load balancer, idle."""
    ipv4_hour: Fraction = Fraction("0.005")
    balancer_unit_hour: Fraction = Fraction("0.008")
    """A capacity unit: 25 new connections a second, 3,000 open ones, 1 GB an hour."""
    transition: Fraction = Fraction("0.000025")
    """Of a standard workflow."""
    express_request: Fraction = Fraction("0.000001")
    express_gb_s: Fraction = Fraction("0.00001667")
    lambda_request: Fraction = Fraction("0.0000002")
    lambda_gb_s: Fraction = Fraction("0.0000166667")
    cdn_request: Fraction = Fraction("0.0000022")


_IRELAND_AND_VIRGINIA: Mapping[Architecture, Fraction] = {
    "X86_64": _usd("0.04048"),
    "ARM64": _usd("0.03238"),
}
_IRELAND_AND_VIRGINIA_GB: Mapping[Architecture, Fraction] = {
    "X86_64": _usd("0.004445"),
    "ARM64": _usd("0.00356"),
}

REGIONS: Mapping[str, Prices] = {
    "us-east-1": Prices(
        vcpu_hour=_IRELAND_AND_VIRGINIA,
        memory_gb_hour=_IRELAND_AND_VIRGINIA_GB,
        s3_put=_usd("0.005", 1_000),
        s3_get=_usd("0.0004", 1_000),
        s3_gb_month=_usd("0.023"),
        table_write_unit=_usd("0.625", 1_000_000),
        table_read_unit=_usd("0.125", 1_000_000),
        api_request=_usd("3.50", 1_000_000),
        logs_gb=_usd("0.50"),
        transfer_gb=_usd("0.09"),
        balancer_hour=_usd("0.0225"),
    ),
    "eu-west-1": Prices(
        vcpu_hour=_IRELAND_AND_VIRGINIA,
        memory_gb_hour=_IRELAND_AND_VIRGINIA_GB,
        s3_put=_usd("0.005", 1_000),
        s3_get=_usd("0.0004", 1_000),
        s3_gb_month=_usd("0.023"),
        table_write_unit=_usd("0.7067", 1_000_000),
        table_read_unit=_usd("0.1415", 1_000_000),
        api_request=_usd("3.50", 1_000_000),
        logs_gb=_usd("0.57"),
        transfer_gb=_usd("0.09"),
        balancer_hour=_usd("0.0252"),
    ),
    "eu-central-1": Prices(
        vcpu_hour={"X86_64": _usd("0.04656"), "ARM64": _usd("0.03725")},
        memory_gb_hour={"X86_64": _usd("0.00511"), "ARM64": _usd("0.00409")},
        s3_put=_usd("0.0054", 1_000),
        s3_get=_usd("0.00043", 1_000),
        s3_gb_month=_usd("0.0245"),
        table_write_unit=_usd("0.7625", 1_000_000),
        table_read_unit=_usd("0.1525", 1_000_000),
        api_request=_usd("3.70", 1_000_000),
        logs_gb=_usd("0.63"),
        transfer_gb=_usd("0.09"),
        balancer_hour=_usd("0.027"),
    ),
}


class UnknownPriceError(ValueError):
    """There is no price for this region or architecture, so no run may be sold there."""


# How long a run may take. Twice the pixels are twice the work; the seconds at 512 px are at least
# four times what fp32 on 1 vCPU is measured to need, since hosts differ and some have no bfloat16.
# For an instant painting loading counts more than painting.
DEADLINE_AT_512_S: Mapping[str, int] = {"draft": 40, "good": 90, "best": 180, "instant": 8}
DEADLINE_MIN_S, DEADLINE_MAX_S = 30, 900

PULL_ALLOWANCE_S = 240
"""From the start of the image pull to ``started``: the workflow stops a task that needs longer."""
FINISH_ALLOWANCE_S = 30
"""From the worker's own deadline to the moment when the workflow stops waiting for it: the last
upload and its report. ``run-nst`` has the same figure."""
STOP_ALLOWANCE_S = 30
"""The task's stop timeout: from SIGTERM to SIGKILL."""
BILLED_MIN_S = 60
LEASE_MARGIN_S = 300
"""Beyond start, deadline and stop: the workflow's own timeouts, retries and clock skew."""


def deadline_s(work: str, size: int) -> int:
    """Seconds after which a worker exits with its best picture so far, 30 to 900.

    ``work`` is one of ``runs.WORKS``, ``size`` the longest side in pixels. Raises KeyError for
    other work.
    """
    seconds = math.ceil(DEADLINE_AT_512_S[work] * Fraction(size * size, 512 * 512))
    return min(max(seconds, DEADLINE_MIN_S), DEADLINE_MAX_S)


def lease_s(deadline: int = DEADLINE_MAX_S) -> int:
    """Seconds from a reservation to the moment when its task must be over."""
    running = deadline + FINISH_ALLOWANCE_S + STOP_ALLOWANCE_S
    return PULL_ALLOWANCE_S + running + LEASE_MARGIN_S


@dataclass(frozen=True)
class Rates:
    """What a task of one size in one region costs; ``rates`` makes it."""

    task_s: Fraction
    """A second of the task, from pull to stop: vCPU, memory, public address."""
    running_s: Fraction
    """A second of painting besides the task itself, see ``_running_second``."""
    overhead: Fraction
    """Everything else that one run uses, see ``_overhead``."""


@functools.cache
def rates(
    *,
    region: str,
    architecture: str,
    cpu_units: int,
    memory_mib: int,
    ledger_in_dynamodb: bool = False,
) -> Rates:
    """The rates of a task; 1024 CPU units are a vCPU. Raises UnknownPriceError.

    A ledger in DynamoDB costs more than one in S3: a table bills by the size of its item.
    """
    prices = REGIONS.get(region)
    if prices is None:
        raise UnknownPriceError(f"no prices for {region}; there are {', '.join(sorted(REGIONS))}")
    for known in ARCHITECTURES:
        if architecture == known:
            break
    else:
        raise UnknownPriceError(f"no prices for {architecture}; there are X86_64 and ARM64")
    hour = (
        prices.vcpu_hour[known] * Fraction(cpu_units, 1024)
        + prices.memory_gb_hour[known] * Fraction(memory_mib, 1024)
        + prices.ipv4_hour
    )
    overhead = _overhead(prices)
    if ledger_in_dynamodb:
        overhead += _table(prices)
    return Rates(hour / 3600, _running_second(prices), overhead)


def task_cost_microusd(
    seconds: float, *, cpu_units: int, memory_mib: int, architecture: str, region: str
) -> int:
    """What a task costs that lived ``seconds`` from image pull to stop, in micro-dollars.

    Seconds are rounded up and are 60 at least, as Fargate bills them.
    """
    rate = rates(
        region=region, architecture=architecture, cpu_units=cpu_units, memory_mib=memory_mib
    )
    return round_up(rate.task_s * billed_s(seconds))


def billed_s(seconds: float) -> int:
    """Whole seconds that Fargate bills for ``seconds`` from image pull to stop."""
    return max(BILLED_MIN_S, math.ceil(seconds))


def run_cost_microusd(rate: Rates, seconds: float, running_s: float) -> int:
    """The real cost of a run: its task lived ``seconds`` and was started for ``running_s``."""
    running = rate.running_s * math.ceil(max(0.0, running_s))
    return round_up(rate.task_s * billed_s(seconds) + running + rate.overhead)


def run_ceiling_microusd(rate: Rates, deadline: int) -> int:
    """The most that a run with this deadline (seconds) can cost.

    Task rate x (pull allowance + deadline + finish + stop timeout), 60 s at least, and the
    overhead.
    """
    running = deadline + FINISH_ALLOWANCE_S + STOP_ALLOWANCE_S
    return run_cost_microusd(rate, PULL_ALLOWANCE_S + running, running)


def overhead_microusd(rate: Rates) -> int:
    """What a run costs whose task never started."""
    return round_up(rate.overhead)


# What a run uses besides its task, counted from the workflows, the handlers and the worker. Every
# count is the most that their own retry limits allow, since what is not reserved is not covered.

TRANSITIONS = 9 + (3 + 3) + (3 + 30) + (3 + 3)
"""run-nst: its longest path, and the retries of Start NST, Stop NST and Settle."""
EXPRESS_REQUESTS = 4
"""admit-run, start-run, and reconcile for a stopped task and for a run that ended badly."""
EXPRESS_GB_S = Fraction(64, 1024) * (2 * 25 + 2 * 60)
"""64 MB each; the first two time out after 25 s, reconcile of one run waits for one task."""
LAMBDA_REQUESTS = 2 + 2 + (7 + 34 + 7) + 2 * 3 + 2
LAMBDA_GB_S = Fraction(256, 1024) * Fraction("0.5") * LAMBDA_REQUESTS
API_REQUESTS = 8
"""budget, runs, run-nst, links, stop, and some again; status queries count by the second."""
LEDGER_BYTES_MAX = 128 * 1024
LEDGER_WRITES, LEDGER_READS = 16, 40
"""With lost races."""
S3_PUTS = 9 + 8 + 3 + LEDGER_WRITES + 3
"""Uploads (a photograph, four styles, four masks); start orders; watch and marks; ledger with lost
races; result, preview, last log."""
S3_GETS = 18 + 60 + 12 + LEDGER_READS + 20
"""Pictures; token; orders and marks; ledger; what a visitor's page reads outside of polling."""
LOG_BYTES = 200_000
RESULT_BYTES = 1024 * 1024 * 3
"""One download of the largest painting, as if PNG could not compress it."""
STORED_BYTES = (5 * 20 + 4 * 2) * 1024 * 1024 + RESULT_BYTES
STORED_DAYS = 7


def _overhead(prices: Prices) -> Fraction:
    gigabyte = 10**9
    return (
        prices.transition * TRANSITIONS
        + prices.express_request * EXPRESS_REQUESTS
        + prices.express_gb_s * EXPRESS_GB_S
        + prices.lambda_request * LAMBDA_REQUESTS
        + prices.lambda_gb_s * LAMBDA_GB_S
        + (prices.api_request + prices.cdn_request) * API_REQUESTS
        + prices.s3_put * S3_PUTS
        + prices.s3_get * S3_GETS
        + prices.logs_gb * Fraction(LOG_BYTES, gigabyte)
        + prices.transfer_gb * Fraction(RESULT_BYTES, gigabyte)
        + prices.s3_gb_month * Fraction(STORED_BYTES, gigabyte) * Fraction(STORED_DAYS, 28)
    )


def _table(prices: Prices) -> Fraction:
    """The ledger's item, as if it were as large as it may become."""
    kib = LEDGER_BYTES_MAX // 1024
    writes = prices.table_write_unit * kib * LEDGER_WRITES
    return writes + prices.table_read_unit * (kib // 4) * LEDGER_READS


PUT_EVERY_S = 2
"""The worker rewrites the event log, and the preview, at most this often."""
POLL_EVERY_S = 2
"""A page reads the event log and a changed preview this often."""
MARK_EVERY_S = 10
"""Every heartbeat looks for the cancel mark; heartbeats themselves are free."""
STATUS_EVERY_S = 10
"""A page asks GET /api/runs/{run_id} this often."""
PREVIEW_BYTES = 100_000
EVENT_BYTES_S = 1_000
"""New lines of the event log in a second; pages read what is new by range."""


def _running_second(prices: Prices) -> Fraction:
    downloaded = Fraction(PREVIEW_BYTES, POLL_EVERY_S) + EVENT_BYTES_S
    return (
        prices.s3_put * Fraction(2, PUT_EVERY_S)
        + prices.s3_get * Fraction(2, POLL_EVERY_S)
        + prices.s3_get * Fraction(1, MARK_EVERY_S)
        + (prices.api_request + prices.cdn_request) * Fraction(1, STATUS_EVERY_S)
        + prices.transfer_gb * downloaded / 10**9
    )
