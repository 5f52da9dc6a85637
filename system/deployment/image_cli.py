"""``nst image``: build the worker's image."""

from __future__ import annotations

from pathlib import Path

import click

from system.deployment import image as worker_image
from system.engine import EngineError


@click.command("image")
@click.option("--tag", default=worker_image.TAG, show_default=True, help="What to call it.")
@click.option(
    "--base",
    default=worker_image.BASE,
    show_default=True,
    help="A Debian with Python 3.11 or newer and pip.",
)
@click.option("--platform", help="Such as linux/amd64; without it, the engine's own.")
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with the packages; without it, pip downloads them as it is set up here.",
)
def image(tag: str, base: str, platform: str | None, wheels: Path | None) -> None:
    """Build the worker's image with the Docker engine."""
    try:
        ident = worker_image.build(tag, base, platform, wheels=wheels, say=click.echo)
    except EngineError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{tag} is built ({ident[:19]}). Run tasks in it: nst up --tasks docker")
