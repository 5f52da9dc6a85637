"""``nst stylize``: paint a picture on this machine, without cloud or emulator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from worker import engine
from worker.engine.params import (
    ALGORITHMS,
    COLOURS,
    MEMORY_MIB_MIN,
    QUALITIES,
    SIZE_MAX,
    SIZE_MIN,
    STRENGTH_MAX,
    STYLE_SCALE_MAX,
    STYLE_SCALE_MIN,
    STYLES_MAX,
)

_Decoded = TypeVar("_Decoded")
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("content", type=_EXISTING)
@click.argument("styles", metavar="STYLE...", type=_EXISTING, nargs=-1, required=True)
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="Where the result goes; .jpg makes a JPEG, anything else a PNG.",
)  # fmt: skip
@click.option("--algorithm", default="painted", show_default=True, type=click.Choice(ALGORITHMS),
              help="Stroke by stroke, or at once by a trained network (no quality, no seed).",
              )  # fmt: skip
@click.option("--size", default=512, show_default=True, help="Longest side in pixels.",
              type=click.IntRange(SIZE_MIN, SIZE_MAX))  # fmt: skip
@click.option("--quality", default="good", show_default=True, type=click.Choice(QUALITIES),
              help="How much work is done.")  # fmt: skip
@click.option("--strength", default=1.0, show_default=True, type=click.FloatRange(0, STRENGTH_MAX),
              help="0 keeps the drawing, 2 lets the style rule.")  # fmt: skip
@click.option("--weights", default="", metavar="W,W...",
              help="How much each style counts, such as 2,1; default: all the same.")  # fmt: skip
@click.option("--style-scale", default=1.0, show_default=True,
              type=click.FloatRange(STYLE_SCALE_MIN, STYLE_SCALE_MAX),
              help="How large the style's strokes are.")  # fmt: skip
@click.option("--colours", default="style", show_default=True, type=click.Choice(COLOURS),
              help="The style's; the photograph's palette, laid on by the strokes; or the"
              " photograph's own at every place.")  # fmt: skip
@click.option("--keep-colours", is_flag=True, hidden=True, help="Older name of --colours photo.")
@click.option("--mask", "masks", multiple=True, metavar="FILE", type=_EXISTING,
              help="Where a style is painted, white on black; one for each STYLE, in their order."
              " What no mask has stays a photograph.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1),
              help="Another seed is another take.")  # fmt: skip
@click.option("--deadline", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
              help="Stop after this time with the best picture so far.")  # fmt: skip
@click.option("--memory", type=click.IntRange(MEMORY_MIB_MIN), metavar="MIB",
              help="What the process may have; large pictures then take longer, or are refused.",
              )  # fmt: skip
def stylize(  # noqa: PLR0917 - click passes by name
    content: Path,
    styles: tuple[Path, ...],
    output: Path,
    algorithm: engine.Algorithm,
    size: int,
    quality: engine.Quality,
    strength: float,
    weights: str,
    style_scale: float,
    colours: engine.Colours,
    keep_colours: bool,
    masks: tuple[Path, ...],
    seed: int,
    deadline: float | None,
    memory: int | None,
) -> None:
    """Paint CONTENT in the manner of one to four STYLE pictures."""
    if len(styles) > STYLES_MAX:
        raise click.UsageError(f"At most {STYLES_MAX} styles, not {len(styles)}.")
    try:
        params = engine.EngineParams(
            size=size,
            quality=quality,
            strength=strength,
            style_weights=_weights(weights),
            colours=_colours(colours, keep_colours=keep_colours),
            style_scale=style_scale,
            seed=seed,
            deadline_s=deadline,
            memory_mib=memory,
            algorithm=algorithm,
        )
        params.weights_for(len(styles))
    except engine.ParameterError as error:
        raise click.UsageError(str(error)) from error
    if masks and len(masks) != len(styles):
        raise click.UsageError(
            f"{len(masks)} masks for {len(styles)} styles: give one for each style, or none."
        )
    if not output.parent.is_dir():
        raise click.UsageError(f"There is no folder {output.parent}.")
    photograph = _read(content, size)
    shown = [_read(path, max(size, params.style_side(size))) for path in styles]
    regions = [_read_mask(path, size) for path in masks]
    try:
        result = _paint(photograph, shown, regions, params)
    except (engine.ParameterError, engine.PictureError) as error:
        # a bound of memory that cannot be kept, or a mask that does not fit
        raise click.UsageError(str(error)) from error
    jpeg = output.suffix.lower() in (".jpg", ".jpeg")
    output.write_bytes(engine.encode(result.image, "JPEG" if jpeg else "PNG"))
    height, width = result.image.shape[:2]
    early = " (stopped at the deadline)" if result.stopped_early else ""
    steps = "passes" if algorithm == "instant" else "evaluations"
    click.echo(
        f"{output}: {width} x {height} px, {result.steps} of {result.steps_total} {steps}"
        f"{early}, {result.cpu_s:.1f} CPU-seconds, {result.dtype}"
    )


def _colours(colours: engine.Colours, *, keep_colours: bool) -> engine.Colours:
    if keep_colours and colours == "palette":
        raise engine.ParameterError("--keep-colours is --colours photo: give one of the two.")
    return "photo" if keep_colours else colours


def _weights(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError as error:
        raise engine.ParameterError(f"{text} is not a list of numbers such as 2,1.") from error


def _read(path: Path, size: int) -> engine.Picture:
    return _decoded(path, lambda data: engine.decode(data, side=size))


def _read_mask(path: Path, size: int) -> engine.Mask:
    return _decoded(path, lambda data: engine.decode_mask(data, side=size))


def _decoded(path: Path, decode: Callable[[bytes], _Decoded]) -> _Decoded:
    try:
        return decode(path.read_bytes())
    except engine.PictureError as error:
        raise click.UsageError(f"{path}: {error.message}") from error
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}.") from error


def _paint(
    content: engine.Picture,
    styles: list[engine.Picture],
    masks: list[engine.Mask],
    params: engine.EngineParams,
) -> engine.StyleResult:
    """Run the engine under a progress bar; Ctrl-C stops within one evaluation."""
    bar = Progress(
        TextColumn("{task.fields[side]:>4} px"),
        BarColumn(),
        TaskProgressColumn(),
        *([] if params.algorithm == "instant" else [TextColumn("loss {task.fields[loss]:.4f}")]),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("paint", total=None, side=0, loss=float("nan"))

        def show(progress: engine.Progress) -> None:
            bar.update(
                task,
                total=progress.steps_total,
                completed=progress.step,
                side=progress.side,
                loss=progress.loss,
            )

        return engine.stylize(content, styles, params, show, masks=masks)
