"""Synchronous code on the event loop: where it would block, it switches to the loop and waits.

The code runs in a greenlet; `wait` inside of it hands an awaitable to the coroutine that drives
the greenlet, which awaits it and switches back.
"""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


class _Bridged(greenlet):  # type: ignore[misc]
    """A greenlet that a coroutine drives."""


async def run(fn: Callable[[], T], context: contextvars.Context | None = None) -> T:
    """What ``fn`` returns, run in a greenlet of its own with ``context``.

    ``fn`` may call `wait`. A cancellation reaches it there.
    """
    # The driver may itself run in a greenlet that is not the thread's first.
    child = _Bridged(fn, getcurrent())
    child.gr_context = context if context is not None else contextvars.copy_context()
    awaited: Any = child.switch()
    while not child.dead:
        child.parent = getcurrent()
        try:
            value = await awaited
        except BaseException as error:  # noqa: BLE001 (all of it belongs to the code that waits)
            awaited = child.throw(error)
        else:
            awaited = child.switch(value)
    return awaited  # type: ignore[no-any-return]


def wait(awaitable: Awaitable[T]) -> T:
    """What ``awaitable`` gives, from code that `run` runs; raises RuntimeError elsewhere."""
    current = getcurrent()
    if not isinstance(current, _Bridged) or current.parent is None:
        raise RuntimeError("this code does not run in the bridge")
    result: T = current.parent.switch(awaitable)
    return result
