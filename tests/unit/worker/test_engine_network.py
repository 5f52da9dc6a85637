"""The perceptual network: which precision it is computed in."""

from __future__ import annotations

import itertools

import pytest
import torch

from worker.engine import network


class Stopwatch:
    """A clock on which every other reading is ``taken`` seconds after the one before."""

    def __init__(self, taken: list[float]) -> None:
        self._steps = itertools.chain.from_iterable((0.0, seconds) for seconds in taken)
        self._now = 0.0

    def thread_time(self) -> float:
        self._now += next(self._steps)
        return self._now


@pytest.mark.parametrize("busy", range(network._PROBE_ROUNDS - 1))
def test_a_busy_moment_does_not_choose_the_precision(
    monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    """All rounds but one are measured while others have the processor, by turns."""
    rounds = []
    for number in range(network._PROBE_ROUNDS):
        wide, narrow = (20.0, 10.0) if number == busy else (25.0, 90.0)
        rounds += [wide, narrow]
    monkeypatch.setattr(network, "time", Stopwatch(rounds))
    seconds = network._probe((torch.float32, torch.bfloat16))
    assert seconds == {torch.float32: 20.0, torch.bfloat16: 10.0}


def test_the_probe_leaves_the_number_of_threads_as_it_was() -> None:
    threads = torch.get_num_threads()
    network._probe((torch.float32,))
    assert torch.get_num_threads() == threads


def test_the_choice_is_made_once_and_is_one_of_the_two() -> None:
    assert network.fastest_dtype() is network.fastest_dtype()
    assert network.fastest_dtype() in {torch.float32, torch.bfloat16}
