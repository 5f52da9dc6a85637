"""The engine as its callers meet it, on pictures so small that it takes no time."""

from __future__ import annotations

import io
import itertools
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from worker.engine import (
    EngineParams,
    ParameterError,
    PictureError,
    Progress,
    Stopped,
    evaluations,
    memory,
    predict_cpu_seconds,
    stylize,
)
from worker.engine.params import COLOURS, QUALITIES
from worker.engine.schedule import (
    DEEP,
    FINE,
    MIDDLE,
    predict_instant_seconds,
    predict_seconds,
    stages,
)

FLOAT = torch.float32


def picture(seed: int, height: int = 40, width: int = 48) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    smooth = coarse.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32) / 255


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, int]:
    """Height and width, 1 to 5000 px, of 100,000 px at most altogether."""
    longest = draw(st.integers(1, 5000))
    other = draw(st.integers(1, min(longest, max(1, 100_000 // longest))))
    return draw(st.permutations([longest, other]).map(tuple))


@settings(max_examples=10, deadline=None)
# LAPACK did not converge in float32 on the statistics of its styles, with two threads
@example(
    shape=(1, 1),
    size=46,
    strength=0.0,
    colours="style",
    scale=1,
    styles=[(40, 48)] * 2,
    more_mib=None,
)
@example(
    shape=(5000, 1),
    size=70,
    strength=1.0,
    colours="photo",
    scale=2,
    styles=[(1, 5000)],
    more_mib=400,
)
# LAPACK gave eigenvectors that were no numbers, and no error
@example(
    shape=(1, 35), size=57, strength=0.0, colours="photo", scale=2, styles=[(1, 1)], more_mib=None
)
@given(
    shape=shapes(),
    size=st.integers(32, 70),
    strength=st.floats(0, 2),
    colours=st.sampled_from(COLOURS),
    scale=st.floats(0.5, 2),
    styles=st.lists(shapes(), min_size=1, max_size=2),
    more_mib=st.none() | st.integers(400, 4000),
)
def test_any_picture_gives_a_finite_one_of_its_proportions_and_all_progress(  # noqa: PLR0917
    shape, size, strength, colours, scale, styles, more_mib
) -> None:
    params = EngineParams(
        size=size,
        quality="draft",
        strength=strength,
        colours=colours,
        style_scale=scale,
        # the process of a test may hold much already
        memory_mib=more_mib and more_mib + memory.used() // memory.MIB,
    )
    shown = [picture(place + 2, *each) for place, each in enumerate(styles)]
    told: list[Progress] = []
    image = stylize(picture(1, *shape), shown, params, told.append, dtype=FLOAT).image
    height, width = shape
    longest, shortest = max(shape), min(shape)
    assert max(image.shape[:2]) == size
    assert min(image.shape[:2]) == max(1, round(shortest * size / longest))
    assert (image.shape[0] >= image.shape[1]) == (height >= width) or size * shortest >= (
        longest * (size - 1)
    )
    assert np.isfinite(image).all()
    assert 0 <= image.min() <= image.max() <= 1
    assert [each.step for each in told] == list(range(1, evaluations(size, "draft") + 1))
    assert [each.side for each in told] == sorted(each.side for each in told)
    assert told[-1].eta_s == 0 <= min(each.eta_s for each in told)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_same_seed_gives_the_same_picture_and_another_seed_another(dtype) -> None:
    content, style = picture(1), picture(2)

    def painted(seed: int) -> np.ndarray:
        params = EngineParams(size=48, quality="draft", seed=seed)
        return stylize(content, [style], params, dtype=dtype).image

    assert np.array_equal(painted(3), painted(3))
    assert not np.array_equal(painted(3), painted(4))


@cache
def times_asked() -> int:
    """How often a run asks whether it is to stop, if it never is."""
    asked = []
    stylize(
        picture(1), [picture(2)], EngineParams(size=48, quality="draft"),
        should_stop=lambda: bool(asked.append(0)), dtype=FLOAT,
    )  # fmt: skip
    return len(asked)


@settings(max_examples=8, deadline=None)
@example(part=0.0)
@given(part=st.floats(0, 1, exclude_max=True))
def test_a_run_stops_at_any_moment_it_is_asked_to_and_says_no_more(part) -> None:
    asked = 0
    moment = int(part * times_asked())

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > moment

    steps: list[int] = []

    def tell(progress: Progress) -> None:
        assert asked <= moment, "told of a step after the stop"
        steps.append(progress.step)

    with pytest.raises(Stopped) as stopped:
        stylize(
            picture(1), [picture(2)], EngineParams(size=48, quality="draft"), tell, stop,
            dtype=FLOAT,
        )  # fmt: skip
    assert stopped.value.steps == len(steps)
    assert asked == moment + 1


def test_a_run_asks_at_least_ten_times_in_an_evaluation() -> None:
    assert times_asked() > 10 * evaluations(48, "draft")


def test_progress_is_complete_and_in_order_and_can_show_the_picture() -> None:
    told: list[Progress] = []
    previews: list[bytes] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        previews.append(progress.preview())

    params = EngineParams(size=64, quality="draft")
    result = stylize(picture(1), [picture(2)], params, tell, dtype=FLOAT)
    total = evaluations(64, "draft")
    assert [each.step for each in told] == list(range(1, total + 1))
    assert {each.steps_total for each in told} == {total}
    assert result.steps == result.steps_total == total
    assert not result.stopped_early
    assert [each.side for each in told] == sorted(each.side for each in told)
    assert told[-1].eta_s == 0
    assert all(np.isfinite((each.loss, each.style_loss, each.content_loss)).all() for each in told)
    assert all(a.elapsed_s <= b.elapsed_s for a, b in itertools.pairwise(told))
    with Image.open(io.BytesIO(previews[-1])) as shown:
        assert (shown.format, max(shown.size)) == ("JPEG", 64)


def test_at_its_deadline_the_engine_gives_what_it_has() -> None:
    params = EngineParams(size=64, quality="best", deadline_s=1e-9)
    result = stylize(picture(1), [picture(2)], params, dtype=FLOAT)
    assert result.stopped_early
    assert result.steps == 0
    assert max(result.image.shape) == 64


def test_painting_halves_the_distance_to_the_style() -> None:
    told: list[Progress] = []
    params = EngineParams(size=64, quality="best", strength=2.0)
    stylize(picture(1), [picture(2)], params, told.append, dtype=FLOAT)
    assert told[-1].style_loss < told[0].style_loss / 2


def test_kept_colours_are_the_content_s() -> None:
    grey = np.repeat(picture(1)[..., :1], 3, axis=2)
    params = EngineParams(size=48, quality="draft", colours="photo")
    image = stylize(grey, [picture(2)], params, dtype=FLOAT).image
    assert np.abs(image - image.mean(axis=2, keepdims=True)).max() < 0.02


def test_less_strength_keeps_more_of_the_drawing() -> None:
    content, style = picture(1), picture(2)

    def away(strength: float) -> float:
        params = EngineParams(size=48, quality="good", strength=strength)
        told: list[Progress] = []
        stylize(content, [style], params, told.append, dtype=FLOAT)
        return told[-1].style_loss

    assert away(2.0) < away(0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 31}, {"size": 4097}, {"quality": "perfect"}, {"strength": -0.1},
        {"strength": 2.1}, {"strength": float("nan")}, {"seed": -1}, {"seed": 2**32},
        {"deadline_s": 0}, {"colours": "mine"}, {"style_scale": 0.49}, {"style_scale": 2.01},
        {"style_scale": float("nan")}, {"style_weights": (0.0,)}, {"memory_mib": 511},
        {"style_weights": (float("inf"),)},
    ],
)  # fmt: skip
def test_a_parameter_out_of_its_range_is_refused(wrong) -> None:
    with pytest.raises(ParameterError):
        EngineParams(**wrong)


def test_styles_and_weights_must_agree() -> None:
    with pytest.raises(ParameterError):
        stylize(picture(1), [], EngineParams(size=48))
    with pytest.raises(ParameterError):
        stylize(picture(1), [picture(2)], EngineParams(size=48, style_weights=(1.0, 2.0)))
    with pytest.raises(PictureError):
        stylize(picture(1)[..., 0], [picture(2)], EngineParams(size=48))


@pytest.mark.parametrize("quality", QUALITIES)
@given(size=st.integers(32, 4096))
def test_stages_grow_to_the_size_asked_for(quality, size) -> None:
    found = stages(size, quality)
    sides = [stage.side for stage in found]
    assert sides[-1] == size
    assert sides == sorted(set(sides))
    assert all(stage.evaluations >= 1 for stage in found)
    between = max(0, len(found) - 2)
    seen = [stage.deepest for stage in found]
    assert seen == ([DEEP] + [MIDDLE] * between + [FINE])[: len(found)]
    steps = [after / before for before, after in itertools.pairwise(sides)]
    assert all(1.25 < step < 2 for step in steps)
    assert evaluations(size, quality) == sum(stage.evaluations for stage in found)


def test_more_pixels_and_better_quality_are_predicted_to_cost_more() -> None:
    for size in (128, 256, 512, 1024):
        costs = [predict_cpu_seconds(size, quality) for quality in QUALITIES]
        assert costs == sorted(costs)
        assert all(predict_cpu_seconds(size, q, bf16=True) < predict_cpu_seconds(size, q)
                   for q in QUALITIES)  # fmt: skip
        assert predict_cpu_seconds(2 * size, "good") > predict_cpu_seconds(size, "good")


@pytest.mark.parametrize("quality", QUALITIES)
def test_more_threads_save_time_but_not_that_of_eigenvalues(quality) -> None:
    for size in (128, 512, 1024):
        one, two, four = (predict_seconds(size, quality, threads=n) for n in (1, 2, 4))
        assert one == predict_cpu_seconds(size, quality)
        assert one / 2 < two < one
        assert four > one / 4
        assert one - two == pytest.approx(2 * (two - four))
    assert predict_instant_seconds(512, threads=2) < predict_seconds(512, "draft", threads=2) / 10
