"""The root's files: formatted, valid, and refusing what cannot work, without any target."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from system.deployment.terraform import configuration

INIT_S_MAX = 300


@pytest.fixture(scope="session")
def copy(terraform_program: None, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's folders that Terraform reads, initialised without a backend."""
    folder = tmp_path_factory.mktemp("root")
    for name in ("terraform", "system"):
        ignore = shutil.ignore_patterns(".terraform*", "__pycache__", "*.tfstate*")
        shutil.copytree(root / name, folder / name, ignore=ignore)
    # an override, as Terraform has them: what is here needs no bucket for its state
    (folder / "terraform" / "local_override.tf").write_text(
        'terraform {\n  backend "local" {}\n}\n'
    )
    done = run(folder, "init", "-input=false")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    with configuration() as config:
        return subprocess.run(
            ["terraform", words[0], "-no-color", *words[1:]],
            cwd=folder / "terraform",
            env={**os.environ, **config, "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            timeout=INIT_S_MAX,
            check=False,
        )


def test_the_files_are_formatted(copy: Path) -> None:
    done = run(copy, "fmt", "-check", "-recursive", "-diff")
    assert done.returncode == 0, done.stdout


def test_the_files_are_valid(copy: Path) -> None:
    done = run(copy, "validate")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("name=Nst", "lower-case letters"),
        ("region=mars-1", "Prices are known"),
        ("aws_endpoint_url=localhost", "The endpoint is a URL"),
        ("vpc_cidr=10.0.0.0", "IPv4 CIDR block"),
        ('more_web_origins=["https://example.org/path"]', "without a path"),
        ('alarm_emails=["nobody"]', "An address is a name"),
        ("requests_per_day_max=0.5", "whole and at least 1"),
    ],
)
def test_values_that_cannot_work_are_refused(copy: Path, variable: str, sentence: str) -> None:
    done = run(copy, "plan", "-input=false", f"-var={variable}")
    assert done.returncode != 0
    assert sentence in " ".join(done.stderr.split())
