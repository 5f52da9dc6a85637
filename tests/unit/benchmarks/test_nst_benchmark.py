"""The yardsticks themselves: a wrong one would measure whatever we like."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.nst import held_out, measure, metrics, pictures, sheets, tables, tutorial
from benchmarks.nst.folder import Painting
from benchmarks.nst.measure import Cost, Marks
from benchmarks.nst.paint import INSTANT, paint
from benchmarks.nst.pictures import PAIRS
from benchmarks.nst.recipes import Job
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
    assert same.face is None
    changed = swirls.clone()
    changed[..., :64, :64] = 1 - changed[..., :64, :64]
    faces = [
        metrics.seen_by_held_out(changed, swirls, swirls, box).face
        for box in ((0, 0, 0.5, 0.5), (0.75, 0.75, 1, 1))
    ]
    assert faces[0] is not None
    assert faces[0] > 0.1
    assert faces[1] == pytest.approx(0, abs=1e-6)


def test_an_original_is_looked_at_once_and_another_one_anew() -> None:
    looked: list[float] = []

    def look(picture: torch.Tensor) -> dict[str, torch.Tensor]:
        looked.append(float(picture.sum()))
        return {"layer": picture * 2}

    def other(picture: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"layer": picture * 3}

    kept = metrics._Originals(2)
    one, two = torch.ones(2), torch.full((2,), 2.0)
    for picture in (one, one.clone(), two, one, two):
        assert torch.equal(kept.get(look, picture, lambda seen: seen["layer"]), picture * 2)
    assert looked == [2.0, 4.0]
    assert torch.equal(kept.get(other, one, lambda seen: seen["layer"]), one * 3)


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
    report = tables.report([Painting(Job(PAIRS[0], "good"), cost, marks)])
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


def test_the_memory_of_a_painting_is_not_that_of_the_program_that_measures(tmp_path) -> None:
    ballast = np.ones(300 * measure.MIB, dtype=np.uint8)
    command = [sys.executable, "-c", "print('done', end='')"]
    found = measure.watched(command, tmp_path, dict(os.environ))
    assert ballast.sum() == 300 * measure.MIB
    assert (found["code"], found["said"]) == (0, "done")
    assert 1 < found["peak_kib"] / 1024 < 150
    assert 0 < found["cpu_s"] < 60
    assert measure.watched([*command[:2], "1/0"], tmp_path, dict(os.environ))["code"] == 1


def test_large_pictures_are_judged_without_networks(tmp_path) -> None:
    picture = np.random.default_rng(0).random((48, 64, 3), dtype=np.float32)
    painting = tmp_path / "painting.png"
    painting.write_bytes(encode(picture))
    marks = measure.judge(painting, picture, picture, (0, 0, 1, 1), networks=False)
    assert marks.likeness == pytest.approx(1, abs=1e-2)
    assert marks.mottling == pytest.approx(1, abs=1e-2)
    assert marks.covariance is marks.patch is marks.held_out_gram is None


def test_the_tutorial_makes_the_steps_asked_for_and_comes_nearer_to_the_style(paintings) -> None:
    content, style = (each[:, :, :64, :64] for each in paintings.values())
    before = metrics.seen_by_vgg(content, style, content).covariance
    image, made = tutorial.stylize(content, style, steps=20)
    assert made == 20
    assert metrics.seen_by_vgg(image, style, content).covariance < before
    assert 0 <= float(image.min()) <= float(image.max()) <= 1


def test_a_mean_of_marks_is_unknown_where_one_of_them_is_but_for_faces() -> None:
    known = Marks(covariance=0.2, held_out_gram=0.5, mottling=1.5)
    old = Marks(covariance=0.4)
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
    assert 0 < facts.pop("engine_cpu_s") < 60
    assert facts == {"evaluations": len(instant.SHIFTS), "dtype": "float32"}
    assert max(image.shape) == pictures.SIZE
