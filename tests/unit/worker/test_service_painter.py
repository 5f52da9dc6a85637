"""The real engine behind the service, at 64 pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.unit.worker.service_fakes import QUICK, RUN, World, run_input
from worker.engine import decode
from worker.service import cpus
from worker.service.painter import Painter
from worker.service.ports import ParametersRefusedError, PictureRefusedError


def picture(colour: str, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    image = Image.new("RGB", (96, 64), colour)
    image.paste("white", (10, 10, 40, 50))
    image.save(out, kind)
    return out.getvalue()


def world(algorithm: str = "painted", **changes) -> World:
    params = {**run_input()["params"], "algorithm": algorithm}
    made = World(Painter(), timings=QUICK, params=params, **changes)
    made.put("runs", "content", picture("navy"))
    made.put("runs", "style-0", picture("orange", "JPEG"))
    made.s3.objects["gallery/waves.jpg"] = picture("green", "JPEG")
    return made


@pytest.mark.parametrize(("algorithm", "steps"), [("painted", None), ("instant", 4)])
def test_a_run_with_the_real_engine(algorithm, steps):
    made = world(algorithm)
    # Loading PyTorch and the weights takes seconds on a busy machine; the deadline is 60 s.
    assert made.execute(120.0) is True
    assert made.state()["state"] == "succeeded"
    image = Image.open(io.BytesIO(made.s3.objects[f"runs/{RUN}/result.png"]))
    assert image.format == "PNG"
    assert image.size == (64, 43)
    preview = Image.open(io.BytesIO(made.s3.objects[f"runs/{RUN}/preview.jpg"]))
    assert preview.format == "JPEG"
    kinds = {line["type"] for line in made.stored()}
    assert kinds == {"state", "progress", "preview", "result"}
    if steps:
        (running,) = [line for line in made.stored() if line.get("state") == "running"]
        assert running["steps"] == steps


def test_a_picture_that_is_none_is_refused_by_name():
    made = world()
    made.put("runs", "style-0", b"no picture at all")
    assert made.execute() is True
    (failure,) = made.states.of("failure")
    assert failure["error"] == "PictureRefused"
    assert "style picture 1" in failure["cause"]


def test_the_content_picture_is_called_so():
    with pytest.raises(PictureRefusedError, match="content picture"):
        Painter().check(b"", [picture("red")], [], run_input(style_weights=[1.0]))


def half_white(width=96, height=64) -> bytes:
    mask = Image.new("L", (width, height))
    mask.paste(255, (0, 0, width // 2, height))
    out = io.BytesIO()
    mask.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (picture("red"), "mask 1.*colours"),
        (b"", "mask 1.*empty"),
        (half_white(96, 96), "Mask 1.*proportions"),
        (half_white(1, 1), "mask 1.*pixels"),
    ],
)
def test_a_mask_that_cannot_be_used_is_refused_by_name(mask, said):
    with pytest.raises(PictureRefusedError, match=said):
        Painter().check(picture("red"), [picture("blue")], [mask], run_input(style_weights=[1.0]))


def test_a_run_with_masks_paints_where_they_are_white():
    made = world("instant", mask_keys=[f"runs/{RUN}/mask-{place}" for place in range(2)])
    made.put("runs", "mask-0", half_white())
    made.put("runs", "mask-1", half_white())
    assert made.execute(120.0) is True
    painted = decode(made.s3.objects[f"runs/{RUN}/result.png"])
    away = np.abs(painted - decode(picture("navy"), side=64))
    assert away[:, 33:].max() < 0.01
    assert away[:, :31].mean() > 0.02


def test_a_mask_that_is_gone_is_named():
    made = world(mask_keys=[f"runs/{RUN}/mask-{place}" for place in range(2)])
    made.put("runs", "mask-0", half_white())
    assert made.execute() is True
    (failure,) = made.states.of("failure")
    assert failure["error"] == "PictureRefused"
    assert "mask 2 is not there" in failure["cause"]


@pytest.mark.parametrize(
    ("text", "count"),
    [("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", None)],
)
def test_threads_follow_the_containers_quota(tmp_path, text, count):
    file = tmp_path / "cpu.max"
    file.write_text(text)
    assert cpus.allowed(file) == count


def test_without_control_groups_there_is_no_quota(tmp_path):
    assert cpus.allowed(tmp_path / "missing") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"params": {**run_input()["params"], "algorithm": "magic"}},
        {"params": {**run_input()["params"], "size": 9}},
        {"style_weights": [1.0]},
    ],
)
def test_parameters_out_of_range_are_refused(changes):
    with pytest.raises(ParametersRefusedError):
        Painter().check(picture("red"), [picture("blue")] * 2, [], run_input(**changes))
