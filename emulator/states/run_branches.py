"""Parallel and Map states: lanes inside of a lane."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from emulator.states import machine
from emulator.states.compile_fields import unexpected
from emulator.states.documents import dumps
from emulator.states.faults import RUNTIME, QueryFault, StateFault
from emulator.states.interpreter import (
    RUNNERS,
    Outcome,
    conclude,
    limited,
    run_group,
)
from emulator.states.lanes import Lane, Visit
from emulator.states.scopes import View

CONCURRENCY_MAX = 40
"""Iterations of an inline Map that run at the same time at most (AWS's limit)."""

_ABORTABLE = frozenset({"Task", "Wait", "Parallel", "Map"})


async def run_parallel(visit: Visit) -> Outcome:
    """One attempt of a Parallel state."""
    state, lane = visit.state, visit.lane
    if not isinstance(state, machine.ParallelState):
        raise TypeError(state.type)
    view = visit.view()
    data = limited(visit, state.parameters(view)) if state.parameters else view.data
    lane.emit("ParallelStateStarted")
    branches = [lane.branch() for _ in state.branches]
    tasks = [
        asyncio.get_running_loop().create_task(run_group(branch, group, data))
        for branch, group in zip(branches, state.branches, strict=True)
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await _end(tasks)
    failed = _first_failed(tasks)
    if failed is not None:
        lane.previous = branches[failed].previous
        for branch in branches:
            _note_aborted(branch, lane.previous)
        visit.failed_inside = True
        raise _fault(tasks[failed])
    lane.previous = max(branch.previous for branch in branches)
    lane.note("ParallelStateSucceeded", lane.previous)
    return conclude(visit, view, [task.result() for task in tasks])


async def run_map(visit: Visit) -> Outcome:
    """One attempt of a Map state."""
    state, lane = visit.state, visit.lane
    if not isinstance(state, machine.MapState):
        raise TypeError(state.type)
    try:
        view = visit.view()
        items = _items(state, view)
        limit = state.concurrency(view) if state.concurrency else 0
    except QueryFault:
        visit.failed_inside = True
        raise
    limit = min(limit or CONCURRENCY_MAX, CONCURRENCY_MAX)
    lane.emit("MapStateStarted", {"length": len(items)})
    for check in state.thresholds:
        check(view)
    results = await _Iterations(visit, state, view, items).run(limit)
    lane.note("MapStateSucceeded", lane.previous)
    return conclude(visit, view, results)


class _Iterations:
    """The iterations of a Map: started in order, a limited number at a time."""

    def __init__(self, visit: Visit, state: machine.MapState, view: View, items: list[Any]) -> None:
        self._visit = visit
        self._state = state
        self._view = view
        self._items = items
        self._results: list[Any] = [None] * len(items)
        self._active: dict[asyncio.Task[Any], tuple[int, Lane]] = {}

    async def run(self, limit: int) -> list[Any]:
        """Run all; gives the outputs in the order of the items, raises the first fault."""
        lane = self._visit.lane
        started, following = 0, lane.previous
        try:
            while started < len(self._items) or self._active:
                while started < len(self._items) and len(self._active) < limit:
                    self._start(started, following)
                    started += 1
                done, _ = await asyncio.wait(self._active, return_when=asyncio.FIRST_COMPLETED)
                following = self._collect(done)
        finally:
            await _end(list(self._active))
        return self._results

    def _start(self, index: int, following: int) -> None:
        visit, lane = self._visit, self._visit.lane
        inner = lane.branch({"Index": index, "Value": self._items[index]})
        inner.previous = following
        inner.emit("MapIterationStarted", {"name": visit.state.name, "index": index})
        data = self._items[index]
        if self._state.item_selector is not None:
            data = self._state.item_selector(self._item_view(inner))
        task = asyncio.get_running_loop().create_task(run_group(inner, self._state.processor, data))
        self._active[task] = (index, inner)

    def _item_view(self, inner: Lane) -> View:
        def context() -> dict[str, Any]:
            return {**self._visit.context(), "Map": {"Item": inner.item}}

        view = self._view
        return View(view.engine, view.variables, context, view.data, view.states)

    def _collect(self, done: set[asyncio.Task[Any]]) -> int:
        """Take finished iterations in order; gives the event that the next one follows."""
        lane, name = self._visit.lane, self._visit.state.name
        following = lane.previous
        for task in sorted(done, key=lambda t: self._active[t][0]):
            if task.exception() is not None:
                self._fail(task)
            index, inner = self._active.pop(task)
            following = inner.previous
            lane.previous = lane.note(
                "MapIterationSucceeded", following, {"name": name, "index": index}
            )
            self._results[index] = task.result()
        return following

    def _fail(self, task: asyncio.Task[Any]) -> None:
        lane, name = self._visit.lane, self._visit.state.name
        failed, inner = self._active[task]
        lane.previous = inner.previous
        for other, branch in sorted(self._active.values(), key=lambda entry: entry[0] != failed):
            kind = "MapIterationFailed" if other == failed else "MapIterationAborted"
            lane.note(kind, lane.previous, {"name": name, "index": other})
            _note_aborted(branch, lane.previous)
        self._visit.failed_inside = True
        raise _fault(task)


def _items(state: machine.MapState, view: View) -> list[Any]:
    if state.jsonata:
        if state.items is None:
            if not isinstance(view.data, list):
                raise QueryFault(
                    f"Map state input must be an array but was: {dumps(view.data)}", ""
                )
            return view.data
        items = state.items(view)
        if not isinstance(items, list):
            raise unexpected(state.items_expression, "Items", "array", items)
        return items
    items = state.items(view) if state.items else view.data
    if not isinstance(items, list):
        raise StateFault(
            RUNTIME, f'Reference path "{state.items_expression or "$"}" must point to array.'
        )
    return items


def _note_aborted(lane: Lane, following: int) -> None:
    """The state in which a branch was when it ended, if its type has such an event."""
    if lane.state is not None and lane.state.type in _ABORTABLE:
        lane.note(f"{lane.state.type}StateAborted", following)


def _first_failed(tasks: Sequence[asyncio.Task[Any]]) -> int | None:
    for index, task in enumerate(tasks):
        if not task.cancelled() and task.exception() is not None:
            return index
    return None


def _fault(task: asyncio.Task[Any]) -> BaseException:
    error = task.exception()
    return error if error is not None else RuntimeError("a branch ended without an error")


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel what still runs, and wait until it ended."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.gather(*running, return_exceptions=True)


RUNNERS["Parallel"] = run_parallel
RUNNERS["Map"] = run_map
