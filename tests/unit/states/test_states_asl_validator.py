"""Our validator beside asl-validator (npm), which others maintain: what is valid, and what not.

It is installed once, from the lock file in tests/asl_validator, into pytest's cache. Where the two
disagree, LOOSER and STRICTER say why; a disagreement that is in neither fails the test.
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

LOOSER = {
    f"it does not check BackoffRate, 1.0 or more: {SPEC}#errors": [
        "retry-backoff",
        "library-retry-backoff-below-one",
    ],
    f"it does not check JitterStrategy, FULL or NONE: {SPEC}#errors": [
        "retry-jitter",
        "library-retry-jitter-unknown",
    ],
    f"it does not check that States.ALL stands alone and last: {SPEC}#errors": [
        "states-all-not-last",
        "states-all-not-alone",
        "library-retry-all-stands-last",
        "library-catch-all-stands-alone",
    ],
    f"it lets any name begin with 'States.': {SPEC}#errors": ["reserved-error"],
    "it lets a state of a JSONata machine go back to JSONPath: "
    f"{GUIDE}transforming-data.html#transforming-data-query-language": [
        "jsonpath-inside-jsonata",
        "library-jsonata-machine-has-no-jsonpath-state",
    ],
    f"it does not compare HeartbeatSeconds with TimeoutSeconds: {SPEC}#task-state": [
        "heartbeat-longer-than-timeout",
        "library-heartbeat-below-timeout",
    ],
    f"it does not check the names of variables, nor their scopes: {GUIDE}workflow-variables.html": [
        "variable-name",
        "library-variables-names",
        "library-variables-name-length",
        "library-variables-states-is-reserved",
        "library-variables-outer-are-not-assigned-inside",
    ],
    f"it does not know which services there are: {GUIDE}integrate-services.html": [
        "unknown-sdk-action",
        "library-call-pattern-is-checked",
    ],
    f"it takes lower-case letters in timestamps: {SPEC}#timestamps": [
        "library-wait-timestamp-lower-case"
    ],
    f"it takes fields that a Choice does not have: {SPEC}#choice-state": [
        "library-choice-next-inside-of-and",
        "library-choice-is-not-terminal",
    ],
    f"it does not count how deep intrinsic functions nest: {GUIDE}intrinsic-functions.html": [
        "library-intrinsic-nested-limit"
    ],
    f"it takes a Parallel without branches: {SPEC}#parallel-state": [
        "library-parallel-needs-branches"
    ],
    f"it takes half a delimiter of JSONata for text: {GUIDE}transforming-data.html": [
        "library-jsonata-unopened"
    ],
    f"it does not check Version: {SPEC}#toplevelfields": ["library-version"],
}
"""What asl-validator takes and we refuse: why, with where the rule stands, and the definitions."""

STRICTER = {
    f"its grammar of paths has no && in filters: {SPEC}#path": ["library-path-filter-and"],
    "its grammar of intrinsic functions has no negative numbers, decimals and escapes: "
    f"{GUIDE}intrinsic-functions.html": [
        "library-intrinsic-array-literals",
        "library-intrinsic-math-add-rounds",
        "library-intrinsic-escapes",
    ],
    f"its schema has no plain text as Output: {GUIDE}transforming-data.html": [
        "library-choice-condition",
        "library-choice-condition-false",
        "library-choice-rule-output",
        "library-choice-default-output",
    ],
    f"its schema has no constant as Condition: {SPEC}#choice-state": [
        "library-choice-condition-constant"
    ],
    f"its schema has no null in a list that is assigned: {GUIDE}workflow-variables.html": [
        "library-assign-literals"
    ],
    "a distributed Map that is not complete either; it is refused here by name, unread": [
        "library-map-distributed",
        "library-map-item-reader",
        "library-map-result-writer",
    ],
}
"""What asl-validator refuses and we do not call wrong."""

DIFFERENT = {name for table in (LOOSER, STRICTER) for names in table.values() for name in names}


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
    agree = bool(problems(name)) == bool(verdicts[name])
    assert agree == (name not in DIFFERENT), (problems(name), verdicts[name])


def test_the_known_differences_are_in_the_corpus() -> None:
    assert {name for name in DIFFERENT if not name.startswith("library-")} <= set(CORPUS)


@pytest.mark.parametrize("name", VALID)
def test_what_is_valid_is_taken(name: str) -> None:
    assert problems(name) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused(name: str) -> None:
    assert problems(name)
