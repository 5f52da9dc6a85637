"""Concurrency limits: of the account in a region, and what functions have reserved of it.

Source: AWS's page "Understanding Lambda function scaling".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from emulator.core.errors import AwsError
from emulator.functions.definition import Found

Share = tuple[str, ...]


class Concurrency:
    """Counts executions under way."""

    def __init__(self, account_max: int) -> None:
        self._account_max = account_max
        self._under_way: Counter[Share] = Counter()

    def enter(self, found: Found) -> Callable[[], None]:
        """Count one execution; what is returned ends it.

        Raises TooManyRequestsException (429) when there is no room.
        """
        function = found.function
        share: Share = (function.account, function.region)
        room = self._account_max - found.reserved_by_all
        reason = "ConcurrentInvocationLimitExceeded"
        if found.reserved is not None:
            # All versions of a function share what it has reserved.
            share, room = (*share, function.name), found.reserved
            reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
        if self._under_way[share] >= room:
            raise AwsError(
                "TooManyRequestsException",
                "Rate Exceeded.",
                429,
                {"Reason": reason, "Type": "User"},
            )
        self._under_way[share] += 1

        def leave() -> None:
            self._under_way[share] -= 1

        return leave
