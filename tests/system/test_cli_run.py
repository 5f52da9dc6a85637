"""`nst run`: a picture in, a painting out, through the public API alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.system.running import Running, nst
from tests.system.visitor import picture


def files(tmp_path: Path) -> tuple[str, str]:
    content, style = tmp_path / "content.png", tmp_path / "style.png"
    content.write_bytes(picture(seed=1))
    style.write_bytes(picture(64, 64, seed=2))
    return str(content), str(style)


def test_nst_run_paints_and_says_what_it_cost(stack: Running, tmp_path: Path) -> None:
    out = tmp_path / "painting.png"
    done = nst(
        "run", *files(tmp_path), "-o", str(out), "--size", "64", "--quality", "draft",
        "--seed", "3", "--endpoint", stack.web_url,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(out) as painting:
        assert max(painting.size) == 64
    assert "$" in done.stdout
    assert "left" in done.stdout


def test_a_bad_picture_is_refused_with_a_sentence(stack: Running, tmp_path: Path) -> None:
    content, style = files(tmp_path)
    Path(content).write_bytes(b"no picture")
    out = tmp_path / "painting.png"
    local = nst("run", content, style, "-o", str(out), "--endpoint", stack.web_url)
    assert local.returncode == 2
    assert "Traceback" not in local.stderr
    sent = nst(
        "run", content, style, "-o", str(out), "--no-check", "--size", "64",
        "--quality", "draft", "--endpoint", stack.web_url,
    )  # fmt: skip
    assert sent.returncode == 4, sent.stdout + sent.stderr
    assert not out.exists()


@pytest.mark.needs("own emulator")
def test_an_endpoint_that_is_not_there_says_how_to_start_one(tmp_path: Path) -> None:
    done = nst(
        "run", *files(tmp_path), "-o", str(tmp_path / "x.png"), "--endpoint", "http://127.0.0.1:9",
    )  # fmt: skip
    assert done.returncode == 5
    assert "nst up" in done.stderr + done.stdout


@pytest.mark.needs("own emulator")
def test_nst_stylize_needs_no_system(tmp_path: Path) -> None:
    out = tmp_path / "painting.png"
    done = nst("stylize", *files(tmp_path), "-o", str(out), "--size", "64", "--quality", "draft")
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(out) as painting:
        assert max(painting.size) == 64
    instant = nst(
        "stylize", *files(tmp_path), "-o", str(out), "--size", "70", "--algorithm", "instant"
    )
    assert instant.returncode == 0, instant.stdout + instant.stderr
    assert "4 of 4 passes" in instant.stdout
    with Image.open(out) as painting:
        assert max(painting.size) == 70
