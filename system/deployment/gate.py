"""``nst close`` and ``nst reopen``: the operator's hand on what the alarm does by itself."""

from __future__ import annotations

import json
from typing import Any, Literal

import click

from system import stack
from system.deployment.steps import Target
from system.deployment.terraform import DeploymentError

Action = Literal["close", "open"]

_target = click.option(
    "--endpoint-url",
    help="An emulator's AWS endpoint, such as http://127.0.0.1:4566; without it, AWS.",
)
_name = click.option("--name", default="nst", show_default=True, help="Prefix of every resource.")
_region = click.option("--region", default="us-east-1", show_default=True)


@click.command("reopen")
@_target
@_name
@_region
def reopen(endpoint_url: str | None, name: str, region: str) -> None:
    """Open the public API again, before the alarm on daily requests does.

    While that alarm stays in ALARM it closes nothing anew: it does so when it has been OK.
    """
    target = Target(endpoint_url, region, name)
    try:
        set_gate(target, "open")
        alarm = daily_requests_alarm(target)
    except DeploymentError as error:
        raise click.ClickException(str(error)) from error
    click.echo("The API is open.")
    if alarm["StateValue"] == "ALARM":
        click.echo(
            f"{alarm['AlarmName']} is still in ALARM ({alarm['StateReason']}) It closes the API "
            "again only after it was OK: until then the throttles alone bound what requests cost. "
            "For a higher limit set requests_per_day_max and deploy."
        )


@click.command("close")
@_target
@_name
@_region
def close(endpoint_url: str | None, name: str, region: str) -> None:
    """Close the public API: it answers 429 to everything, and runs under way go on."""
    try:
        set_gate(Target(endpoint_url, region, name), "close")
    except DeploymentError as error:
        raise click.ClickException(str(error)) from error
    click.echo("The API is closed. Open it again: nst reopen")


def set_gate(target: Target, action: Action) -> str:
    """Have the gate close or open the API; gives the state it is in (``open``, ``closed``).

    Raises DeploymentError when the gate is not there, may not be started or fails.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (slow import)

    try:
        account = target.client("sts").get_caller_identity()["Account"]
        arn = f"arn:aws:states:{target.region}:{account}:stateMachine:{target.name}-gate"
        answer = target.client("stepfunctions").start_sync_execution(
            stateMachineArn=arn, input=json.dumps({"action": action, "cause": "nst"})
        )
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(
            f"The gate {target.name}-gate could not be started: {error}"
        ) from error
    if answer["status"] != "SUCCEEDED":
        cause = answer.get("cause") or answer.get("error") or "no cause is given"
        raise DeploymentError(f"The gate did not {action} the API ({answer['status']}): {cause}")
    return str(json.loads(answer["output"])["state"])


def daily_requests_alarm(target: Target) -> dict[str, Any]:
    """The alarm that closes the API, as CloudWatch describes it; raises DeploymentError."""
    declared = stack.declaration()["alarms"]["metrics"]["daily_requests"]["name"]
    name = stack.fill_text(declared, {"name": target.name})
    found = target.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    if not found:
        raise DeploymentError(f"There is no alarm {name}: was the system deployed with one?")
    alarm: dict[str, Any] = found[0]
    return alarm
