"""How a ledger of an older schema becomes one of today's, while runs are open.

A change of the ledger's members or rows raises ``codec.SCHEMA`` by one and adds the step from the
schema before to ``UPGRADES``. Steps are pure and touch the parsed document only. The first write
after the upgrade stores the new schema by the same compare-and-swap as every other write, so that
open reservations go on, and functions of the older version, which may run beside for a while,
refuse the newer schema (they fail closed) and never write over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""From a document of one schema (without its checksum) to one of the next; raises LookupError,
TypeError or ValueError for one that it cannot read."""

UPGRADES: dict[int, Upgrade] = {}
"""Schema -> the step to the next. Schema 1 is the first that was ever stored."""
