"""Instant paintings, by the real networks, on pictures so small that it takes no time."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from worker.engine import (
    EngineParams,
    ParameterError,
    PictureError,
    Progress,
    Stopped,
    WeightsError,
    decode,
    instant,
    stylize,
)
from worker.engine.params import COLOURS, SIZE_MAX
from worker.engine.raster import LUMA

ROOT = Path(__file__).resolve().parents[3]


def picture(seed: int, height: int = 60, width: int = 80) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    smooth = coarse.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32) / 255


CONTENT, STYLE, OTHER = picture(1), picture(2), picture(3)


def painted(content=CONTENT, styles=(STYLE,), size=64, **how) -> np.ndarray:
    return stylize(content, styles, EngineParams(algorithm="instant", size=size, **how)).image


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(1, 5000),
    width=st.integers(1, 5000),
    size=st.integers(32, 96),
    strength=st.floats(0, 2),
    colours=st.sampled_from(COLOURS),
    scale=st.floats(0.5, 2),
)
@example(height=1, width=1, size=32, strength=1, colours="style", scale=2)
@example(height=1, width=5000, size=96, strength=1, colours="style", scale=2)
@example(height=5000, width=1, size=33, strength=2, colours="photo", scale=0.5)
def test_any_picture_gives_a_finite_one_of_its_proportions(  # noqa: PLR0917 - by hypothesis
    height, width, size, strength, colours, scale
) -> None:
    # One row of pixels seen as many: a picture of 5000 px takes no memory.
    row = np.linspace(0, 1, width * 3, dtype=np.float32).reshape(1, width, 3)
    content = np.broadcast_to(row, (height, width, 3))
    style = np.broadcast_to(row[:, ::-1], (width % 50 + 1, width, 3))
    image = painted(content, [style], size, strength=strength, colours=colours, style_scale=scale)
    shortest = max(1, round(min(height, width) * size / max(height, width)))
    assert sorted(image.shape[:2]) == [shortest, size]
    assert (image.shape[0] >= image.shape[1]) == (height >= width) or shortest == size
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert 0 <= image.min() <= image.max() <= 1


def test_the_same_pictures_give_the_same_painting_and_neither_seed_nor_quality_counts() -> None:
    first = painted(seed=1, quality="draft")
    assert np.array_equal(first, painted(seed=1, quality="draft"))
    assert np.array_equal(first, painted(seed=2, quality="best"))


def test_two_threads_paint_what_one_paints() -> None:
    style = instant.Networks(1).style(STYLE)
    content = picture(1, 64, 96)
    one, two = (instant.Networks(threads).paint(content, style) for threads in (1, 2))
    assert np.array_equal(one, two)


def test_a_large_picture_is_painted_like_a_small_one(monkeypatch) -> None:
    """It is computed with less memory, that is all."""
    monkeypatch.setattr(instant, "_loaded", None)
    small = painted()
    monkeypatch.setattr(instant, "_ARENA_PIXELS_MAX", 0)
    assert np.array_equal(painted(), small)


def test_strength_goes_from_the_photograph_to_the_style() -> None:
    photo = decode((ROOT / "web/public/samples/cat.jpg").read_bytes(), side=160)
    style = decode((ROOT / "web/gallery/stained-glass.jpg").read_bytes(), side=160)

    def likeness(strength: float) -> float:
        image = painted(photo, [style], 160, strength=strength)
        return float(np.corrcoef(image.ravel(), photo.ravel())[0, 1])

    alike = [likeness(strength) for strength in (0, 0.5, 1, 2)]
    assert alike[0] > 0.9
    assert alike == sorted(alike, reverse=True)


def test_weights_move_the_painting_between_the_styles() -> None:
    one, other = painted(styles=[STYLE]), painted(styles=[OTHER])
    mixed = painted(styles=[STYLE, OTHER], style_weights=(3, 1))
    assert apart(mixed, one) < apart(mixed, other)
    assert np.array_equal(mixed, painted(styles=[STYLE, OTHER], style_weights=(0.75, 0.25)))
    even = painted(styles=[STYLE, STYLE])
    assert apart(even, one) < 1e-5


def test_kept_colours_are_the_content_s() -> None:
    grey = np.repeat(picture(1)[..., :1], 3, axis=2)
    kept = painted(grey, colours="photo")
    assert np.ptp(kept, axis=2).max() < 1e-5
    assert np.ptp(painted(grey), axis=2).max() > 0.05


def repeats(image: np.ndarray) -> float:
    """How far what repeats every 4 or 2 px stands out of what repeats nearly so: about 2 by chance.

    Of the mean spectrum of squares of 64 px, in logarithms: a photograph's edges come and go.
    """
    light, window = image.mean(2), np.outer(np.hanning(64), np.hanning(64))
    rows, columns = (range(0, side - 63, 32) for side in light.shape)
    squares = [light[y : y + 64, x : x + 64] for y in rows for x in columns]
    waves = [np.abs(np.fft.fft2((square - square.mean()) * window)) ** 2 for square in squares]
    power = np.mean(np.log(np.array(waves) + 1e-9), axis=0)
    around = [(y, x) for y in range(-5, 6) for x in range(-5, 6) if max(abs(y), abs(x)) >= 3]
    grid = [(y, x) for y in range(0, 64, 16) for x in range(0, 64, 16) if (y, x) != (0, 0)]
    near = [np.median([power[(y + dy) % 64, (x + dx) % 64] for dy, dx in around]) for y, x in grid]
    return float(np.exp(max(power[place] - other for place, other in zip(grid, near, strict=True))))


def test_the_network_s_grid_is_not_in_the_painting(monkeypatch) -> None:
    photo = decode((ROOT / "web/public/samples/cat.jpg").read_bytes(), side=256)
    style = decode((ROOT / "web/gallery/ink-wash.jpg").read_bytes(), side=256)
    assert repeats(painted(photo, [style], 256)) < 3
    monkeypatch.setattr(instant, "SHIFTS", ((0, 0),))
    monkeypatch.setattr(instant, "_filtered", lambda image: image)
    assert repeats(painted(photo, [style], 256)) > 6, "one pass has it, so it can be seen"


def test_fine_colours_are_calm_and_light_is_as_the_network_paints_it(monkeypatch) -> None:
    """What is fine: the difference to the mean of squares of 8 px."""

    def fine_colours(image: np.ndarray) -> float:
        colours = image - (image @ np.float32(LUMA))[..., None]
        squares = colours.reshape(21, 8, 32, 8, 3)
        return float(np.square(squares - squares.mean((1, 3), keepdims=True)).mean())

    photo = decode((ROOT / "web/public/samples/cat.jpg").read_bytes(), side=256)[:168]
    style = decode((ROOT / "web/gallery/stained-glass.jpg").read_bytes(), side=256)
    calm = painted(photo, [style], 256)
    monkeypatch.setattr(instant, "_calmed", lambda image: image)
    plain = painted(photo, [style], 256)
    assert calm.shape == plain.shape == (168, 256, 3)
    assert fine_colours(calm) < fine_colours(plain) / 3
    within = np.all((calm > 0) & (calm < 1), axis=2)  # elsewhere colours were cut
    assert within.mean() > 0.5
    assert np.abs((calm - plain) @ np.float32(LUMA))[within].max() < 1e-5
    assert apart(calm.mean((0, 1)), plain.mean((0, 1))) < 0.02


def test_progress_is_told_after_every_pass_with_a_preview() -> None:
    seen: list[Progress] = []
    stylize(CONTENT, [STYLE], EngineParams(algorithm="instant", size=80), seen.append)
    assert [told.step for told in seen] == [1, 2, 3, 4]
    assert {(told.steps_total, told.side, told.loss) for told in seen} == {(4, 80, 0.0)}
    assert seen[-1].eta_s == 0
    assert Image.open(io.BytesIO(seen[0].preview())).size == (80, 60)


@pytest.mark.parametrize("passes", [0, 1, 3])
def test_a_run_stops_between_passes_when_it_is_asked_to(passes) -> None:
    told: list[Progress] = []
    params = EngineParams(algorithm="instant", size=64)
    with pytest.raises(Stopped) as stopped:
        stylize(CONTENT, [STYLE], params, told.append, lambda: len(told) >= passes)
    assert stopped.value.steps == passes == len(told)


def test_a_pass_under_way_is_broken_off(monkeypatch) -> None:
    """A large pass takes seconds; whoever stops it must not wait for its end."""
    begun = threading.Event()
    paint = instant.Networks.paint

    def long(networks, shown, style, options):
        begun.set()
        while True:  # until a pass is broken off, which raises
            paint(networks, shown, style, options)

    monkeypatch.setattr(instant.Networks, "paint", long)
    with pytest.raises(Stopped):
        stylize(
            CONTENT,
            [STYLE],
            EngineParams(algorithm="instant", size=64),
            should_stop=begun.is_set,
        )


def test_at_the_deadline_the_picture_so_far_is_given() -> None:
    params = EngineParams(algorithm="instant", size=80, deadline_s=1e-9)
    result = stylize(CONTENT, [STYLE], params)
    assert (result.stopped_early, result.steps, result.steps_total) == (True, 1, 4)
    assert apart(result.image, painted(size=80)) < apart(result.image, CONTENT) / 2


def test_what_cannot_be_painted_is_refused() -> None:
    with pytest.raises(ParameterError, match="1 to 4 style pictures"):
        painted(styles=[])
    with pytest.raises(PictureError, match="H, W, 3"):
        painted(CONTENT[..., 0])
    with pytest.raises(ParameterError, match="algorithm is one of painted, instant"):
        EngineParams(algorithm="magic")
    with pytest.raises(ParameterError, match=f"{SIZE_MAX} px"):
        EngineParams(algorithm="instant", size=SIZE_MAX + 1)
    with pytest.raises(ParameterError, match="float32"):
        stylize(CONTENT, [STYLE], EngineParams(algorithm="instant"), dtype="bfloat16")


def test_a_missing_network_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(instant, "WEIGHTS", tmp_path)
    with pytest.raises(WeightsError, match=r"magenta_style_predictor\.onnx"):
        instant.Networks(1)


def test_an_instant_painting_loads_no_torch() -> None:
    """PyTorch takes longer to load than the painting takes altogether."""
    program = (
        "import sys, numpy as np\n"
        "from worker.engine import EngineParams, stylize\n"
        "grey = np.full((40, 40, 3), 0.5, np.float32)\n"
        "stylize(grey, [grey], EngineParams(algorithm='instant', size=40, colours='palette'))\n"
        "print([name for name in ('torch', 'onnxruntime') if name in sys.modules])\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert said.stdout.strip() == "['onnxruntime']"


def test_nothing_reports_to_anybody() -> None:
    """Some releases of onnxruntime send events of their use: not from a visitor's pictures."""
    import onnxruntime  # noqa: PLC0415

    libraries = list(Path(onnxruntime.__file__).parent.glob("capi/*.so"))
    assert libraries
    for library in libraries:
        data = library.read_bytes()
        assert b"events.data.microsoft" not in data
        assert b"ORT_DISABLE_TELEMETRY" not in data


def test_the_notice_names_the_networks_as_they_are() -> None:
    import hashlib  # noqa: PLC0415

    notice = (instant.WEIGHTS / "NOTICE").read_text(encoding="utf-8")
    for path in instant.WEIGHTS.glob("*.onnx"):
        data = path.read_bytes()
        assert path.name in notice
        assert hashlib.sha256(data).hexdigest() in notice
        assert str(len(data)) in notice
    assert f"onnxruntime=={version('onnxruntime')}" in (ROOT / "constraints.txt").read_text()
