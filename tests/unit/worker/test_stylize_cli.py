"""``nst stylize``: what it paints, and what it says when it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from worker.engine import decode
from worker.stylize_cli import stylize

INSTANT = ("--algorithm", "instant", "--size", "64")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A photograph of 64 x 48 px, two styles and masks, in the working directory."""
    rng = np.random.default_rng(1)
    for name in ("photo", "red", "blue"):
        spots = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        spots.resize((64, 48), Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png")
    left = np.zeros((48, 64), np.uint8)
    left[:, :32] = 255
    planes = {"left": left, "right": 255 - left, "none": 0 * left, "square": left[:, :48]}
    for name, plane in planes.items():
        Image.fromarray(plane).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def nst(*arguments: str):
    return CliRunner().invoke(stylize, [*arguments, "-o", "out.png"], catch_exceptions=False)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--style-scale", "2.5"), "0.5<=x<=2"),
        (("--style-scale", "0.4"), "0.5<=x<=2"),
        (("--colours", "mine"), "'style', 'palette', 'photo'"),
        (("--colours", "palette", "--keep-colours"), "give one of the two"),
        (("--mask", "left.png", "--mask", "right.png"), "2 masks for 1 styles"),
        (("--mask", "none.png"), "Mask 1 is empty"),
        (("--mask", "square.png"), "proportions"),
        (("--mask", "red.png"), "red.png: A mask is black, white and grey"),
        (("--mask", "missing.png"), "does not exist"),
    ],
)
def test_what_is_out_of_range_is_refused_with_what_to_do(arguments, said) -> None:
    done = nst("photo.png", "red.png", *INSTANT, *arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split()).replace(" │ │ ", " ")


def test_masks_are_in_the_order_of_the_styles(folder) -> None:
    masks = ("--mask", "left.png", "--mask", "right.png")
    both = nst("photo.png", "red.png", "blue.png", *INSTANT, *masks)
    assert both.exit_code == 0, both.output
    two = decode((folder / "out.png").read_bytes())
    assert nst("photo.png", "red.png", *INSTANT).exit_code == 0
    one = decode((folder / "out.png").read_bytes())
    assert np.abs(two - one)[:, :30].max() < 0.01
    assert np.abs(two - one)[:, 34:].mean() > 0.02


def test_one_mask_leaves_the_rest_a_photograph_and_scale_and_colours_count(folder) -> None:
    def painted(*arguments: str) -> np.ndarray:
        done = nst("photo.png", "red.png", *INSTANT, *arguments)
        assert done.exit_code == 0, done.output
        return decode((folder / "out.png").read_bytes())

    photo = decode((folder / "photo.png").read_bytes())
    masked = painted("--mask", "left.png")
    assert np.array_equal(masked[:, 33:], photo[:, 33:])
    plain = painted()
    assert np.abs(painted("--style-scale", "2") - plain).mean() > 0.01
    assert np.array_equal(painted("--keep-colours"), painted("--colours", "photo"))
    assert np.abs(painted("--colours", "palette") - plain).mean() > 0.01
