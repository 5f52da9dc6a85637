"""The perceptual network: what it computes, and in which precision."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file

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


def reference(image: torch.Tensor) -> dict[str, torch.Tensor]:
    """VGG-16 as published, from the file of weights: blue first, 0..255, less the mean; NCHW.

    One departure, which is the engine's own: edges are replicated around the picture.
    """
    stored = load_file(network.WEIGHTS)
    mean = torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)
    hidden = F.pad(255 * image.flip(1) - mean, (1, 1, 1, 1), "replicate")
    found = {}
    for block, convolutions in enumerate((2, 2, 3, 3, 1), 1):
        if block > 1:
            hidden = F.max_pool2d(hidden, 2)
        for number in range(1, convolutions + 1):
            weight, bias = (
                stored[f"conv{block}_{number}.{part}"].float() for part in ("weight", "bias")
            )
            hidden = F.conv2d(hidden, weight, bias, padding=0 if (block, number) == (1, 1) else 1)
            hidden = found[f"relu{block}_{number}"] = hidden.clamp(min=0)
    return found


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.03)])
def test_the_network_sees_what_the_reference_sees(dtype, tolerance) -> None:
    """Eleven layers, each of which rounds to 1 in 256 in bfloat16."""
    image = torch.rand(1, 3, 75, 58, generator=torch.Generator().manual_seed(1))
    expected = reference(image)
    found = network.network(dtype)(image, network.LAYERS)
    assert list(expected) == list(network.LAYERS)
    for layer, seen in found.items():
        apart = (seen.float() - expected[layer]).norm() / expected[layer].norm()
        assert float(apart) < tolerance, layer
