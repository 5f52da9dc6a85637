"""The yardsticks themselves: a wrong one would measure whatever we like."""

from __future__ import annotations

from importlib import metadata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.nst import __main__ as benchmark
from benchmarks.nst import held_out, measure, metrics, pictures, sheets, tutorial, yardstick
from benchmarks.nst.measure import Cost, Marks
from benchmarks.nst.paint import INSTANT, TUTORIAL, paint
from benchmarks.nst.pictures import PAIRS
from worker.engine import encode, instant, pyramid


@pytest.fixture(scope="module")
def paintings() -> dict[str, torch.Tensor]:
    return {
        name: pyramid.to_tensor(pictures.style(name, 128)) for name in ("oil-swirls", "ink-wash")
    }


def test_a_picture_has_no_errors_against_itself(paintings) -> None:
    swirls = paintings["oil-swirls"]
    seen = metrics.seen_by_vgg(swirls, swirls, swirls)
    assert seen.covariance == pytest.approx(0, abs=1e-4)
    assert seen.gram == pytest.approx(0, abs=1e-4)
    assert seen.wasserstein == pytest.approx(0, abs=1e-2)
    assert seen.content == pytest.approx(0, abs=1e-4)
    assert metrics.likeness(swirls, swirls) == pytest.approx(1, abs=1e-4)


def test_style_errors_see_another_style_and_not_a_mirror(paintings) -> None:
    swirls, ink = paintings["oil-swirls"], paintings["ink-wash"]
    other = metrics.seen_by_vgg(ink, swirls, swirls)
    mirrored = metrics.seen_by_vgg(swirls.flip(3), swirls, swirls)
    for error in ("gram", "covariance", "wasserstein"):
        assert getattr(other, error) > 2 * getattr(mirrored, error)
    assert metrics.patch_error(ink, swirls) > 2 * metrics.patch_error(swirls.flip(3), swirls)


def test_the_content_error_sees_what_the_style_errors_do_not(paintings) -> None:
    swirls = paintings["oil-swirls"]
    mirrored = metrics.seen_by_vgg(swirls.flip(3), swirls, swirls)
    assert mirrored.content > 1
    assert metrics.seen_by_vgg(swirls * 0.98, swirls, swirls).content < 0.1


def test_the_held_out_judge_looks_at_the_last_layer_of_each_block(monkeypatch, paintings) -> None:
    draw = torch.Generator().manual_seed(0)
    sizes = {"block1": [3, 4, 4], "block2": [4, 8, 8], "block3": [8] * 4, "block4": [8] * 4}
    judge = held_out.Trunk(
        {
            block: [
                (torch.randn(n, m, 3, 3, generator=draw) * (2 / (9 * m)) ** 0.5, torch.zeros(n))
                for m, n in pairwise(channels)
            ]
            for block, channels in sizes.items()
        }
    )
    swirls, ink = paintings["oil-swirls"], paintings["ink-wash"]
    found = judge(swirls[..., :65, :80])
    assert set(held_out.LAYERS) == set(found)
    assert found["relu4_3"].shape == (1, 8, 9, 10)
    monkeypatch.setattr(held_out, "trunk", lambda: judge)
    same = metrics.seen_by_held_out(swirls, swirls, swirls)
    assert same.gram == pytest.approx(0, abs=1e-4)
    assert metrics.seen_by_held_out(ink, swirls, swirls).covariance > 0.1
    assert metrics.seen_by_held_out(ink, swirls, swirls).content > 0.1


def test_the_held_out_judge_reads_the_published_weights_only(tmp_path) -> None:
    other = tmp_path / "weights.h5"
    other.write_bytes(b"not the published file")
    with pytest.raises(held_out.Missing, match=r"SHA-256|h5py is not installed"):
        held_out.read(other)


def test_without_the_judges_package_the_marks_are_unknown_and_the_report_says_how_to_get_it(
    monkeypatch, tmp_path
) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(held_out.metadata, "distribution", absent)
    held_out.trunk.cache_clear()
    picture = np.random.default_rng(0).random((48, 64, 3), dtype=np.float32)
    painting = tmp_path / "painting.png"
    painting.write_bytes(encode(picture))
    marks = measure.judge(painting, picture, picture, None)
    assert marks.held_out_gram is marks.held_out_covariance is marks.held_out_content is None
    assert marks.mottling is None
    assert marks.gram == pytest.approx(0, abs=1e-2)
    cost = Cost(10.0, 800, 80, "bfloat16")
    report = benchmark.report([benchmark.Painting(PAIRS[0], "good", cost, marks)])
    assert held_out.HOW in report


def test_mottling_sees_coloured_specks_in_the_face_alone(paintings) -> None:
    photograph = paintings["ink-wash"] * 0.5 + 0.25
    noise = 0.1 * torch.randn(photograph.shape, generator=torch.Generator().manual_seed(0))
    face = (0.25, 0.25, 0.75, 0.75)
    _, _, height, width = photograph.shape
    rows, columns = slice(height // 4, 3 * height // 4), slice(width // 4, 3 * width // 4)
    inside, outside = torch.zeros_like(noise), noise.clone()
    inside[..., rows, columns] = noise[..., rows, columns]
    outside[..., rows, columns] = 0
    assert metrics.mottling(photograph, photograph, face) == pytest.approx(1)
    assert metrics.mottling(photograph + inside, photograph, face) > 2
    assert metrics.mottling(photograph + outside, photograph, face) == pytest.approx(1, abs=0.05)
    grey = inside.mean(1, keepdim=True).expand_as(inside)
    assert metrics.mottling(photograph + grey, photograph, face) == pytest.approx(1, abs=0.05)


def test_likeness_falls_with_noise_and_not_with_brightness(paintings) -> None:
    ink = paintings["ink-wash"]
    noise = torch.randn(ink.shape, generator=torch.Generator().manual_seed(0))
    assert metrics.likeness(ink * 0.9, ink) > 0.9
    assert metrics.likeness(ink + 0.2 * noise, ink) < 0.6


def test_the_tutorial_makes_the_steps_asked_for_and_comes_nearer_to_the_style(paintings) -> None:
    content, style = (each[:, :, :64, :64] for each in paintings.values())
    before = metrics.seen_by_vgg(content, style, content).covariance
    image, made = tutorial.stylize(content, style, steps=20)
    assert made == 20
    assert metrics.seen_by_vgg(image, style, content).covariance < before
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
    good = Marks(0.2, 0.1, 3.0, 0.4, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
    better = Marks(0.1, 0.05, 2.0, 0.5, 0.1, 0.3, 0.4, 0.5, 0.6, None)
    made = [
        benchmark.Painting(PAIRS[0], "good", cost, good),
        benchmark.Painting(PAIRS[0], TUTORIAL, Cost(700.0, 900, 300, "float32"), better),
        benchmark.Painting(PAIRS[1], "good", Cost(30.0, 900, 80, "bfloat16"), better),
    ]
    against, everything = benchmark.report(made).split("**All pairs**")
    assert (
        "| good (bfloat16) | 10.0, 10.0 | 80 | 800 MiB | 0.300 | 0.200 | 0.100 | 0.500 "
        "| 0.600 | 0.700 | 0.800 | 3.000 | 0.400 | 0.900 |"
    ) in against
    assert "| tutorial (float32) | 700.0, 700.0 | 300 |" in against
    assert (
        "| good (bfloat16) | 20.0, 30.0 | 80 | 900 MiB | 0.200 | 0.150 | 0.075 | 0.400 "
        "| 0.500 | 0.600 | 0.700 | 2.500 | 0.450 | 0.900 |"
    ) in everything
    assert TUTORIAL not in everything


def test_a_mean_of_marks_is_unknown_where_one_of_them_is_but_for_faces() -> None:
    known = Marks(0.2, 0.1, 3.0, 0.4, held_out_gram=0.5, mottling=1.5)
    old = Marks(0.4, 0.3, 1.0, 0.2)
    both = measure.mean([known, old])
    assert both.covariance == pytest.approx(0.3)
    assert both.held_out_gram is None
    assert both.mottling == pytest.approx(1.5)


def test_a_sheet_leaves_room_for_a_picture_that_is_missing(tmp_path) -> None:
    wide, tall = tmp_path / "wide.png", tmp_path / "tall.png"
    Image.new("RGB", (200, 100), (255, 0, 0)).save(wide)
    Image.new("RGB", (50, 100), (0, 0, 255)).save(tall)
    page = sheets.sheet([[wide, None], [tall, wide]], ["a", "b"], side=100)
    assert page.size == (2 * 108 + 8, 50 + 8 + 100 + 8 + 26)
    assert page.getpixel((50, 50)) == (255, 0, 0)
    assert page.getpixel((160, 50)) == (255, 255, 255)
    assert page.getpixel((20, 120)) == (0, 0, 255)


def test_the_instant_recipe_paints_instantly() -> None:
    content, style = pictures.style("ink-wash", 64), pictures.style("oil-swirls", 64)
    image, facts = paint(INSTANT, content, style)
    assert facts == {"evaluations": len(instant.SHIFTS), "dtype": "float32"}
    assert max(image.shape) == pictures.SIZE
    assert INSTANT in benchmark.RECIPES
