"""The root's files: formatted, valid, and refusing what cannot work, without any target."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from system import artifacts
from system.deployment.terraform import configuration

INIT_S_MAX = 300


@pytest.fixture(scope="session")
def copy(terraform_program: None, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's folders that Terraform reads, initialised without a backend."""
    folder = tmp_path_factory.mktemp("root")
    for name in ("terraform", "system"):
        ignore = shutil.ignore_patterns(".terraform*", "__pycache__", "*.tfstate*")
        shutil.copytree(root / name, folder / name, ignore=ignore)
    artifacts.write(folder / "build" / "zips")
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


@pytest.mark.parametrize("folder", ["tests", "tests/cdn"])
def test_options_and_refusals_are_as_the_test_files_say(copy: Path, folder: str) -> None:
    """Plans with a mock provider, so that no target is needed."""
    prepared = run(copy, "init", "-input=false", f"-test-directory={folder}")
    assert prepared.returncode == 0, prepared.stderr
    done = run(copy, "test", f"-test-directory={folder}")
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"Success! (\d+) passed", done.stdout)
    written = sum(
        len(re.findall(r"^run ", file.read_text(), re.MULTILINE))
        for file in (copy / "terraform" / folder).glob("*.tftest.hcl")
    )
    assert passed
    assert int(passed[1]) == written > 0


def test_every_variable_is_described_and_checked(root: Path) -> None:
    """A bool has no value that is wrong; each other variable says which values are."""
    unchecked = []
    for file in sorted((root / "terraform").rglob("variables.tf")):
        for block in re.split(r"^variable ", file.read_text(), flags=re.MULTILINE)[1:]:
            name = block.split('"')[1]
            described = "description = " in block or "description =" in block
            checked = "validation {" in block or re.search(r"type\s+= bool", block)
            if not described or not checked:
                unchecked.append(f"{file.relative_to(root)}: {name}")
    assert unchecked == []


def test_every_module_has_its_four_files(root: Path) -> None:
    wanted = {"main.tf", "outputs.tf", "variables.tf", "versions.tf"}
    for module in (root / "terraform" / "modules").iterdir():
        assert wanted <= {file.name for file in module.iterdir()}, module
