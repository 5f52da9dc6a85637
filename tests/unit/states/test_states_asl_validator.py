"""Our validator beside asl-validator (npm), which others maintain: what is valid, and what not.

It is installed once, from the lock file in tests/asl_validator, into pytest's cache. Where the two
disagree, DIFFERENCES says why; a disagreement that is not in it fails the test.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from emulator.states.compiler import compile_definition
from emulator.states.diagnostics import UNSUPPORTED
from tests.unit.states.definitions import BROKEN, VALID, corpus

PACKAGE = Path(__file__).parents[2] / "asl_validator"
INSTALL_TIMEOUT_S = 180
RUN_TIMEOUT_S = 60
CORPUS = corpus()

SPEC = "https://states-language.net/spec.html"
GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg/"
DIFFERENCES = {
    "retry-backoff": f"it does not check BackoffRate: 1.0 or more, {SPEC}#errors",
    "retry-jitter": f"it does not check JitterStrategy: FULL or NONE, {SPEC}#errors",
    "states-all-not-last": f"it does not check that States.ALL comes last, {SPEC}#errors",
    "states-all-not-alone": f"it does not check that States.ALL stands alone, {SPEC}#errors",
    "reserved-error": f"it lets any name begin with 'States.', {SPEC}#errors",
    "jsonpath-inside-jsonata": (
        "it lets a state go back to JSONPath, "
        f"{GUIDE}transforming-data.html#transforming-data-query-language"
    ),
    "heartbeat-longer-than-timeout": f"it does not compare the two, {SPEC}#task-state",
    "variable-name": f"it does not check names, {GUIDE}workflow-variables.html",
    "unknown-sdk-action": (f"it does not know the services, {GUIDE}supported-services-awssdk.html"),
}
"""What asl-validator takes and we refuse, and where AWS says that it is refused."""


@pytest.fixture(scope="module")
def verdicts(pytestconfig: pytest.Config) -> dict[str, list[str]]:
    """What asl-validator finds wrong with each definition of the corpus."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing = "this test needs Node.js with npm (20 or newer): https://nodejs.org"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    modules = installed(npm, pytestconfig.cache.mkdir("asl_validator"))
    done = subprocess.run(
        [node, str(PACKAGE / "validate.js")],
        input=json.dumps(list(CORPUS.values())),
        env={**os.environ, "NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(CORPUS, json.loads(done.stdout), strict=True))


def installed(npm: str, cache: Path) -> Path:
    """The folder with the packages of the lock file; several processes may ask at once."""
    lock = (PACKAGE / "package-lock.json").read_bytes()
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        fresh = Path(tempfile.mkdtemp(dir=cache))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PACKAGE / name, fresh / name)
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=fresh,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        try:
            fresh.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(fresh)
    return folder / "node_modules"


def problems(name: str) -> list[str]:
    """What we find wrong; parts that are valid on AWS and refused here by name do not count."""
    _machine, found = compile_definition(json.dumps(CORPUS[name]), "STANDARD")
    return [problem.sentence() for problem in found if problem.code != UNSUPPORTED]


@pytest.mark.fidelity(
    area="Step Functions: API",
    feature="Definitions are validated at creation, in agreement with a validator of others",
    source=SPEC,
)
@pytest.mark.parametrize("name", CORPUS)
def test_the_validators_agree(verdicts: dict[str, list[str]], name: str) -> None:
    if name in DIFFERENCES:
        assert problems(name)
        assert verdicts[name] == []
    else:
        assert bool(problems(name)) == bool(verdicts[name]), (problems(name), verdicts[name])


@pytest.mark.parametrize("name", VALID)
def test_what_is_valid_is_taken(name: str) -> None:
    assert problems(name) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused(name: str) -> None:
    assert problems(name)
