"""The prediction counts: what is looked at more often or is larger costs as much more.

How near it is to the seconds a run takes is measured by ``python -m benchmarks.nst.prediction``.
"""

from __future__ import annotations

import pytest
import torch

from worker.engine import EngineParams, Progress, stylize
from worker.engine.network import network
from worker.engine.objective import layers_of
from worker.engine.prediction import Forecast, Rates, macs, rates
from worker.engine.schedule import MIDDLE

FLOAT = torch.float32


class Clock:
    """Two seconds pass between two looks at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 2
        return self.now

    process_time = perf_counter


@pytest.fixture
def forecast(monkeypatch: pytest.MonkeyPatch) -> Forecast:
    monkeypatch.setattr(
        "worker.engine.prediction.rates", lambda dtype: Rates(macs=1e11, eigen_s=0.03)
    )
    return Forecast(network(FLOAT))


def test_multiplications_are_those_of_the_layers() -> None:
    """By hand for conv1_1 and conv1_2: 27 x 64 and 9 x 64 x 64 a pixel, and 64 x 64 of moments."""
    net = network(FLOAT)
    assert macs(net, ["relu1_1"]) == 27 * 64 + 64 * 64
    assert macs(net, ["relu1_1", "relu1_2"]) == 27 * 64 + 9 * 64 * 64 + 2 * 64 * 64
    assert macs(net, ["relu2_1"]) == 27 * 64 + 9 * 64 * 64 + (9 * 64 * 128 + 128 * 128) / 4


def test_four_times_the_pixels_cost_four_times_as_much(forecast) -> None:
    layers = layers_of(MIDDLE)
    small, large = (
        forecast.stage(layers, (side, side), side, [(side, side)]) for side in (1024, 2048)
    )
    assert large.evaluation.shared_s == pytest.approx(4 * small.evaluation.shared_s, rel=0.02)
    assert large.evaluation.alone_s == small.evaluation.alone_s
    assert large.begin.shared_s == pytest.approx(4 * small.begin.shared_s, rel=0.02)


def test_styles_cost_a_look_each_and_bands_half_an_evaluation(forecast) -> None:
    layers, size = layers_of(MIDDLE), (2048, 2048)
    one, three = (forecast.stage(layers, size, 2048, [size] * count) for count in (1, 3))
    assert three.begin.shared_s == pytest.approx(2 * one.begin.shared_s)
    assert three.evaluation == one.evaluation
    bands = forecast.stage(layers, size, 512, [size])
    assert 1.3 < bands.evaluation.shared_s / one.evaluation.shared_s < 1.6


def test_threads_share_all_but_the_eigenvalues(forecast) -> None:
    cost = forecast.stage(layers_of(MIDDLE), (512, 512), 512, [(512, 512)]).evaluation
    assert cost.seconds(2) == pytest.approx(cost.shared_s / 2 + cost.alone_s)
    assert cost.alone_s < cost.shared_s


def test_the_processor_is_timed_once_and_on_as_many_threads_as_before() -> None:
    threads = torch.get_num_threads()
    found = rates(FLOAT)
    assert rates(FLOAT) is found
    assert found.macs > 0
    assert found.eigen_s > 0
    assert torch.get_num_threads() == threads


def test_what_a_run_has_done_before_it_can_tell_is_part_of_what_it_expects(monkeypatch) -> None:
    """The first painting of a process has to time the processor, too."""
    told: list[Progress] = []
    grey = torch.full((40, 48, 3), 0.5).numpy()
    monkeypatch.setattr("worker.engine.run.time", Clock())
    monkeypatch.setattr("worker.engine.prediction.rates", lambda dtype: Rates(1e12, 0))
    result = stylize(grey, [grey], EngineParams(size=48, quality="draft"), told.append, dtype=FLOAT)
    assert result.predicted_s > 1
    assert told[0].eta_s < 1


def test_a_run_says_what_it_expects_and_ends_with_nothing_left(monkeypatch) -> None:
    """A processor said to take an hour: the first look already sees that this one is faster."""
    monkeypatch.setattr("worker.engine.prediction.rates", lambda dtype: Rates(1e6, 0.03))
    grey = torch.full((40, 48, 3), 0.5).numpy()
    told: list[Progress] = []
    result = stylize(grey, [grey], EngineParams(size=48, quality="draft"), told.append, dtype=FLOAT)
    assert result.predicted_s > 3600
    assert 0 < told[0].eta_s < result.predicted_s
    assert [each.eta_s for each in told] == sorted((each.eta_s for each in told), reverse=True)
    assert told[-1].eta_s == 0
