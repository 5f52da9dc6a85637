"""What strangers can cost us besides runs, when they call as often as the throttles let them.

Runs are the ledger's matter. Everything else has a ceiling, too: the stage's throttles times the
price of a call. List prices, every call as dear as it can be, all month, through the CDN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from system import runs
from system.money import round_up
from system.prices import REGIONS, Prices
from system.settings import UPLOAD_BYTES_DEFAULT

MONTH_S = 31 * 24 * 3600
FUNCTION_S = Fraction("0.5")
FUNCTION_GB = Fraction(256, 1024)
EXPRESS_S = 25
"""The gateway waits no longer for a workflow, and the workflows end by themselves."""
EXPRESS_GB = Fraction(64, 1024)
LOG_BYTES_A_CALL = 3_000
PICTURE_DAYS = 8
"""Seven, and up to one more until the midnight at which S3 deletes."""
CLOSING_S = 300
"""From the request that is one too many until the stage is closed: the metric, the minute in which
the alarm is looked at, the event and the workflow; generously."""
S3_WRITES_MAX_PER_S = 3_500
"""S3's own limit for one prefix; one form can be posted again and again until it expires.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
"""


@dataclass(frozen=True)
class Use:
    """What one call of the API uses at most, and how many pictures it lets a stranger upload."""

    functions: int = 0
    workflows: int = 0
    s3_gets: int = 0
    s3_puts: int = 0
    uploads: int = 0


CALLS: Mapping[str, Use] = {
    "GET /api/budget": Use(functions=1, s3_gets=1),
    "POST /api/upload-urls": Use(functions=1, uploads=1),
    "POST /api/runs": Use(functions=2, workflows=1, s3_gets=1, uploads=1 + runs.STYLES_MAX),
    # Retries included: what the ledger refuses, or what it accepts, costs this besides the run.
    "POST /api/run-nst": Use(functions=5, workflows=1, s3_gets=5 + 12, s3_puts=12),
    "GET /api/runs/{run_id}": Use(),
    "POST /api/runs/{run_id}/links": Use(functions=1, s3_gets=2),
    "POST /api/runs/{run_id}/stop": Use(functions=1, s3_gets=4, s3_puts=2),
}
"""Every call of the contract without options."""
LIVE_CALLS: Mapping[str, Use] = {"GET /api/runs/{run_id}/events": Use(s3_gets=1)}
"""The calls that live events add; a streamed answer of up to 10 MB is one request."""


def call_cost(prices: Prices, use: Use) -> Fraction:
    """Dollars for one call, without what is uploaded by its leave."""
    function = prices.lambda_request + prices.lambda_gb_s * FUNCTION_GB * FUNCTION_S
    workflow = prices.express_request + prices.express_gb_s * EXPRESS_GB * EXPRESS_S
    logs = prices.logs_gb * Fraction(LOG_BYTES_A_CALL, 10**9)
    return (
        prices.api_request
        + prices.cdn_request
        + function * use.functions
        + workflow * use.workflows
        + prices.s3_get * use.s3_gets
        + prices.s3_put * use.s3_puts
        + logs
    )


def rate_per_s(throttle: Mapping[str, Mapping[str, Any]], call: str) -> Fraction:
    """Calls a second that the stage lets through: a method's own limit, or the default of each."""
    return Fraction(throttle.get(call, throttle["default"])["rate_per_s"])


def monthly_microusd(
    region: str,
    throttle: Mapping[str, Mapping[str, Any]],
    calls: Mapping[str, Use] = CALLS,
) -> dict[str, int]:
    """What a flood of each call costs in a month of 31 days, and what its uploads do.

    ``uploads``: each form used once, for the largest picture. ``storage``: these pictures, until
    they expire. Raises KeyError for a region without prices.
    """
    prices = REGIONS[region]
    found = {}
    pictures = Fraction(0)
    for call, use in calls.items():
        rate = rate_per_s(throttle, call)
        found[call] = round_up(call_cost(prices, use) * rate * MONTH_S)
        pictures += rate * use.uploads
    stored_gb = pictures * PICTURE_DAYS * 86_400 * Fraction(UPLOAD_BYTES_DEFAULT, 10**9)
    found["uploads"] = round_up(pictures * prices.s3_put * MONTH_S)
    found["storage"] = round_up(stored_gb * prices.s3_gb_month * Fraction(31, 28))
    return found


def closed_monthly_microusd(
    region: str, throttle: Mapping[str, Mapping[str, Any]], requests_per_day: int
) -> dict[str, int]:
    """The same month, when the API closes after so many requests in any 24 hours.

    Each request is the dearest of its kind; ``CLOSING_S`` more seconds of a flood get through
    before the gate has closed. What is refused then costs nothing, neither at API Gateway
    (https://aws.amazon.com/api-gateway/pricing/: throttled requests are not charged) nor behind it.
    """
    prices = REGIONS[region]
    days = Fraction(MONTH_S, 86_400)
    rates = {call: rate_per_s(throttle, call) for call in CALLS}
    costs = {call: call_cost(prices, use) for call, use in CALLS.items()}
    late = sum(costs[call] * rates[call] * CLOSING_S for call in CALLS)
    calls = (max(costs.values()) * requests_per_day + late) * days
    pictures = max(use.uploads for use in CALLS.values()) * requests_per_day + sum(
        use.uploads * rates[call] * CLOSING_S for call, use in CALLS.items()
    )
    stored_gb = pictures * PICTURE_DAYS * Fraction(UPLOAD_BYTES_DEFAULT, 10**9)
    return {
        "calls": round_up(calls),
        "uploads": round_up(pictures * days * prices.s3_put),
        "storage": round_up(stored_gb * prices.s3_gb_month * Fraction(31, 28)),
    }


def unthrottled_microusd(region: str) -> dict[str, int]:
    """What nothing of ours throttles: an hour of replayed forms, a million CDN requests, a GB read.

    Replays overwrite one object, so they cost requests and no storage.
    """
    prices = REGIONS[region]
    return {
        "an hour of replays of one form": round_up(prices.s3_put * S3_WRITES_MAX_PER_S * 3_600),
        "a million requests to the CDN": round_up(prices.cdn_request * 10**6),
        "a gigabyte read": round_up(prices.transfer_gb),
    }
