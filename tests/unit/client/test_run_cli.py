"""What `nst run` refuses before it asks the API for anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from system import runs
from system.client.run_cli import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = Image.new("RGB", (8, 8))
    for name in ("photo.jpg", "style.jpg", "mask.jpg", "mask.png", "large.png"):
        picture.save(tmp_path / name)
    with (tmp_path / "large.png").open("ab") as file:
        file.write(b"\0" * runs.MASK_BYTES_MAX)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("mask.png", "mask.png"), "2 masks for 1 styles"),
        (("mask.jpg",), "is no PNG"),
        (("large.png",), "larger than the 2 MiB of a mask"),
    ],
)
def test_masks_that_cannot_be_used_are_refused_before_a_run_is_begun(
    folder: Path, given: tuple[str, ...], says: str
) -> None:
    masks = [argument for name in given for argument in ("--mask", str(folder / name))]
    pictures = [str(folder / name) for name in ("photo.jpg", "style.jpg")]
    nowhere = ["--endpoint", "http://127.0.0.1:9"]
    command = [*pictures, "-o", str(folder / "painting.png"), *masks, *nowhere]
    ended = CliRunner().invoke(run, command, env={"COLUMNS": "300"})
    assert ended.exit_code == 2
    assert says in " ".join(ended.output.split())
