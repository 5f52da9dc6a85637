"""How many runs a second the real workflow and functions live on virtual time, in one process.

``python -m benchmarks.simulation [--runs N]`` prints and writes the section ``simulation``. Seconds
are those of the processor (one core), so that a busy machine does not change the figure much.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import time
from dataclasses import dataclass

from benchmarks.machine import machine, write_section
from emulator.core.virtual_clock import run
from emulator.simulation.control_plane import ControlPlane
from emulator.simulation.habits import Habits
from emulator.simulation.pace import INSTANT
from emulator.simulation.plan import draw
from emulator.simulation.play import control_plane, play, settle_memory
from emulator.simulation.visitors import STYLE
from emulator.simulation.world import World, until
from system import prices, runs

AT_ONCE = 16
"""More tasks at once are refused for want of capacity, and are tried again."""
LIMITS = {
    "action": "set_limit",
    "limit_microusd": 10**12,
    "runs_in_flight_max": 100,
    "spend_per_day_max_microusd": 10**12,
}
PAINTS_AT_ONCE = Habits(
    startup_s=(0.0, 0.0), refused=0.0, failed=0.0, hung=0.0, share_of_deadline=(0.05, 0.05)
)


@dataclass(frozen=True)
class Lived:
    """What was measured."""

    runs: int
    cpu_s: float

    @property
    def rate(self) -> float:
        """Runs a second of one core."""
        return self.runs / self.cpu_s


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=48, help="executions of run-nst a round")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=100, help="simulated worlds")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    control = control_plane()
    executions(control, AT_ONCE)  # loads, compiles and fills caches
    settle_memory()
    rounds = [executions(control, given.runs) for _ in range(given.rounds)]
    worlds = simulated(given.seeds)
    rates = [r.rate for r in rounds]
    executed = (
        "complete `run-nst` executions a second: reserve, start, report, watch, result, stop, "
        "settle, with in-process functions and a stub task (median of "
        f"{given.rounds} x {given.runs}, best {max(rates):.0f})"
    )
    worlds_lived = (
        "simulated runs a minute and core, with visitors, faults, reconcile, bill and invariants "
        f"(seeds 0 to {given.seeds - 1}: {worlds.runs} runs)"
    )
    rows = [
        "| | measured | target |",
        "|---|---|---|",
        f"| {executed} | {statistics.median(rates):.0f} | 200 |",
        f"| {worlds_lived} | {worlds.rate * 60:,.0f} | 2,000 |",
    ]
    text = "\n".join([*rows, "", f"{machine()}; seconds of one core's time."])
    print(text)
    write_section("simulation", text)


def executions(control: ControlPlane, count: int) -> Lived:
    """Complete executions of run-nst in a fresh world whose calls take no time."""

    async def scene() -> Lived:
        world = World(control, 1, pace=INSTANT, habits=PAINTS_AT_ONCE, events=False)
        async with world:
            await world.invoke("update_budget", LIMITS)
            await _put(world, f"gallery/{STYLE}.jpg")
            began = time.process_time()
            for _ in range(0, count, AT_ONCE):
                await asyncio.gather(*(_one(world) for _ in range(AT_ONCE)))
            return Lived(count, time.process_time() - began)

    return run(scene)


async def _one(world: World) -> None:
    run_id = world.token_hex(16)
    await _put(world, runs.content_key(run_id))
    params = runs.RunParams.parse({"quality": "draft", "size": 256})
    rate = prices.rates(region="us-east-1", architecture="X86_64", cpu_units=2048, memory_mib=4096)
    ceiling = prices.run_ceiling_microusd(rate, 30)
    given = runs.run_input(
        run_id, [runs.Style(STYLE)], params, deadline_s=30, ceiling_microusd=ceiling
    )
    reserve = {"action": "reserve", "digest": given["digest"], "ceiling_microusd": ceiling}
    await world.invoke("update_budget", {**reserve, "run_id": run_id})
    started = await world.call(
        "states",
        "StartExecution",
        stateMachineArn=world.values["run_nst_arn"],
        name=run_id,
        input=json.dumps(given),
    )

    async def over() -> bool:
        found = await world.call(
            "states", "DescribeExecution", executionArn=started["executionArn"]
        )
        if found["status"] not in {"RUNNING", "SUCCEEDED"}:
            raise SystemExit(f"a run did not succeed: {found.get('cause')}")
        return str(found["status"]) == "SUCCEEDED"

    if not await until(world.clock, over, 600.0):
        raise SystemExit("a run did not end")


async def _put(world: World, key: str) -> None:
    bucket = world.values["storage_bucket"]
    await world.call("s3", "PutObject", Bucket=bucket, Key=key, Body=b"a picture")


def simulated(seeds: int) -> Lived:
    """Whole worlds with all that the simulation does."""
    play(draw(0))
    began = time.process_time()
    lived = [play(draw(seed)) for seed in range(seeds)]
    spent = time.process_time() - began
    failed = [report.plan.seed for report in lived if report.violations]
    if failed:
        raise SystemExit(f"seeds {failed} fail; what they measure means nothing")
    return Lived(sum(report.runs for report in lived), spent)


if __name__ == "__main__":
    main()
