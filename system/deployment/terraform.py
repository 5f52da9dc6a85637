"""Runs Terraform on the project's root, each step bounded in time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent.parent.parent / "terraform"
INIT_S_MAX, PLAN_S_MAX, CHANGE_S_MAX = 180, 300, 1_800
MIRROR_ENV = "TF_PROVIDER_MIRROR"
_MIRRORS = ("/opt", "/usr/share", "/usr/local/share", "/var/lib")
_PROVIDER = "registry.terraform.io/hashicorp/aws"
CHANGES = 2


class DeploymentError(Exception):
    """A step of a deployment failed; the message says which and what to do."""


@dataclass(frozen=True)
class Terraform:
    """Terraform on a root; ``folder`` keeps its providers, ``variables`` go to every step.

    The state is in an S3 bucket, named by ``backend`` (settings of Terraform's s3 backend). The
    root, ``source``, is the project's own: it reads ``../system`` and ``../build/zips`` beside it.
    """

    folder: Path
    backend: Mapping[str, Any]
    variables: Mapping[str, Any] = field(default_factory=dict)
    source: Path = SOURCE

    def init(self) -> None:
        """Prepare the folder; raises DeploymentError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        backend = self.folder.resolve() / "backend.hcl"
        backend.write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in self.backend.items()))
        self._run(["init", "-reconfigure", f"-backend-config={backend}"], INIT_S_MAX)

    def apply(self) -> None:
        """Create or change everything; raises DeploymentError."""
        self._run(["apply", "-auto-approve", *self._given()], CHANGE_S_MAX)

    def plan(self) -> str:
        """What an apply would change; ``""`` for nothing. Raises DeploymentError."""
        done = self._run(["plan", "-detailed-exitcode", *self._given()], PLAN_S_MAX, (0, CHANGES))
        return done.stdout if done.returncode == CHANGES else ""

    def destroy(self) -> None:
        """Remove everything; raises DeploymentError."""
        self._run(["destroy", "-auto-approve", *self._given()], CHANGE_S_MAX)

    def outputs(self) -> dict[str, Any]:
        """The root's outputs by name; raises DeploymentError."""
        found = json.loads(self._run(["output", "-json"], PLAN_S_MAX).stdout)
        return {name: output["value"] for name, output in found.items()}

    def resources(self) -> list[str]:
        """Addresses of all that the state holds; raises DeploymentError."""
        return self._run(["state", "list"], PLAN_S_MAX).stdout.splitlines()

    def _given(self) -> list[str]:
        return [
            f"-var={name}={value if isinstance(value, str) else json.dumps(value)}"
            for name, value in self.variables.items()
        ]

    def _run(
        self, words: Sequence[str], seconds_max: int, codes: Sequence[int] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        program = shutil.which("terraform")
        if program is None:
            raise DeploymentError(
                "Terraform is not installed: https://developer.hashicorp.com/terraform/install"
            )
        with configuration() as config:
            environment = {
                **os.environ,
                **config,
                "TF_DATA_DIR": str(self.folder.resolve() / "data"),
                "TF_CLI_ARGS": "-no-color",
                "TF_INPUT": "0",
                "TF_IN_AUTOMATION": "1",
                "CHECKPOINT_DISABLE": "1",
            }
            if words[0] == "state":
                del environment["TF_CLI_ARGS"]  # it is not taken there
            try:
                done = subprocess.run(  # noqa: S603 - our own arguments
                    [program, *words],
                    cwd=self.source,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=seconds_max,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise DeploymentError(
                    f"terraform {words[0]} did not end within {seconds_max} s."
                ) from error
        if done.returncode not in codes:
            raise DeploymentError(f"terraform {words[0]} failed:\n{done.stderr.strip()}")
        return done


@contextmanager
def configuration() -> Iterator[dict[str, str]]:
    """The environment that names a provider mirror, where there is one.

    ``TF_PROVIDER_MIRROR`` names it; else the usual folders are looked through; else the providers
    come from the registry, as Terraform does by itself.
    """
    mirror = find_mirror()
    if mirror is None:
        configured = os.environ.get("TF_CLI_CONFIG_FILE", "")
        # a setting that names a file which is not there would fail every step
        yield {} if not configured or Path(configured).exists() else {"TF_CLI_CONFIG_FILE": ""}
        return
    with tempfile.TemporaryDirectory(prefix="nst-terraform-") as folder:
        path = Path(folder) / "terraformrc"
        path.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
        )
        yield {"TF_CLI_CONFIG_FILE": str(path)}


def find_mirror() -> Path | None:
    """The folder of a filesystem mirror that has the AWS provider, or None."""
    named = os.environ.get(MIRROR_ENV)
    if named:
        if not (Path(named) / _PROVIDER).is_dir():
            raise DeploymentError(f"{MIRROR_ENV}={named} has no {_PROVIDER} in it.")
        return Path(named)
    for base in (Path.home() / ".terraform.d", *map(Path, _MIRRORS)):
        for found in (base / "plugins", *sorted(base.glob("*"))):
            if (found / _PROVIDER).is_dir():
                return found
    return None
