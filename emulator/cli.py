"""``nst up``, ``nst down``, ``nst status``: the emulator from the command line."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from emulator.core.errors import EmulatorError
from emulator.settings import (
    AWS_PORT,
    EDGE_PORT,
    TASK_DRIVERS,
    Settings,
    TaskDriver,
    state_dir,
)
from system import website
from system.settings import BUDGET_STORES, BudgetStore

DETACH_TIMEOUT_S = 60.0
DOWN_TIMEOUT_S = 20.0
POLL_S = 0.05


@click.command("up")
@click.option("--aws-port", default=AWS_PORT, show_default=True, help="Port of the AWS endpoint.")
@click.option("--edge-port", default=EDGE_PORT, show_default=True, help="Port of the web page.")
@click.option(
    "--stepfunctions-port",
    type=int,
    help="Also serve Step Functions here, as AWS Step Functions Local does (its port is 8083).",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep buckets, budget, runs and tasks here; without it, all is gone when it ends.",
)
@click.option("--budget", type=click.FloatRange(0.01, 1_000_000), help="Limit in dollars.")
@click.option(
    "--ledger",
    type=click.Choice(BUDGET_STORES),
    default="s3",
    show_default=True,
    help="Where the budget is kept.",
)
@click.option(
    "--tasks",
    type=click.Choice(TASK_DRIVERS),
    default="processes",
    show_default=True,
    help="What runs a task: a process of this machine, or a container (needs nst image).",
)
@click.option(
    "--live-events", is_flag=True, help="Stream the events of runs (on AWS: a load balancer)."
)
@click.option("--bare", is_flag=True, help="Start empty, without the NST system.")
@click.option("--no-iam", is_flag=True, help="Check no permissions: every key may do everything.")
@click.option(
    "--aws-timing", is_flag=True, help="Be as slow as AWS: a task takes 45 s to start, say."
)
@click.option("--detach", is_flag=True, help="Run in the background; returns when it is ready.")
@click.option("--log-level", default="warning", type=click.Choice(["debug", "info", "warning"]))
def up(  # noqa: PLR0917 - click passes by name
    aws_port: int,
    edge_port: int,
    stepfunctions_port: int | None,
    host: str,
    data_dir: Path | None,
    budget: float | None,
    ledger: BudgetStore,
    tasks: TaskDriver,
    live_events: bool,
    bare: bool,
    no_iam: bool,
    aws_timing: bool,
    detach: bool,
    log_level: str,
) -> None:
    """Start the emulator with the system deployed; Ctrl-C ends it."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        # Meant for the user's own account: inside the emulator a profile that does not exist in
        # the configuration would break moto, and one that does means nothing.
        os.environ.pop(name, None)
    try:
        settings = Settings(
            host=host,
            aws_port=aws_port,
            edge_port=edge_port,
            stepfunctions_port=stepfunctions_port,
            data_dir=data_dir.resolve() if data_dir else None,
            bare=bare,
            iam=not no_iam,
            limit_microusd=round(budget * 1_000_000) if budget else None,
            budget_store=ledger,
            tasks=tasks,
            aws_timing=aws_timing,
            live_events=live_events,
        )
        if detach:
            _detach(settings, budget, log_level)
        else:
            logging.basicConfig(
                level=log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s"
            )
            asyncio.run(_serve(settings))
    except EmulatorError as error:
        raise click.ClickException(str(error)) from error


@click.command("status")
@click.option("--aws-port", default=AWS_PORT, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(aws_port: int, as_json: bool) -> None:
    """Say whether an emulator runs, and where."""
    found = _running(aws_port)
    if as_json:
        click.echo(json.dumps(found or {"running": False}, indent=2))
    elif found:
        click.echo(_greeting(found, None))
    else:
        click.echo(f"No emulator runs on port {aws_port}. Start one with: nst up")
    sys.exit(0 if found else 1)


@click.command("down")
@click.option("--aws-port", default=AWS_PORT, show_default=True)
def down(aws_port: int) -> None:
    """End the emulator that runs on that port."""
    note = _note(aws_port)
    pid = note.get("pid") if note else None
    if pid is None or not _alive(pid):
        _note_path(aws_port).unlink(missing_ok=True)
        click.echo(f"No emulator runs on port {aws_port}.")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_TIMEOUT_S
    while _alive(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            click.echo(f"It did not end in {DOWN_TIMEOUT_S:.0f} s and was killed.")
            break
        time.sleep(POLL_S)
    _note_path(aws_port).unlink(missing_ok=True)
    click.echo("Stopped.")


async def _serve(settings: Settings) -> None:
    from emulator.emulator import Emulator  # noqa: PLC0415 (after the command line is checked)

    started = time.monotonic()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    starting = asyncio.create_task(Emulator(settings).__aenter__())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return
    emulator = starting.result()
    # What moto and the SDK's models have brought stays to the end. Left to the garbage collector,
    # its full passes over it would stop every answer for a fifth of a second, again and again.
    gc.freeze()
    try:
        from emulator.endpoint.internal import status as describe  # noqa: PLC0415

        found = {"running": True, **describe(emulator)}
        note = _note_path(int(emulator.aws_url.rsplit(":", 1)[1]))
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(found), encoding="utf-8")
        click.echo(_greeting(found, time.monotonic() - started))
        try:
            await stop.wait()
            click.echo("Stopping ...")
        finally:
            note.unlink(missing_ok=True)
    finally:
        await emulator.__aexit__()


def _greeting(found: dict[str, Any], seconds: float | None) -> str:
    web, aws = found["web"], found["aws"]
    took = f" in {seconds:.1f} s" if seconds is not None else ""
    kept = (
        f"state is kept in {found['data_dir']}"
        if found["data_dir"]
        else "memory only: everything is gone when it ends; --data-dir keeps it"
    )
    lines = [f"The emulator is up{took} ({kept})."]
    if found["deployed"]:
        lines.append(
            f"  web page      {web}   (also {web.replace('localhost', 'nst-art.localhost')})"
        )
        if not website.built():
            lines.append(f"                {website.HOW_TO_BUILD}")
    lines.append(f"  AWS endpoint  {aws}   (key test, secret test, region us-east-1)")
    if found.get("stepfunctions"):
        local = found["stepfunctions"]
        lines.append(f"  Step Functions Local {local}   (account 123456789012, any key)")
    if found["tasks"] == "docker":
        address = found["containers_address"]
        also = f"; the AWS endpoint also listens on {address}, for them" if address else ""
        lines.append(f"  tasks         containers{also}")
    if found["aws_timing"]:
        lines.append("  timing        as slow as AWS: a task takes 45 s to start, and so on")
    recovered = found.get("recovered") or {}
    if any(recovered.values()):
        lines.append(
            f"  recovered     {recovered['executions']} runs and {recovered['tasks']} tasks were "
            "cut off by the last end; their money is being settled"
        )
    if found["deployed"]:
        default = web.endswith(f":{EDGE_PORT}")
        option = "" if default else f" --endpoint {web}"
        lines.append(f"  try           nst run photo.jpg style.jpg -o painting.png{option}")
    else:
        lines.append(f"  try           aws --endpoint-url {aws} s3 mb s3://pictures")
    return "\n".join(lines)


def _detach(settings: Settings, budget: float | None, log_level: str) -> None:
    if settings.aws_port and _running(settings.aws_port):
        raise EmulatorError(
            f"An emulator runs on port {settings.aws_port} already; nst down ends it."
        )
    state_dir().mkdir(parents=True, exist_ok=True)
    log_path = state_dir() / f"{settings.aws_port}.log"
    command = [
        sys.executable, "-m", "emulator", "up",
        "--aws-port", str(settings.aws_port), "--edge-port", str(settings.edge_port),
        "--host", settings.host, "--log-level", log_level,
        *(
            []
            if settings.stepfunctions_port is None
            else ["--stepfunctions-port", str(settings.stepfunctions_port)]
        ),
        *(["--data-dir", str(settings.data_dir)] if settings.data_dir else []),
        *(["--budget", str(budget)] if budget else []),
        "--ledger", settings.budget_store, "--tasks", settings.tasks,
        *(["--live-events"] if settings.live_events else []),
        *(["--bare"] if settings.bare else []),
        *([] if settings.iam else ["--no-iam"]),
        *(["--aws-timing"] if settings.aws_timing else []),
    ]  # fmt: skip
    with log_path.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 (our own program)
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True
        )
    deadline = time.monotonic() + DETACH_TIMEOUT_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            said = log_path.read_text(encoding="utf-8", errors="replace").strip()
            raise EmulatorError(said.removeprefix("Error: ") or "The emulator ended at once.")
        note = _note(settings.aws_port)
        if note and note.get("pid") == child.pid:
            click.echo(_greeting(note, None))
            click.echo(f"  log           {log_path}\n  end it with   nst down")
            return
        time.sleep(POLL_S)
    child.terminate()
    raise EmulatorError(f"The emulator was not ready in {DETACH_TIMEOUT_S:.0f} s; see {log_path}.")


def _note_path(aws_port: int) -> Path:
    return state_dir() / f"{aws_port}.json"


def _note(aws_port: int) -> dict[str, Any] | None:
    try:
        loaded = json.loads(_note_path(aws_port).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None


def _running(aws_port: int) -> dict[str, Any] | None:
    note = _note(aws_port)
    url = note["aws"] if note else f"http://127.0.0.1:{aws_port}"
    try:
        with urllib.request.urlopen(f"{url}/_nst/status", timeout=5) as answer:  # noqa: S310
            return {"running": True, **json.load(answer)}
    except (urllib.error.URLError, OSError, ValueError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state_of(pid) != "Z"


def _state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "?"
