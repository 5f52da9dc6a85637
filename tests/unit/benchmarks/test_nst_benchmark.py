"""The yardsticks themselves: a wrong one would measure whatever we like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.nst import __main__ as benchmark
from benchmarks.nst import metrics, pictures, sheets, tutorial, yardstick
from benchmarks.nst.measure import Cost, Marks
from benchmarks.nst.paint import TUTORIAL
from benchmarks.nst.pictures import PAIRS
from worker.engine import encode, pyramid


@pytest.fixture(scope="module")
def paintings() -> dict[str, torch.Tensor]:
    return {
        name: pyramid.to_tensor(pictures.style(name, 128)) for name in ("oil-swirls", "ink-wash")
    }


def test_a_picture_has_no_style_error_against_itself(paintings) -> None:
    swirls = paintings["oil-swirls"]
    covariance, wasserstein = metrics.style_errors(swirls, swirls)
    assert covariance == pytest.approx(0, abs=1e-4)
    assert wasserstein == pytest.approx(0, abs=1e-2)
    assert metrics.likeness(swirls, swirls) == pytest.approx(1, abs=1e-4)


def test_style_errors_see_another_style_and_not_a_mirror(paintings) -> None:
    swirls, ink = paintings["oil-swirls"], paintings["ink-wash"]
    other = metrics.style_errors(ink, swirls)
    mirrored = metrics.style_errors(swirls.flip(3), swirls)
    assert all(o > 2 * m for o, m in zip(other, mirrored, strict=True))
    assert metrics.patch_error(ink, swirls) > 2 * metrics.patch_error(swirls.flip(3), swirls)


def test_likeness_falls_with_noise_and_not_with_brightness(paintings) -> None:
    ink = paintings["ink-wash"]
    noise = torch.randn(ink.shape, generator=torch.Generator().manual_seed(0))
    assert metrics.likeness(ink * 0.9, ink) > 0.9
    assert metrics.likeness(ink + 0.2 * noise, ink) < 0.6


def test_the_tutorial_makes_the_steps_asked_for_and_comes_nearer_to_the_style(paintings) -> None:
    content, style = (each[:, :, :64, :64] for each in paintings.values())
    before = metrics.style_errors(content, style)[0]
    image, made = tutorial.stylize(content, style, steps=20)
    assert made == 20
    assert metrics.style_errors(image, style)[0] < before
    assert 0 <= float(image.min()) <= float(image.max()) <= 1


@pytest.fixture
def records(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "yardstick.json"
    monkeypatch.setattr(yardstick, "RECORDS", path)
    return path


def test_a_record_holds_for_its_own_pictures_alone(records, tmp_path) -> None:
    rng = np.random.default_rng(0)
    content, style = (rng.random((48, 64, 3), dtype=np.float32) for _ in range(2))
    painting = tmp_path / "painting.png"
    painting.write_bytes(encode(content))
    cost = Cost(cpu_s=700.0, peak_mib=900, evaluations=300, dtype="float32")
    yardstick.keep(PAIRS[0], content, style, painting, cost)
    known = yardstick.known(PAIRS[0], content, style)
    assert known is not None
    assert known[0] == cost
    assert known[1].likeness == pytest.approx(1, abs=1e-3)
    assert yardstick.known(PAIRS[0], style, content) is None
    assert yardstick.known(PAIRS[1], content, style) is None


def test_marks_are_taken_anew_from_the_same_painting_only(records, tmp_path) -> None:
    rng = np.random.default_rng(0)
    content, style = (rng.random((48, 64, 3), dtype=np.float32) for _ in range(2))
    painting = tmp_path / "painting.png"
    painting.write_bytes(encode(content))
    assert not yardstick.again(PAIRS[0], content, style, painting)
    yardstick.keep(PAIRS[0], content, style, painting, Cost(1.0, 1, 1, "float32"))
    records.write_text(records.read_text().replace('"patch": ', '"patch": 99'))
    assert yardstick.again(PAIRS[0], content, style, painting)
    known = yardstick.known(PAIRS[0], content, style)
    assert known is not None
    assert known[1].patch < 99
    painting.write_bytes(encode(style))
    assert not yardstick.again(PAIRS[0], content, style, painting)


def test_the_committed_records_are_of_pairs_that_are_measured() -> None:
    found = [
        pair
        for pair in PAIRS
        if yardstick.known(pair, pictures.content(pair.content), pictures.style(pair.style))
    ]
    assert len(found) >= 2


def test_the_report_compares_with_the_tutorial_only_where_it_painted() -> None:
    cost = Cost(10.0, 800, 80, "bfloat16")
    good, better = Marks(0.2, 0.1, 3.0, 0.4), Marks(0.1, 0.05, 2.0, 0.5)
    made = [
        benchmark.Painting(PAIRS[0], "good", cost, good),
        benchmark.Painting(PAIRS[0], TUTORIAL, Cost(700.0, 900, 300, "float32"), better),
        benchmark.Painting(PAIRS[1], "good", Cost(30.0, 900, 80, "bfloat16"), better),
    ]
    against, everything = benchmark.report(made).split("**All pairs**")
    assert "| good (bfloat16) | 10.0, 10.0 | 80 | 800 MiB | 0.200 | 0.100 | 3.00 | 0.400 |" in (
        against
    )
    assert "| tutorial (float32) | 700.0, 700.0 | 300 |" in against
    assert "| good (bfloat16) | 20.0, 30.0 | 80 | 900 MiB | 0.150 | 0.075 | 2.50 | 0.450 |" in (
        everything
    )
    assert TUTORIAL not in everything


def test_a_sheet_leaves_room_for_a_picture_that_is_missing(tmp_path) -> None:
    wide, tall = tmp_path / "wide.png", tmp_path / "tall.png"
    Image.new("RGB", (200, 100), (255, 0, 0)).save(wide)
    Image.new("RGB", (50, 100), (0, 0, 255)).save(tall)
    page = sheets.sheet([[wide, None], [tall, wide]], ["a", "b"], side=100)
    assert page.size == (2 * 108 + 8, 50 + 8 + 100 + 8 + 26)
    assert page.getpixel((50, 50)) == (255, 0, 0)
    assert page.getpixel((160, 50)) == (255, 255, 255)
    assert page.getpixel((20, 120)) == (0, 0, 255)
