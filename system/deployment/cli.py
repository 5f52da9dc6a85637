"""``nst deploy``, ``nst smoke``, ``nst destroy``."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from system import artifacts, website
from system.deployment import registry, steps
from system.deployment.registry import WorkerImage
from system.deployment.smoke import smoke_test
from system.deployment.steps import Target
from system.deployment.terraform import DeploymentError, Terraform
from system.engine import EngineError

Step = Callable[[str, Callable[[], object]], None]
ROOT = Path(__file__).resolve().parent.parent.parent

_target = click.option(
    "--endpoint-url",
    help="An emulator's AWS endpoint, such as http://127.0.0.1:4566; without it, AWS.",
)
_name = click.option("--name", default="nst", show_default=True, help="Prefix of every resource.")
_region = click.option("--region", default="us-east-1", show_default=True)


@click.command("deploy")
@_target
@_name
@_region
@click.option("--budget", type=click.FloatRange(0.01, 1_000_000), help="First limit in dollars.")
@click.option("--image", default="", help="The worker's image; on AWS it is built without.")
@click.option("--build-image", is_flag=True, help="Build the worker's image for an emulator, too.")
@click.option(
    "--live-events", is_flag=True, help="Stream the events of runs; on AWS it has a monthly price."
)
@click.option(
    "--plan", "only_plan", is_flag=True, help="Say what would change, and change nothing."
)
def deploy(  # noqa: PLR0917 - click passes by name
    endpoint_url: str | None,
    name: str,
    region: str,
    budget: float | None,
    image: str,
    build_image: bool,
    live_events: bool,
    only_plan: bool,
) -> None:
    """Build zips and image, apply Terraform, upload the website, make the first ledger."""
    target = Target(endpoint_url, region, name)
    if image and build_image:
        raise click.UsageError("--image names an image that is there; --build-image builds one.")
    if not website.built():
        if endpoint_url is None:
            raise click.ClickException(website.HOW_TO_BUILD)
        click.echo(f"  {website.HOW_TO_BUILD}")
    try:
        worker = None if image else registry.built(target, click.echo, asked=build_image)
        address = worker.address if worker else image
        terraform = prepared(target, address, live_events=live_events)
        if only_plan:
            click.echo(terraform.plan() or "No changes.")
            return
        limit = round(budget * 1_000_000) if budget else None
        outputs = apply_all(target, terraform, limit, _step, worker)
    except (DeploymentError, EngineError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Deployed: {web_address(target, outputs)}")


@click.command("smoke")
@_target
@_name
@_region
def smoke(endpoint_url: str | None, name: str, region: str) -> None:
    """Run the whole flow once, with a tiny painting, against what was deployed."""
    target = Target(endpoint_url, region, name)
    try:
        outputs = prepared(target, "").outputs()
        address = web_address(target, outputs)
        for line in smoke_test(address):
            click.echo(f"  {line}")
    except DeploymentError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{address} works.")


@click.command("destroy")
@_target
@_name
@_region
@click.confirmation_option(prompt="Remove everything that was deployed, pictures and ledger too?")
def destroy(endpoint_url: str | None, name: str, region: str) -> None:
    """Remove everything that ``nst deploy`` made, but the bucket of Terraform's state."""
    try:
        _step("terraform destroy", prepared(Target(endpoint_url, region, name), "").destroy)
    except DeploymentError as error:
        raise click.ClickException(str(error)) from error


def apply_all(
    target: Target,
    terraform: Terraform,
    limit_microusd: int | None,
    step: Step,
    worker: WorkerImage | None = None,
) -> dict[str, Any]:
    """Everything after ``prepared``; ``step(what, work)`` does each. Gives Terraform's outputs."""
    if worker is not None and worker.can_be_pushed():
        step("image", worker.push)  # before tasks are told to run it
    step("terraform apply", terraform.apply)
    if worker is not None:
        step("image", worker.push)  # the first time, into the repository that was just made
    outputs = terraform.outputs()
    step("website and house styles", lambda: steps.upload_files(target, outputs["buckets"]))
    step("first ledger", lambda: steps.first_ledger(target, limit_microusd))
    reference = f"nst-deploy-{time.time_ns()}"
    step("CDN's cache", lambda: steps.invalidate(target, outputs["distribution_id"], reference))
    return outputs


def prepared(target: Target, image: str, *, live_events: bool = False) -> Terraform:
    """Terraform, initialised for the target, with fresh zips to deploy."""
    artifacts.write(ROOT / "build" / "zips")
    steps.state_bucket(target)
    place = "aws" if target.endpoint_url is None else "emulator"
    variables: dict[str, Any] = {"name": target.name, "region": target.region}
    if live_events:
        variables["live_events"] = True
    if image:
        variables["worker_image"] = image
    if target.endpoint_url is not None:
        variables["aws_endpoint_url"] = target.endpoint_url
        web = edge_of(target.endpoint_url)
        if web is not None:
            variables["more_web_origins"] = [web, web.replace("//localhost", "//127.0.0.1")]
    terraform = Terraform(
        ROOT / "build" / "terraform" / f"{place}-{target.name}", target.backend(), variables
    )
    terraform.init()
    return terraform


def web_address(target: Target, outputs: dict[str, Any]) -> str:
    """Where the page is: the emulator's own edge, or the distribution's address."""
    web = None if target.endpoint_url is None else edge_of(target.endpoint_url)
    return str(outputs["web_url"]) if web is None else web


def edge_of(endpoint_url: str) -> str | None:
    """Where the emulator at ``endpoint_url`` serves the page.

    None for an emulator that is not ours (LocalStack): it serves distributions under their own
    names. Raises DeploymentError when nothing answers.
    """
    try:
        with urllib.request.urlopen(f"{endpoint_url}/_nst/status", timeout=10) as answer:  # noqa: S310
            return str(json.load(answer)["web"])
    except urllib.error.HTTPError:
        return None
    except (urllib.error.URLError, ValueError, KeyError, TimeoutError) as error:
        raise DeploymentError(
            f"No emulator answers at {endpoint_url} ({error}). Start one: nst up --bare"
        ) from error


def _step(what: str, work: Callable[[], object]) -> None:
    begun = time.monotonic()
    work()
    click.echo(f"  {what}: {time.monotonic() - begun:.1f} s")
