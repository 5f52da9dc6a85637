"""Makes a failing plan small: leaves out what is not needed for the same invariant to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from emulator.simulation.plan import Plan, Visit

PLAYS_MAX = 400


def shrink(plan: Plan, failure: str, failure_of: Callable[[Plan], str | None]) -> Plan:
    """A plan with as little in it as may be that fails as ``plan`` does.

    First large parts are left out, then single happenings, then what visitors do besides.
    """
    return _Shrinking(failure, failure_of).shrink(plan)


class _Shrinking:
    def __init__(self, failure: str, failure_of: Callable[[Plan], str | None]) -> None:
        self._failure = failure
        self._failure_of = failure_of
        self._plays = 0

    def shrink(self, plan: Plan) -> Plan:
        size = max(1, len(plan.happenings) // 2)
        while True:
            smaller = self._without_parts(plan, size)
            if len(smaller.happenings) == len(plan.happenings):
                if size == 1:
                    break
                size //= 2
            plan = smaller
        return self._plainer(plan)

    def _without_parts(self, plan: Plan, size: int) -> Plan:
        place = 0
        while place < len(plan.happenings):
            part = range(place, min(place + size, len(plan.happenings)))
            smaller = plan.without(part)
            if self._fails(smaller):
                plan = smaller
            else:
                place += size
        return plan

    def _plainer(self, plan: Plan) -> Plan:
        for place, happening in enumerate(plan.happenings):
            if not isinstance(happening, Visit):
                continue
            for plain in (
                {"again_after": None, "other_input": False},
                {"stop_after": None},
                {"admitted": False},
            ):
                visit = replace(happening, **plain)
                if visit == happening:
                    continue
                changed = list(plan.happenings)
                changed[place] = visit
                smaller = replace(plan, happenings=tuple(changed))
                if self._fails(smaller):
                    plan, happening = smaller, visit  # noqa: PLW2901 (the next one builds on it)
        return plan

    def _fails(self, plan: Plan) -> bool:
        if self._plays >= PLAYS_MAX:
            return False
        self._plays += 1
        return self._failure_of(plan) == self._failure
