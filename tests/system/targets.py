"""Where the system tests run: ``pytest tests/system --target NAME``.

``emulator`` deploys itself, ``terraform`` is an empty emulator with ``nst deploy`` on it,
``docker`` an emulator whose tasks are containers, ``localstack`` a LocalStack that runs already,
``aws`` a deployment on AWS. A target gives addresses, credentials and names, and says what powers a
test has over it; a test that needs another one (``@pytest.mark.needs``) does not apply there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import httpx
import pytest

from system.deployment import steps
from system.deployment.terraform import DeploymentError
from tests.system.running import EndedAtOnceError, Running, nst, started

POWERS: Mapping[str, str] = {
    "own emulator": "it starts an emulator of its own, and would prove nothing of the target",
    "status": "it asks the emulator about itself",
    "faults": "it sets faults, which only the emulator has",
    "processes": "it looks at the task as a process of this machine",
}
"""What a test may need beyond AWS's APIs and the public address, and why it needs that."""

POWERS_OF: Mapping[str, frozenset[str]] = {
    "emulator": frozenset(POWERS),
    "terraform": frozenset({"status", "faults", "processes"}),
    "docker": frozenset({"status", "faults"}),
    "localstack": frozenset(),
    "aws": frozenset(),
}
BUDGET_USD = 100
DEPLOY_S_MAX = 600
HTTP_S_MAX = 5.0
LOCALSTACK_URL = "http://localhost.localstack.cloud:4566"
LOCALSTACK_NEEDS = ("apigateway", "cloudfront", "ecs", "lambda", "s3", "scheduler", "stepfunctions")


class NotHereError(Exception):
    """A target cannot be used here; the message is one sentence that says what to do."""


@contextlib.contextmanager
def emulator(folder: Path) -> Iterator[Running]:
    """An emulator with the system as it deploys it by itself."""
    with started(folder, "--budget", str(BUDGET_USD)) as running:
        yield running


@contextlib.contextmanager
def terraform(folder: Path) -> Iterator[Running]:
    """An empty emulator, and the system deployed on it by ``nst deploy``."""
    with started(folder, "--bare") as running:
        deploy(running)
        yield running


@contextlib.contextmanager
def docker(folder: Path) -> Iterator[Running]:
    """An emulator that runs its tasks from the worker's image."""
    options = ("--budget", str(BUDGET_USD), "--tasks", "docker")
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(started(folder, *options))
        except EndedAtOnceError as ended:
            raise NotHereError(ended.sentence) from ended
        yield running


@contextlib.contextmanager
def localstack(folder: Path) -> Iterator[Running]:
    """A LocalStack that the user runs (``NST_LOCALSTACK_URL``), deployed on as on an emulator."""
    url = os.environ.get("NST_LOCALSTACK_URL", LOCALSTACK_URL)
    check_localstack(url)
    running = Running(url, "")
    try:
        deploy(running)
        running.web_url = outputs(running)["web_url"]
        yield running
    finally:
        running.open.close()


@contextlib.contextmanager
def aws(folder: Path) -> Iterator[Running]:
    """What ``nst deploy --name NST_NAME`` has made on AWS, with the user's credentials."""
    account = check_aws()
    name = os.environ.get("NST_NAME", "nst")
    region = os.environ.get("AWS_REGION", "us-east-1")
    running = Running("", "", name=name, region=region, account=account)
    try:
        running.web_url = outputs(running)["web_url"]
        yield running
    finally:
        running.open.close()


TARGETS: Mapping[str, Callable[[Path], contextlib.AbstractContextManager[Running]]] = {
    "emulator": emulator,
    "terraform": terraform,
    "docker": docker,
    "localstack": localstack,
    "aws": aws,
}


@contextlib.contextmanager
def here(name: str, folder: Path) -> Iterator[Running]:
    """The target, or the end of the session with the one sentence that says why not."""
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(TARGETS[name](folder))
        except NotHereError as why:
            pytest.exit(f"--target {name} cannot run here: {why}", pytest.ExitCode.USAGE_ERROR)
        yield running


def why_not_applicable(needs: tuple[str, ...], target: str, powers: frozenset[str]) -> str | None:
    """Why a test with these needs does not apply to a target; None: it does."""
    for need in needs:
        if need not in POWERS:
            raise ValueError(f"{need!r} is none of {', '.join(POWERS)}")
    missing = [need for need in needs if need not in powers]
    return f"not applicable to {target}: {POWERS[missing[0]]}" if missing else None


def deploy(running: Running) -> None:
    """Deploy the system by Terraform; raises NotHereError with what Terraform said."""
    options = ("--endpoint-url", running.aws_url, "--budget", str(BUDGET_USD))
    done = nst("deploy", *options, timeout=DEPLOY_S_MAX)
    if done.returncode:
        raise NotHereError(f"nst deploy failed on {running.aws_url}: {done.stderr.strip()}")


def outputs(running: Running) -> dict[str, Any]:
    """Terraform's outputs of what is deployed; raises NotHereError where nothing is."""
    target = steps.Target(running.aws_url or None, running.region, running.name)
    try:
        return steps.outputs(target)
    except DeploymentError as error:
        raise NotHereError(f"{error} Deploy it first with nst deploy.") from error


def check_localstack(url: str) -> None:
    """Raise NotHereError unless a LocalStack with all that the system needs answers at ``url``."""
    start = "Start one with `localstack start`, or name it in NST_LOCALSTACK_URL."
    try:
        health = httpx.get(f"{url}/_localstack/health", timeout=HTTP_S_MAX).json()
    except (httpx.TransportError, ValueError) as error:
        raise NotHereError(f"No LocalStack answers at {url} ({error}). {start}") from error
    if health.get("edition") == "nst":
        raise NotHereError(
            f"What answers at {url} is this project's emulator: use --target emulator. {start}"
        )
    known = health.get("services", {})
    missing = [s for s in LOCALSTACK_NEEDS if known.get(s) not in {"available", "running"}]
    if missing:
        raise NotHereError(
            f"The LocalStack at {url} (edition {health.get('edition')}) has no "
            f"{', '.join(missing)}, which the system needs; its paid editions have."
        )


def check_aws() -> str:
    """The account that the user's credentials are of; NotHereError when they are of none."""
    name = "--target aws needs AWS credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
    deployed = "AWS_SECRET_ACCESS_KEY) and a deployment: NST_NAME is its name."
    session = boto3.Session()
    try:
        if session.get_credentials() is None:
            raise NotHereError(f"{name} {deployed}")
        return str(session.client("sts", "us-east-1").get_caller_identity()["Account"])
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        raise NotHereError(f"AWS does not take the credentials: {error}. {name} {deployed}") from (
            error
        )
