"""The zips: whole, small, and the same for the same sources."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from handlers import build
from system import artifacts, stack


@pytest.mark.parametrize("name", artifacts.FUNCTIONS)
def test_a_function_runs_from_its_zip_alone(name: str, tmp_path: Path) -> None:
    """Unpacked elsewhere, without our sources: the module loads and names no SDK on the way."""
    with zipfile.ZipFile(io.BytesIO(artifacts.build_zip(name))) as archive:
        archive.extractall(tmp_path)
    program = (
        "import sys; sys.path.insert(0, '.'); import importlib; "
        f"m = importlib.import_module('handlers.{name}'); assert callable(m.handler); "
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    loaded = done.stdout.split()
    heavy = {"boto3", "botocore", "torch", "asyncio", "unittest", "email", "ssl", "subprocess"}
    assert not heavy & set(loaded)
    assert len(loaded) < 160, "a cold start pays for every module"


@pytest.mark.parametrize("name", artifacts.FUNCTIONS)
def test_a_zip_is_the_same_whenever_and_wherever_it_is_built(name: str) -> None:
    body = artifacts.build_zip(name)
    assert artifacts.build_zip(name) == body
    program = (
        "import os, sys, time; os.environ['TZ'] = 'Asia/Tokyo'; time.tzset(); os.umask(0o077); "
        "from system import artifacts; "
        f"sys.stdout.write(artifacts.sha256(artifacts.build_zip('{name}')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=artifacts.ROOT,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": "."},
    )
    assert done.stdout == artifacts.sha256(body)
    assert len(body) < 100_000


def test_entries_are_in_order_with_one_time_and_mode() -> None:
    with zipfile.ZipFile(io.BytesIO(artifacts.build_zip("stop_nst"))) as archive:
        entries = archive.infolist()
    names = [e.filename for e in entries]
    assert names == sorted(names)
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {e.external_attr >> 16 for e in entries} == {0o100644}
    assert "handlers/stop_nst.py" in names
    assert "system/gallery.json" in names
    assert not [n for n in names if "client" in n or "cli" in n.split("/")[-1] or "stack" in n]
    assert not {"handlers/start_nst.py", "system/artifacts.py"} & set(names)


def test_the_functions_are_those_of_the_declaration() -> None:
    declared = stack.declaration()["functions"]
    assert set(artifacts.FUNCTIONS) == set(declared)
    for name, function in declared.items():
        assert function["handler"] == f"handlers.{name}.handler"


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(ValueError, match="read_budget"):
        artifacts.build_zip("../evil")


def test_the_command_writes_them_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--out", str(tmp_path / "zips")]) == 0
    written = sorted(p.name for p in (tmp_path / "zips").iterdir())
    assert written == sorted(f"{name}.zip" for name in artifacts.FUNCTIONS)
    assert len(capsys.readouterr().out.splitlines()) == len(artifacts.FUNCTIONS)
