"""The whole deployment on this machine, from an empty emulator to an empty one, step by step.

Every step is proved, not only timed: the second plan is empty, a painting comes out of the deployed
distribution and API, the CDN misses, hits and forgets, and after destroy nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from system import artifacts
from system.deployment import cli, steps
from system.deployment.smoke import smoke_test
from system.deployment.steps import Target
from system.deployment.terraform import Terraform

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 60.0
APPLY_S_MAX, ENDPOINT_S_MAX = 120.0, 15.0
"""What is promised of apply, as a whole and inside of the emulator's endpoint."""
PAGE = "/favicon.svg"


class NotSoError(Exception):
    """A step did not do what it must; the message says which and what came instead."""


@dataclass
class Steps:
    """What was done, and the seconds that each took."""

    say: Callable[[str], None]
    seconds: dict[str, float] = field(default_factory=dict)
    inside: dict[str, float] = field(default_factory=dict)
    """What is known of a step beside its time: requests, and seconds inside of the endpoint."""

    def __call__(self, what: str, work: Callable[[], object]) -> None:
        """Do a step."""
        begun = time.monotonic()
        work()
        self.seconds[what] = time.monotonic() - begun
        self.say(f"{what}: {self.seconds[what]:.1f} s")


def deploy_locally(say: Callable[[str], None]) -> Steps:
    """Do all of it on an emulator of its own; raises NotSoError, DeploymentError."""
    done = Steps(say)
    with contextlib.ExitStack() as stack:
        begun = time.monotonic()
        aws_url, web_url = stack.enter_context(_empty_emulator())
        done.seconds["emulator up"] = time.monotonic() - begun
        say(f"emulator up: {done.seconds['emulator up']:.1f} s ({aws_url})")
        target = Target(aws_url, "us-east-1", "nst")
        done("artifacts", lambda: artifacts.write(cli.ROOT / "build" / "zips"))
        terraform = _initialised(done, target)
        before = _requests(aws_url)
        outputs = cli.apply_all(target, terraform, None, _metered(done, aws_url, before))
        done("second plan", lambda: _no_changes(terraform))
        done("smoke", lambda: [say(f"  {line}") for line in smoke_test(web_url)])
        done("CDN", lambda: _cdn(target, web_url, outputs["distribution_id"]))
        done("terraform destroy", terraform.destroy)
        done("nothing is left", lambda: _nothing(target, terraform))
    return done


def table(done: Steps) -> str:
    """The steps for docs/performance.md."""
    lines = ["| step | seconds | target |", "|---|---|---|"]
    for what, seconds in done.seconds.items():
        target = f"{APPLY_S_MAX:.0f}" if what == "terraform apply" else ""
        lines.append(f"| {what} | {seconds:.1f} | {target} |")
        if what == "terraform apply":
            count, inside = done.inside["requests"], done.inside["seconds"]
            lines.append(
                f"| ... of it inside of the emulator's endpoint ({count:.0f} requests) | "
                f"{inside:.1f} | {ENDPOINT_S_MAX:.0f} |"
            )
    lines.append(f"| all | {sum(done.seconds.values()):.1f} |  |")
    return "\n".join(lines)


def _initialised(done: Steps, target: Target) -> Terraform:
    made: list[Terraform] = []
    done("terraform init", lambda: made.append(cli.prepared(target, "")))
    return made[0]


def _metered(done: Steps, aws_url: str, before: dict[str, Any]) -> cli.Step:
    """The same steps, with a look at the endpoint's meter after apply."""

    def step(what: str, work: Callable[[], object]) -> None:
        done(what, work)
        if what == "terraform apply":
            after = _requests(aws_url)
            done.inside["requests"] = after["requests"] - before["requests"]
            done.inside["seconds"] = after["busy_s"] - before["busy_s"]
            done.say(
                f"  of it {done.inside['seconds']:.1f} s inside of the emulator's endpoint "
                f"({done.inside['requests']} requests)"
            )

    return step


def _requests(aws_url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{aws_url}/_nst/requests").raise_for_status().json()
    return found


def _no_changes(terraform: Terraform) -> None:
    changes = terraform.plan()
    _so(not changes, f"the second plan would change something:\n{changes}")


def _cdn(target: Target, web_url: str, distribution_id: str) -> None:
    with httpx.Client(base_url=web_url) as http:

        def outcome() -> str:
            return http.get(PAGE).headers["x-cache"].partition(" ")[0]

        seen = []
        for number in range(2):
            steps.invalidate(target, distribution_id, f"deploy-local-{time.time_ns()}-{number}")
            seen.append(outcome())
            if number == 0:
                seen.append(outcome())
        _so(seen == ["Miss", "Hit", "Miss"], f"the CDN answered {', '.join(seen)}")
        nope = http.get("/api/nope")
        kind = nope.headers.get("content-type", "").partition(";")[0]
        right = (nope.status_code, kind) == (404, "application/problem+json")
        _so(right, f"/api/nope answered {nope.status_code} {kind}")


def _nothing(target: Target, terraform: Terraform) -> None:
    left = terraform.resources()
    _so(not left, f"Terraform's state still has {left}")
    listed = {
        "functions": target.client("lambda").list_functions()["Functions"],
        "workflows": target.client("stepfunctions").list_state_machines()["stateMachines"],
        "APIs": target.client("apigateway").get_rest_apis()["items"],
        "roles": target.client("iam").list_roles()["Roles"],
        "buckets": [
            bucket
            for bucket in target.client("s3").list_buckets()["Buckets"]
            if bucket["Name"] != target.backend()["bucket"]
        ],
        "distributions": target.client("cloudfront")
        .list_distributions()["DistributionList"]
        .get("Items", []),
    }
    for what, found in listed.items():
        _so(not found, f"{what} are left: {found}")


def _so(right: bool, otherwise: str) -> None:
    if not right:
        raise NotSoError(otherwise)


@contextlib.contextmanager
def _empty_emulator() -> Iterator[tuple[str, str]]:
    """Its AWS endpoint and its web address; it ends with the block."""
    aws, web = _free_port(), _free_port()
    command = [
        sys.executable, "-m", "system", "up", "--bare",
        "--aws-port", str(aws), "--edge-port", str(web),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="nst-deploy-local-") as home:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ, "XDG_STATE_HOME": home}
        )
        aws_url, web_url = f"http://127.0.0.1:{aws}", f"http://localhost:{web}"
        try:
            _wait(process, aws_url)
            yield aws_url, web_url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], aws_url: str) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{aws_url}/_nst/status").json()["ready"]:
                return
        _so(process.poll() is None, "the emulator ended at once")
        _so(time.monotonic() < deadline, f"the emulator was not up in {START_S_MAX:.0f} s")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
