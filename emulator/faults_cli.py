"""``nst faults``: set, list and take back faults of an emulator that runs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import click

from emulator.core.faults import EFFECTS
from emulator.settings import AWS_PORT

TIMEOUT_S = 5.0


@click.group("faults")
@click.option("--aws-port", default=AWS_PORT, show_default=True, help="The emulator's AWS port.")
@click.pass_context
def faults(context: click.Context, aws_port: int) -> None:
    """Make calls, tasks or clocks of a running emulator fail, by rule."""
    context.obj = f"http://127.0.0.1:{aws_port}/_nst/faults"


@faults.command("add")
@click.argument("effect", type=click.Choice(EFFECTS))
@click.option("--service", default="*", help="As on the endpoint: s3, ecs, states, lambda, ...")
@click.option("--operation", default="*", help="RunTask, Put*, ...")
@click.option("--caller", default="*", help="A pattern for the caller's ARN.")
@click.option("--probability", type=float, help="Of each call; 1 by default.")
@click.option("--nth", type=int, help="Only the nth such call.")
@click.option("--times", type=int, help="At most so often.")
@click.option("--code", help="The error's code, for effect error.")
@click.option("--status", type=int, help="The error's HTTP status.")
@click.option("--seconds", type=float, help="Of a delay; until a task is struck.")
@click.pass_obj
def add(url: str, /, **given: Any) -> None:
    """Set a rule; prints its id."""
    rule = {name: value for name, value in given.items() if value is not None}
    click.echo(_request(url, "POST", rule)["id"])


@faults.command("list")
@click.pass_obj
def show(url: str) -> None:
    """Show the rules, and how often each has struck."""
    rules = _request(url, "GET")["rules"]
    for rule in rules:
        click.echo(json.dumps(rule))
    if not rules:
        click.echo("No faults are set.")


@faults.command("clear")
@click.argument("ident", required=False)
@click.pass_obj
def clear(url: str, ident: str | None) -> None:
    """Take back the rule of that id, or all of them."""
    answer = _request(f"{url}/{ident}" if ident else url, "DELETE")
    click.echo(f"{answer['removed']} taken back.")


def _request(url: str, method: str, document: Any = None) -> dict[str, Any]:
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, body, method=method)  # noqa: S310 (our own)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise click.ClickException(json.load(error)["message"]) from error
    except (urllib.error.URLError, OSError) as error:
        raise click.ClickException("No emulator runs there. Start one with: nst up") from error
