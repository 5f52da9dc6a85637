"""Permissions can be switched off, and an emulator in this process leaves nothing to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from emulator.cli import up
from emulator.settings import Settings
from emulator.stack import Stack
from tests.unit.iam.test_iam_endpoint import Endpoint, refused


@pytest.mark.parametrize(("options", "enforced"), [([], True), (["--no-iam"], False)])
def test_the_command_line_switches_permissions_off(
    options: list[str], enforced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Settings] = []

    async def serve(settings: Settings) -> None:
        started.append(settings)

    monkeypatch.setattr("emulator.cli._serve", serve)
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    result = CliRunner().invoke(up, ["--bare", *options])
    assert result.exit_code == 0, result.output
    assert [settings.iam for settings in started] == [enforced]


def test_without_permissions_every_key_may_everything() -> None:
    settings = replace(Settings(), aws_port=0, edge_port=0, bare=True, iam=False)
    with Stack(settings) as stack:
        endpoint = Endpoint(stack)
        anybody = endpoint.client("dynamodb", "AKIAANYBODY000000000", "wrong")
        assert anybody.list_tables()["TableNames"] == []
        arn = endpoint.role("nothing")
        held = endpoint.session(arn)
        endpoint.of(held, "dynamodb").list_tables()
        endpoint.of(held, "s3").create_bucket(Bucket="by-anybody")
        endpoint.close()


def test_a_stack_finds_nothing_of_an_earlier_one() -> None:
    settings = replace(Settings(), aws_port=0, edge_port=0, bare=True)
    for _ in range(2):
        with Stack(settings) as stack:
            endpoint = Endpoint(stack)
            endpoint.role("again")  # EntityAlreadyExists, were it still there
            assert refused(endpoint.role, name="again")[0] == "EntityAlreadyExists"
            endpoint.close()
