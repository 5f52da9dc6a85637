"""Virtual time: an event loop whose time jumps to the next timer when nothing can run.

`run` runs a coroutine function on such a loop, and `VirtualClock` reads its time. A wait of thirty
days takes as long as the work around it. The order of events is the order of their times; of
what is ready at one time, a seed draws the order, and the same seed draws the same one.

Work in threads (``run_in_executor``) counts as something that can run: time stands still until it
is done, or waits for the loop (`VirtualLoop.call_from_thread`). Threads that work at the same time
come back in an order that no seed draws: let one work at a time where histories must be equal.
Processes have a time of their own, so virtual time is not for them.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import random
import selectors
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

EPOCH = 1_767_225_600.0
"""2026-01-01T00:00:00Z, when virtual time begins."""

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")
_Call = tuple[Callable[..., object], tuple[Any, ...], contextvars.Context]


_NOTHING: _Call = (lambda: None, (), contextvars.Context())


class _Instant:
    """The timers that are due at one time, in the order in which they were armed."""

    __slots__ = ("_drop", "alarm", "armed", "timers")

    def __init__(self, alarm: asyncio.TimerHandle, drop: Callable[[float], object]) -> None:
        self._drop = drop
        self.alarm = alarm
        self.armed = 0
        self.timers: list[_Timer] = []

    def disarm_one(self) -> None:
        """One of them was called off; for none of them time need not stop."""
        self.armed -= 1
        if self.armed == 0:
            self.alarm.cancel()
            self._drop(self.alarm.when())
            self.timers.clear()

    def take(self) -> list[_Timer]:
        """Its timers, which it does not hold any more: they know it, and a circle is garbage."""
        taken, self.timers = self.timers, []
        return taken


class _Timer(asyncio.TimerHandle):
    """A timer of an instant; once it is due, ``soon`` is the call that follows."""

    __slots__ = ("call", "instant", "soon")

    def __init__(
        self, when: float, call: _Call, loop: asyncio.AbstractEventLoop, instant: _Instant
    ) -> None:
        super().__init__(when, *call[:2], loop, call[2])
        self.call = call
        self.instant = instant
        self.soon: asyncio.Handle | None = None

    def cancel(self) -> None:
        if self.cancelled():
            return
        super().cancel()
        self.call = _NOTHING  # as asyncio's timers do: what was armed may hold the timer
        if self.soon is None:
            self.instant.disarm_one()
        else:
            self.soon.cancel()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only when nothing is ready, and then all at once.

    Tasks that are ready take their turns in the order in which they became so. Timers due at the
    same time fire in the order in which they were armed.
    """

    def __init__(self) -> None:
        self._virtual_now = 0.0
        self._working = 0
        self._instants: dict[float, _Instant] = {}
        self._no_context = contextvars.Context()
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._virtual_now

    @property
    def working(self) -> bool:
        """Whether threads are at work."""
        return self._working > 0

    def jump(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self._virtual_now += seconds

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Have ``callback`` called at ``when``, after what was armed for that time before."""
        instant = self._instants.get(when)
        if instant is None:
            alarm = super().call_at(when, self._ring, when, context=self._no_context)
            instant = self._instants[when] = _Instant(alarm, self._instants.pop)
        call = (callback, args, context or contextvars.copy_context())
        timer = _Timer(when, call, self, instant)
        instant.armed += 1
        instant.timers.append(timer)
        return timer

    def _ring(self, when: float) -> None:
        for timer in self._instants.pop(when).take():
            if not timer.cancelled():
                callback, args, context = timer.call
                timer.soon = self.call_soon(callback, *args, context=context)

    def run_in_executor(
        self,
        executor: concurrent.futures.Executor | None,
        func: Callable[[*Arguments], Result],
        *args: *Arguments,
    ) -> asyncio.Future[Result]:
        """Run ``func`` in a thread; time stands still until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._working += 1
        future.add_done_callback(self._work_done)
        return future

    def call_from_thread(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """For work in a thread: run ``coroutine`` on the loop; gives its result.

        Time may pass meanwhile, as the thread only waits.
        """
        answer: concurrent.futures.Future[Result] = concurrent.futures.Future()

        def settle(task: asyncio.Task[Result]) -> None:
            self._working += 1
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is None:
                answer.set_result(task.result())
            else:
                answer.set_exception(error)

        def begin() -> None:
            self._working -= 1
            self.create_task(coroutine).add_done_callback(settle)

        self.call_soon_threadsafe(begin)
        return answer.result()

    async def shutdown_default_executor(self, *args: Any) -> None:
        """End the threads, which is work of theirs."""
        self._working += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._working -= 1

    def _work_done(self, _future: asyncio.Future[Any]) -> None:
        self._working -= 1


class SeededLoop(VirtualLoop):
    """Each turn goes by chance to one of the tasks that are ready.

    Callbacks that are no tasks keep their order, which asyncio promises them.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 (an order)
        self._turns: list[_Call] = []
        super().__init__()

    def call_soon(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Have ``callback`` called; a task's turn may go to another task that is ready."""
        if not isinstance(getattr(callback, "__self__", None), asyncio.Task):
            return super().call_soon(callback, *args, context=context)
        # Nobody cancels the handle of a task's turn: a task that is cancelled still takes it.
        self._turns.append((callback, args, context or contextvars.copy_context()))
        return super().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        callback, args, context = self._turns.pop(self._chance.randrange(len(self._turns)))
        context.run(callback, *args)


class _JumpingSelector(selectors.SelectSelector):
    """Polls instead of waiting, and has the loop's time jump by what it was to wait."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self._registered = 0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._registered += 1
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self._registered -= 1
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        idle = timeout is None or timeout > 0
        if self._loop.working:
            return super().select(None if idle else 0)
        # The loop's own wake-up pipe is always registered; asking it costs a system call.
        ready = super().select(0) if self._registered > 1 else []
        if ready or not idle:
            return ready
        if timeout is None:
            raise RuntimeError(
                "Virtual time stands still: nothing can run and no timer is armed, "
                "so what is waited for can never come."
            )
        self._loop.jump(timeout)
        return []


class VirtualClock:
    """The emulator's Clock over the running VirtualLoop, which begins at ``epoch``."""

    keeps_real_time = False

    def __init__(self, epoch: float = EPOCH) -> None:
        self._epoch = epoch

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return self._epoch + asyncio.get_running_loop().time()

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Return after ``seconds``."""
        return asyncio.sleep(max(0.0, seconds))

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Arm ``callback`` on the running loop."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), callback)


def run(main: Callable[[], Coroutine[Any, Any, Result]], *, seed: int | None = None) -> Result:
    """Run ``main()`` to its end on virtual time; ``seed`` draws the order of ready tasks.

    Raises RuntimeError when it waits for what can never come.
    """
    factory = VirtualLoop if seed is None else partial(SeededLoop, seed)
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())
