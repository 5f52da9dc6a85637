"""Memory is planned before a painting begins, and the plan holds."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from worker.engine import EngineParams, ParameterError, memory, schedule, stylize
from worker.engine.memory import MIB, plan
from worker.engine.objective import layers_of
from worker.engine.schedule import DEEP, FINE, MIDDLE

ROOT = Path(__file__).resolve().parents[3]
SIDES = st.integers(301, 4096)
FORMATS = st.sampled_from([torch.float32, torch.bfloat16])


@given(height=SIDES, width=SIDES, evaluations=st.integers(1, 40), dtype=FORMATS,
       bound=st.integers(0, 4000))  # fmt: skip
def test_a_plan_is_within_the_bound_or_the_least_there_is(
    height, width, evaluations, dtype, bound
) -> None:
    size, layers = (height, width), layers_of(MIDDLE)
    found = plan(layers, size, evaluations, dtype, bound * MIB)
    least = plan(layers, size, evaluations, dtype, 0)
    assert found.bytes <= bound * MIB or found == least
    assert least.bytes <= found.bytes
    assert found.rows <= height
    assert found.sparing == (2 * found.bytes > bound * MIB)


@pytest.mark.parametrize("side", [1024, 2048, 4096])
def test_more_memory_never_makes_a_painting_slower(side) -> None:
    bounds = [bound * MIB for bound in range(200, 12_000, 200)]
    plans = [plan(layers_of(MIDDLE), (side, side), 12, torch.bfloat16, bound) for bound in bounds]
    assert [each.rows for each in plans] == sorted(each.rows for each in plans)
    assert plans[0].rows == 256
    assert plans[-1].rows == side


def test_2048_px_fit_in_two_gigabytes_at_once_and_4096_px_in_bands() -> None:
    room = memory.MEMORY_MIB * MIB - 450 * MIB  # what the process and the pictures have
    whole = plan(layers_of(FINE), (2048, 2048), 4, torch.bfloat16, room)
    assert whole.rows == 2048
    assert plan(layers_of(FINE), (4096, 4096), 2, torch.bfloat16, room).rows < 1024


def test_a_bound_that_cannot_be_kept_is_refused_before_painting() -> None:
    grey = np.full((64, 64, 3), 0.5, np.float32)
    told: list[object] = []
    with pytest.raises(ParameterError, match=r"needs \d+ MiB of memory, not 600"):
        stylize(grey, [grey], EngineParams(size=4096, memory_mib=600), told.append,
                dtype=torch.float32)  # fmt: skip
    assert not told


BOUNDED = """
import resource, sys
from pathlib import Path
import numpy as np, torch
from worker.engine import EngineParams, engine, memory, objective, prediction, schedule, stylize

torch.set_num_threads(1)
prediction.rates(torch.float32)
random = np.random.default_rng(0)
content, style = (random.random((512, 640, 3), np.float32) for _ in range(2))
engine.schedule.stages = lambda size, quality: (schedule.Stage(640, 1),)
least = memory.plan(objective.layers_of(schedule.MIDDLE), (512, 640), 1, torch.float32, 0)
assert least.rows == 256
bound = (memory.used() + least.bytes) // memory.MIB + 60
stylize(content, [style], EngineParams(size=640, memory_mib=bound), dtype=torch.float32)
if sys.platform == "darwin":
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20
else:  # where that is at first what the process had that started this one
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    most = int(status["VmHWM"].split()[0]) // 2**10
print(most, bound)
"""


def test_a_painting_in_bands_stays_within_its_bound() -> None:
    """In a process of its own, whose most memory the system counts."""
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    most, bound = map(int, done.stdout.split())
    assert most <= bound


@pytest.mark.parametrize(("room_mib", "sparing"), [(200, True), (4000, False)])
def test_a_painting_near_its_bound_gives_memory_back_before_each_half_of_a_look(
    monkeypatch, room_mib, sparing
) -> None:
    given: list[int] = []
    steps: list[object] = []
    monkeypatch.setattr(memory, "give_back", lambda: given.append(len(steps)))
    stages = schedule.stages(128, "draft")
    needed = plan(layers_of(DEEP), (64, 128), 10, torch.float32, 0).bytes
    bound = (memory.used() + needed) // MIB + room_mib
    grey = np.full((64, 128, 3), 0.5, np.float32)
    stylize(grey, [grey], EngineParams(size=128, quality="draft", memory_mib=bound),
            steps.append, dtype=torch.float32)  # fmt: skip
    looks = sum(stage.evaluations for stage in stages)
    assert len(given) == 1 + (2 * len(stages) + 2 * looks if sparing else 0)


HOLES = """
import torch
from worker.engine import memory

block = 2 * memory.MIB
first = torch.ones(4 * block, dtype=torch.uint8)
del first  # from now on the C library takes what is smaller from its heap
blocks = [torch.ones(block, dtype=torch.uint8) for _ in range(100)]
kept = blocks[9::10]
del blocks
before = memory.used()
memory.give_back()
assert all(bool((each == 1).all()) for each in kept)
print((before - memory.used()) // memory.MIB)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not the GNU C library")
def test_memory_between_blocks_in_use_is_given_back_to_the_system() -> None:
    """180 MiB of 200 are free, but not at the heap's end: it was kept, and 2048 px took 2.7 GiB."""
    done = subprocess.run(
        [sys.executable, "-c", HOLES], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 150


def test_without_the_gnu_library_nothing_is_given_back_and_nothing_breaks(monkeypatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    memory._trim.cache_clear()
    try:
        memory.give_back()
    finally:
        memory._trim.cache_clear()
