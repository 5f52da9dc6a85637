"""``nst run``, ``nst budget`` and ``nst stop``: the public API from a terminal.

Exit codes: 0 done, 2 something about the input, 3 refused (no budget, no room), 4 the run failed
or was stopped elsewhere, 5 nobody answers at the address, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from system import gallery, money, runs
from system.client import errors, pictures
from system.client.client import Admission, NstClient
from system.client.run_progress import RunProgress

ENDPOINT = "http://localhost:8080"
BAD_INPUT, REFUSED, FAILED, UNREACHABLE, INTERRUPTED = 2, 3, 4, 5, 130
SETTLE_WAIT_S = 30.0

_out = Console(highlight=False, soft_wrap=True)
_err = Console(highlight=False, soft_wrap=True, stderr=True)

_endpoint = click.option(
    "--endpoint",
    envvar="NST_ENDPOINT",
    default=ENDPOINT,
    show_default=True,
    show_envvar=True,
    help="Address of the system.",
)


@dataclass(frozen=True)
class Picture:
    """A picture to upload: where it is, what it is, how large it is in bytes."""

    path: Path
    content_type: str
    size: int


@click.command("run")
@click.argument("content", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("styles", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="Where the painting goes (PNG).",
)  # fmt: skip
@click.option(
    "--gallery", "house", multiple=True, type=click.Choice(sorted(gallery.ids())),
    help="A house style, besides or instead of STYLES.",
)  # fmt: skip
@click.option(
    "--algorithm", default="painted", show_default=True, type=click.Choice(runs.ALGORITHMS),
    help="Stroke by stroke, or at once by a trained network (no quality, no seed).",
)  # fmt: skip
@click.option("--quality", default="good", show_default=True, type=click.Choice(runs.QUALITIES))
@click.option(
    "--size", default=512, show_default=True, type=click.IntRange(runs.SIZE_MIN, runs.SIZE_MAX),
    help="Longest side in pixels.",
)  # fmt: skip
@click.option(
    "--strength", default=1.0, show_default=True, type=click.FloatRange(0, runs.STRENGTH_MAX),
    help="How far the style may go.",
)  # fmt: skip
@click.option(
    "--style-scale", default=1.0, show_default=True,
    type=click.FloatRange(runs.STYLE_SCALE_MIN, runs.STYLE_SCALE_MAX),
    help="How large the style's strokes are.",
)  # fmt: skip
@click.option(
    "--colours", default="style", show_default=True, type=click.Choice(runs.COLOURS),
    help="The style's; CONTENT's palette, laid on by the strokes; or CONTENT's own at every place.",
)  # fmt: skip
@click.option("--keep-colours", is_flag=True, hidden=True, help="Older name of --colours photo.")
@click.option(
    "--mask", "masks", multiple=True, metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Where a style is painted, white on black (PNG); one for each style, in their order, those"
    " of the gallery last. What no mask has stays a photograph.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, runs.SEED_MAX))
@click.option("--no-check", is_flag=True, help="Send files that do not look like pictures, too.")
@_endpoint
def run(  # noqa: PLR0917 (one for each option)
    content: Path,
    styles: tuple[Path, ...],
    output: Path,
    house: tuple[str, ...],
    algorithm: str,
    quality: str,
    size: int,
    strength: float,
    style_scale: float,
    colours: str,
    keep_colours: bool,
    masks: tuple[Path, ...],
    seed: int,
    no_check: bool,
    endpoint: str,
) -> None:
    """Paint CONTENT in the manner of 1 to 4 STYLES, through the system's public API."""
    if not 1 <= len(styles) + len(house) <= runs.STYLES_MAX:
        raise click.UsageError(f"Give 1 to {runs.STYLES_MAX} styles: files, or --gallery.")
    if output.suffix.lower() != ".png":
        raise click.UsageError(f"The painting is a PNG: call it {output.with_suffix('.png')}.")
    if not os.access(output.resolve().parent, os.W_OK):
        raise click.UsageError(f"Nothing can be written to {output.resolve().parent}.")
    if keep_colours and colours == "palette":
        raise click.UsageError("--keep-colours is --colours photo: give one of the two.")
    files = [_look(path, no_check=no_check) for path in (content, *styles)]
    planes = _masks(masks, len(styles) + len(house), no_check=no_check)
    params = {
        "algorithm": algorithm,
        "size": size,
        "quality": quality,
        "strength": strength,
        "colours": "photo" if keep_colours else colours,
        "style_scale": style_scale,
        "masks": bool(masks),
        "seed": seed,
    }
    with _client(endpoint) as client:
        before = client.budget()
        admission = client.admit(
            files[0].content_type,
            [{"content_type": f.content_type} for f in files[1:]] + [{"gallery": i} for i in house],
        )
        posts = [post for post in (admission.content, *admission.styles) if post is not None]
        posts += [client.mask_post(admission.run_id, place) for place in range(len(planes))]
        for file in files:
            if file.size > admission.max_upload_bytes and not no_check:
                most = admission.max_upload_bytes / 2**20
                _end(BAD_INPUT, f"{file.path} is larger than the {most:.0f} MiB that are allowed.")
        with RunProgress(_err) as progress:
            for file, post in zip(files + planes, posts, strict=True):
                client.upload(post, file.path, progress.upload(file.path.name, file.size))
            with _stopping(client, admission.run_id, progress):
                asked: list[dict[str, str]] = [{}] * len(styles) + [{"gallery": i} for i in house]
                ceiling = client.start(admission.run_id, asked, params)
                _out.print(
                    f"This painting costs {money.display(ceiling)} at most; "
                    f"{_left(before)}. Run {admission.run_id}"
                )
                early = _follow(client, admission, output, progress)
        if early:
            _out.print("The time of this run was up: this is the best picture until then.")
        _say_cost(client, admission.run_id, before, ceiling, output)


@click.command("budget")
@_endpoint
def budget(endpoint: str) -> None:
    """Show what is left of the budget, and what a painting costs at most."""
    with _client(endpoint) as client:
        now = client.budget()
    said = now.get("display", {})
    _out.print(
        f"{said.get('available')} left of {said.get('limit')}: "
        f"{said.get('spent')} spent, {said.get('reserved')} reserved for running paintings."
    )
    _out.print(
        f"The cheapest painting costs {said.get('run_ceiling')} at most: enough for "
        f"{now.get('runs_left')}. The budget renews at {now.get('renews_at')}."
    )
    if not now.get("accepting"):
        _out.print(f"No painting is started now: {now.get('reason')}.")


@click.command("stop")
@click.argument("run_id")
@_endpoint
def stop(run_id: str, endpoint: str) -> None:
    """Stop the run RUN_ID; stopping it again does no harm."""
    if not runs.is_run_id(run_id):
        raise click.UsageError("A run id is 32 lower-case hexadecimal digits.")
    with _client(endpoint) as client:
        client.stop(run_id)
        _out.print(f"Run {run_id} is being stopped.")


def _look(path: Path, *, no_check: bool) -> Picture:
    try:
        with path.open("rb") as file:
            kind = pictures.content_type(file.read(pictures.HEAD_BYTES))
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}.") from error
    if kind is None and not no_check:
        known = ", ".join(sorted(t.removeprefix("image/").upper() for t in runs.CONTENT_TYPES))
        raise click.UsageError(f"{path} is no picture of a kind that can be used ({known}).")
    return Picture(path, kind or pictures.UNKNOWN, path.stat().st_size)


def _masks(paths: tuple[Path, ...], styles: int, *, no_check: bool) -> list[Picture]:
    if paths and len(paths) != styles:
        raise click.UsageError(
            f"{len(paths)} masks for {styles} styles: give one for each style, or none."
        )
    found = [_look(path, no_check=no_check) for path in paths]
    for mask in found:
        if mask.content_type != runs.MASK_TYPE and not no_check:
            raise click.UsageError(f"{mask.path} is no PNG, as a mask must be.")
        if mask.size > runs.MASK_BYTES_MAX and not no_check:
            most = runs.MASK_BYTES_MAX / 2**20
            raise click.UsageError(f"{mask.path} is larger than the {most:.0f} MiB of a mask.")
    return found


def _follow(client: NstClient, admission: Admission, output: Path, progress: RunProgress) -> bool:
    """Wait for the painting and save it; says whether the run had to stop early."""
    early = False
    problem: dict[str, Any] | None = None
    state = ""
    for event in client.events(admission.run_id, admission.links):
        progress.event(event)
        if event.type == "state":
            state = str(event.fields["state"])
            problem = event.fields.get("problem") or problem
        elif event.type == "result":
            early = bool(event.fields["stopped_early"])
    if state != "succeeded":
        # The worker may have ended without a word: then only the API knows how the run ended.
        final = client.settled(admission.run_id, SETTLE_WAIT_S)
        if state == "cancelled" or final.state == "cancelled":
            raise errors.RunStoppedError(final.cause or problem)
        if final.state != "succeeded":
            raise errors.RunFailedError(problem or final.cause)
    client.download(admission.run_id, output)
    return early


def _say_cost(
    client: NstClient, run_id: str, before: dict[str, Any], ceiling: int, output: Path
) -> None:
    state = client.settled(run_id, SETTLE_WAIT_S)
    after = client.budget()
    spent = after["spent_microusd"] - before["spent_microusd"]
    # The difference is this run's cost only if nobody else painted meanwhile.
    alone = before["reserved_microusd"] == after["reserved_microusd"] == 0 and 0 < spent <= ceiling
    cost = money.display(spent) if alone and state.final else f"{money.display(ceiling)} at most"
    _out.print(f"{output} is painted. It cost {cost}; {_left(after)}.")


def _left(view: dict[str, Any]) -> str:
    return f"{money.display(view['available_microusd'])} of the budget left"


@contextlib.contextmanager
def _stopping(client: NstClient, run_id: str, progress: RunProgress) -> Iterator[None]:
    """Ctrl-C stops the run on the server, too: it costs money there."""
    try:
        yield
    except KeyboardInterrupt:
        progress.say("stopping")
        try:
            client.stop(run_id)
        except errors.NotFoundError:
            _end(INTERRUPTED, "Nothing was started.")
        except (errors.ClientError, KeyboardInterrupt) as error:
            _end(INTERRUPTED, f"The run may still go on ({error}). Stop it: nst stop {run_id}")
        _end(INTERRUPTED, f"Run {run_id} is stopped.")
    except (errors.UnreachableError, errors.BadAnswerError):
        _err.print(f"The run may still go on; to stop it: nst stop {run_id}")
        raise


@contextlib.contextmanager
def _client(endpoint: str) -> Iterator[NstClient]:
    """A client whose errors end the command with a sentence and a code."""
    codes: list[tuple[type[errors.ClientError], int, Callable[[str], str]]] = [
        (errors.RefusedError, REFUSED, str),
        (errors.InvalidInputError, BAD_INPUT, str),
        (errors.UploadFailedError, BAD_INPUT, str),
        (
            errors.UnreachableError,
            UNREACHABLE,
            "{} To run the system on this machine: nst up".format,
        ),
        (errors.BadAnswerError, UNREACHABLE, str),
        (errors.ClientError, FAILED, str),
    ]
    try:
        with NstClient(endpoint) as client:
            yield client
    except errors.ClientError as error:
        code, text = next((c, text) for kind, c, text in codes if isinstance(error, kind))
        _end(code, text(str(error)))
    except OSError as error:
        _end(BAD_INPUT, f"{error.filename or 'A file'}: {error.strerror}.")


def _end(code: int, text: str) -> NoReturn:
    _err.print(text, markup=False)
    raise click.exceptions.Exit(code)
