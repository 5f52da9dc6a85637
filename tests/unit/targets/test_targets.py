"""The targets of the system tests: why one cannot be used here, and what does not apply to one."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from system.deployment import cli, steps
from system.deployment.terraform import DeploymentError
from tests.system import targets
from tests.system.running import EndedAtOnceError, Running, free_port
from tests.system.targets import POWERS, POWERS_OF, TARGETS, NotHereError

IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    "<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/me</Arn><UserId>me</UserId>"
    "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
REFUSED = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    "<Code>InvalidClientTokenId</Code><Message>The security token is invalid.</Message></Error>"
    "</ErrorResponse>"
)


@contextlib.contextmanager
def answering(answers: dict[str, tuple[int, str]]) -> Iterator[tuple[str, list[str]]]:
    """A stub's address, and the requests that it gets; what it has no answer for is a 404."""
    asked: list[str] = []

    class Stub(BaseHTTPRequestHandler):
        def answer(self) -> None:
            path = self.path.partition("?")[0]
            asked.append(f"{self.command} {path}")
            status, body = answers.get(path, (404, "{}"))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_HEAD = answer  # noqa: N815 (the server's names)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def health(edition: str, *without: str) -> dict[str, tuple[int, str]]:
    known = {name: "available" for name in targets.LOCALSTACK_NEEDS if name not in without}
    body = json.dumps({"edition": edition, "services": known})
    return {"/_localstack/health": (200, body)}


def opened(name: str, folder: Path) -> Running:
    with TARGETS[name](folder) as running:
        return running


def test_every_target_says_what_powers_a_test_has() -> None:
    assert TARGETS.keys() == POWERS_OF.keys()
    assert POWERS_OF["emulator"] == POWERS.keys()
    assert POWERS_OF["aws"] == frozenset()


def test_a_test_that_needs_more_does_not_apply_and_says_why() -> None:
    reason = targets.why_not_applicable(("processes",), "aws", POWERS_OF["aws"])
    assert reason is not None
    assert reason.startswith("not applicable to aws: it looks at the task as a process")
    for name in TARGETS:
        assert targets.why_not_applicable((), name, POWERS_OF[name]) is None
    assert targets.why_not_applicable(tuple(POWERS), "emulator", POWERS_OF["emulator"]) is None


def test_a_need_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="telepathy"):
        targets.why_not_applicable(("telepathy",), "emulator", POWERS_OF["emulator"])


def test_without_localstack_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("NST_LOCALSTACK_URL", closed)
    with pytest.raises(NotHereError, match=f"No LocalStack answers at {closed}.*localstack start"):
        opened("localstack", tmp_path)


def test_this_projects_emulator_is_not_localstack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(health("nst")) as (url, _):
        monkeypatch.setenv("NST_LOCALSTACK_URL", url)
        with pytest.raises(NotHereError, match="this project's emulator"):
            opened("localstack", tmp_path)


def test_a_localstack_without_the_services_says_which_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(health("community", "ecs", "cloudfront")) as (url, _):
        monkeypatch.setenv("NST_LOCALSTACK_URL", url)
        with pytest.raises(NotHereError, match=r"edition community.* has no cloudfront, ecs"):
            opened("localstack", tmp_path)


def test_a_localstack_with_all_services_is_deployed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the first call that only the real one can answer."""
    asked_to_deploy: list[str] = []
    monkeypatch.setattr(targets, "deploy", lambda running: asked_to_deploy.append(running.aws_url))
    with answering(health("pro")) as (url, asked):
        monkeypatch.setenv("NST_LOCALSTACK_URL", url)
        with pytest.raises(NotHereError, match=r"Nothing is deployed.*nst deploy"):
            opened("localstack", tmp_path)
    assert asked_to_deploy == [url]
    assert asked == ["GET /_localstack/health", "GET /nst-terraform-state/nst.tfstate"]


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_without_credentials_aws_is_one_sentence(
    tmp_path: Path, no_credentials: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotHereError, match=r"needs AWS credentials.*NST_NAME"):
        opened("aws", tmp_path)


def test_credentials_that_aws_refuses_are_one_sentence(
    tmp_path: Path, no_credentials: pytest.MonkeyPatch
) -> None:
    with answering({"/": (403, REFUSED)}) as (url, asked):
        no_credentials.setenv("AWS_ACCESS_KEY_ID", "AKIA0000000000000000")
        no_credentials.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        no_credentials.setenv("AWS_ENDPOINT_URL_STS", url)
        with pytest.raises(NotHereError, match="AWS does not take the credentials"):
            opened("aws", tmp_path)
    assert asked == ["POST /"]


def test_a_deployment_on_aws_is_found_by_its_name(
    tmp_path: Path, no_credentials: pytest.MonkeyPatch
) -> None:
    state = json.dumps({"outputs": {"web_url": {"value": "https://d1.cloudfront.net"}}})
    there = {"/": (200, IDENTITY), "/mine-terraform-state/nst.tfstate": (200, state)}
    with answering(there) as (url, asked):
        no_credentials.setenv("AWS_ACCESS_KEY_ID", "AKIA0000000000000000")
        no_credentials.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        for service in ("STS", "S3"):
            no_credentials.setenv(f"AWS_ENDPOINT_URL_{service}", url)
        no_credentials.setenv("NST_NAME", "mine")
        no_credentials.setenv("AWS_REGION", "eu-west-1")
        running = opened("aws", tmp_path)
    assert asked == ["POST /", "GET /mine-terraform-state/nst.tfstate"]
    assert (running.web_url, running.account) == ("https://d1.cloudfront.net", "123456789012")
    assert running.execution("r1") == (
        "arn:aws:states:eu-west-1:123456789012:execution:mine-run-nst:r1"
    )
    assert running.object_url("storage", "k") == (
        "https://mine-storage.s3.eu-west-1.amazonaws.com/k"
    )


def test_an_engine_that_is_missing_is_the_emulators_own_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def ends(*_: Any) -> Iterator[Running]:
        raise EndedAtOnceError("starting\nError: No Docker engine answers.\n")
        yield

    monkeypatch.setattr(targets, "started", ends)
    with pytest.raises(NotHereError, match=r"^No Docker engine answers\.$"):
        opened("docker", tmp_path)


def test_a_target_that_is_not_here_ends_the_session_with_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NST_LOCALSTACK_URL", f"http://127.0.0.1:{free_port()}")
    with (
        pytest.raises(pytest.exit.Exception, match="--target localstack cannot run here: No Local"),
        targets.here("localstack", tmp_path),
    ):
        pass


def test_an_emulator_that_is_not_ours_serves_the_distributions_own_address() -> None:
    with answering({}) as (url, _):
        target = steps.Target(url, "us-east-1", "nst")
        assert cli.web_address(target, {"web_url": "https://d1.example"}) == "https://d1.example"
    with answering({"/_nst/status": (200, '{"web": "http://localhost:8080"}')}) as (url, _):
        ours = steps.Target(url, "us-east-1", "nst")
        assert cli.web_address(ours, {"web_url": "-"}) == "http://localhost:8080"
    with pytest.raises(DeploymentError, match="No emulator answers"):
        cli.edge_of(f"http://127.0.0.1:{free_port()}")
