"""Money as integer micro-dollars (``microusd``): a millionth of a US dollar, never a float."""

from __future__ import annotations

import math
import re
from fractions import Fraction

MICROUSD_PER_USD = 1_000_000
MICROUSD_MAX = 1_000_000 * MICROUSD_PER_USD
"""A million dollars: no amount in this system is honestly larger."""

_USD = re.compile(r"\$?([0-9]{1,7})(?:\.([0-9]{1,6}))?")


def display(microusd: int) -> str:
    """An amount for people: ``$9.97``, ``-$0.50``.

    Cents as a rule, rounded down (towards less money), so that nobody is promised a cent that is
    not there; an amount below one cent shows up to six decimals: ``$0.0042``.
    """
    sign = "-" if microusd < 0 else ""
    cent = MICROUSD_PER_USD // 100
    if 0 < abs(microusd) < cent:
        decimals = f"{abs(microusd):06d}".rstrip("0")
        return f"{sign}$0.{decimals}"
    cents = math.floor(microusd / Fraction(cent))
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def parse_usd(text: str) -> int:
    """Dollars as people write them (``10``, ``$0.015``) in micro-dollars.

    Raises ValueError for anything else, and above ``MICROUSD_MAX``.
    """
    found = _USD.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not an amount in dollars such as 10 or 0.25")
    amount = int(found[1]) * MICROUSD_PER_USD + int((found[2] or "").ljust(6, "0"))
    if amount > MICROUSD_MAX:
        raise ValueError(f"{text!r} is more than {display(MICROUSD_MAX)}")
    return amount


def round_up(usd: Fraction) -> int:
    """An exact amount of dollars in whole micro-dollars, rounded up: never less than it costs."""
    return math.ceil(usd * MICROUSD_PER_USD)


def is_amount(value: object) -> bool:
    """Whether a value is an amount of money that may be paid: an integer from 0 to the largest."""
    return type(value) is int and 0 <= value <= MICROUSD_MAX  # and no bool
