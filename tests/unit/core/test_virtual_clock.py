"""Virtual time, and who may have it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from emulator.core.clock import RealClock
from emulator.core.errors import EmulatorError
from emulator.core.virtual_clock import EPOCH, VirtualClock, VirtualLoop, run
from emulator.emulator import Emulator
from emulator.settings import Settings

DAY = 86_400.0


def order_of_turns(seed: int | None, walkers: int = 6, turns: int = 5) -> list[tuple[int, int]]:
    """Who took which turn, of tasks that are ready at the same time."""

    async def main() -> list[tuple[int, int]]:
        taken: list[tuple[int, int]] = []

        async def walk(walker: int) -> None:
            for turn in range(turns):
                taken.append((walker, turn))
                await asyncio.sleep(0)

        await asyncio.gather(*(walk(walker) for walker in range(walkers)))
        return taken

    return run(main, seed=seed)


def test_thirty_days_pass_while_nothing_can_run() -> None:
    async def main() -> tuple[float, float]:
        clock = VirtualClock()
        began = clock.now()
        await clock.sleep(30 * DAY)
        return began, clock.now()

    assert run(main) == (EPOCH, EPOCH + 30 * DAY)


def test_timers_fire_in_the_order_of_their_times_and_at_them() -> None:
    async def main() -> list[tuple[str, float]]:
        clock, fired = VirtualClock(), []
        clock.call_later(7, lambda: fired.append(("late", clock.now() - EPOCH)))
        clock.call_later(3, lambda: fired.append(("early", clock.now() - EPOCH)))
        clock.call_later(5, lambda: fired.append(("never", 0.0))).cancel()
        await clock.sleep(10)
        return fired

    assert run(main) == [("early", 3.0), ("late", 7.0)]


def test_timers_of_one_time_fire_in_the_order_in_which_they_were_armed() -> None:
    async def main() -> list[int]:
        clock, fired = VirtualClock(), []
        timers = [clock.call_later(5, lambda n=n: fired.append(n)) for n in range(50)]
        clock.call_later(1, timers[3].cancel)
        clock.call_later(5, lambda: fired.append(50))
        timers[4].cancel()
        timers[4].cancel()
        await clock.sleep(9)
        return fired

    assert run(main) == [0, 1, 2, *range(5, 51)]


def test_a_timer_can_call_off_another_of_its_time() -> None:
    async def main() -> list[str]:
        clock, fired, others = VirtualClock(), [], []
        clock.call_later(5, lambda: [other.cancel() for other in others])
        others.append(clock.call_later(5, lambda: fired.append("second")))
        clock.call_later(5, lambda: fired.append("third"))
        await clock.sleep(9)
        return fired

    assert run(main) == ["third"]


def test_time_does_not_stop_for_timers_that_were_called_off() -> None:
    async def main() -> None:
        for _ in range(3):
            VirtualClock().call_later(DAY, lambda: None).cancel()
        await asyncio.get_running_loop().create_future()

    async def passed() -> float:
        clock = VirtualClock()
        clock.call_later(DAY, lambda: None).cancel()
        await clock.sleep(1)
        return clock.now()

    assert run(passed) == EPOCH + 1
    with pytest.raises(RuntimeError, match="nothing can run"):
        run(main)


def test_time_stands_still_while_something_can_run() -> None:
    async def main() -> float:
        for _ in range(1_000):
            await asyncio.sleep(0)
        return VirtualClock().now()

    assert run(main) == EPOCH


def test_without_a_seed_tasks_take_turns_in_order() -> None:
    taken = order_of_turns(None, walkers=3, turns=2)
    assert taken == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_draws_the_same_order(seed: int) -> None:
    assert order_of_turns(seed) == order_of_turns(seed)


def test_other_seeds_draw_other_orders_and_each_task_keeps_its_own() -> None:
    orders = {tuple(order_of_turns(seed)) for seed in range(10)}
    assert len(orders) == 10
    for order in orders:
        for walker in range(6):
            assert [turn for who, turn in order if who == walker] == list(range(5))


def test_callbacks_that_are_no_tasks_keep_their_order_under_a_seed() -> None:
    async def main() -> list[int]:
        called: list[int] = []
        for number in range(20):
            asyncio.get_running_loop().call_soon(called.append, number)
        await asyncio.sleep(1)
        return called

    assert run(main, seed=3) == list(range(20))


def test_a_task_that_is_cancelled_under_a_seed_ends() -> None:
    async def main() -> list[str]:
        ended: list[str] = []

        async def work(name: str) -> None:
            try:
                await asyncio.sleep(DAY)
            finally:
                ended.append(name)

        tasks = [asyncio.create_task(work(name)) for name in "abc"]
        await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return sorted(ended)

    assert run(main, seed=1) == ["a", "b", "c"]


def test_waiting_for_what_cannot_come_is_an_error() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing can run and no timer is armed"):
        run(main)


def test_time_waits_for_work_in_threads() -> None:
    async def main() -> list[str]:
        clock, order = VirtualClock(), []
        may_end = threading.Event()

        def work() -> None:
            assert may_end.wait(60)
            order.append("work")

        clock.call_later(1, lambda: order.append("timer"))
        future = asyncio.get_running_loop().run_in_executor(None, work)
        for _ in range(100):
            await asyncio.sleep(0)
        may_end.set()
        await future
        await clock.sleep(2)
        return order

    assert run(main) == ["work", "timer"]


def test_a_thread_that_waits_for_the_loop_lets_time_pass() -> None:
    async def main() -> tuple[str, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)

        async def nap() -> str:
            await VirtualClock().sleep(DAY)
            return "slept"

        found = await loop.run_in_executor(None, lambda: loop.call_from_thread(nap()))
        return found, VirtualClock().now()

    assert run(main) == ("slept", EPOCH + DAY)


def test_an_error_of_the_loop_reaches_the_thread_that_waits() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)

        async def fail() -> None:
            raise KeyError("gone")

        await loop.run_in_executor(None, lambda: loop.call_from_thread(fail()))

    with pytest.raises(KeyError, match="gone"):
        run(main)


@pytest.mark.parametrize("clock", [VirtualClock(), RealClock(scale=10)])
def test_an_emulator_with_processes_refuses_time_that_is_not_real(
    clock: VirtualClock | RealClock,
) -> None:
    with pytest.raises(EmulatorError, match="live by the machine's time"):
        Emulator(Settings(), clock)
