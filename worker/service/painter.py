"""The engine of ``worker.engine`` as the service wants it.

PyTorch or onnxruntime is imported in ``prepare``, which is called after the task has reported that
it started; a run loads the one that it needs.
"""

# ruff: noqa: PLC0415  (the engine is imported after the run has begun)

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from system import runs
from worker.service import cpus
from worker.service.ports import Painting, ParametersRefusedError, PictureRefusedError, Step

if TYPE_CHECKING:
    from worker.engine.params import Algorithm, Colours, EngineParams, Progress, Quality

DEADLINE_S_MIN = 0.1
"""When the time is over before the first step, the engine gives the picture it begins with."""


@dataclass(frozen=True)
class Pictures:
    """The decoded pictures of a run; masks: one for each style, or none."""

    content: Any
    styles: list[Any]
    masks: list[Any]


class Painter:
    """The engine for one run, by the algorithm that it asks for."""

    def prepare(self, run: Mapping[str, Any]) -> None:
        """Import what computes, with no more threads than processors, and load the weights.

        What is wrong with the run is for ``check`` to say.
        """
        processors = cpus.allowed()
        if run["params"].get("algorithm") == "instant":
            from worker.engine import instant

            instant.load(processors)
            return
        import torch

        from worker.engine import network

        if processors is not None:
            torch.set_num_threads(min(processors, torch.get_num_threads()))
        network.network(network.fastest_dtype())

    def check(
        self,
        content: bytes,
        styles: Sequence[bytes],
        masks: Sequence[bytes],
        run: Mapping[str, Any],
    ) -> Pictures:
        """Decode the pictures, no larger than they will be looked at."""
        params = _checked(run, len(styles))
        side = max(params.size, params.style_side(params.size))
        pictures = Pictures(
            _decode(content, "content picture", params.size),
            [
                _decode(style, f"style picture {place}", side)
                for place, style in enumerate(styles, start=1)
            ],
            [
                _decode_mask(mask, f"mask {place}", params.size)
                for place, mask in enumerate(masks, start=1)
            ],
        )
        if pictures.masks:
            _check_masks(pictures, params.size)
        return pictures

    def paint(
        self,
        pictures: Pictures,
        run: Mapping[str, Any],
        deadline_s: float,
        on_step: Callable[[Step], None],
        stopped: Callable[[], bool],
    ) -> Painting:
        """Paint, and encode the result as PNG."""
        from worker.engine import stylize
        from worker.engine.pictures import encode

        result = stylize(
            pictures.content,
            pictures.styles,
            _params(run, max(DEADLINE_S_MIN, deadline_s)),
            on_progress=lambda progress: on_step(_step(progress)),
            should_stop=stopped,
            masks=pictures.masks,
        )
        return Painting(
            png=encode(result.image),
            steps=result.steps,
            dtype=result.dtype,
            cpu_s=result.cpu_s,
            stopped_early=result.stopped_early,
        )


def _checked(run: Mapping[str, Any], styles: int) -> EngineParams:
    """The parameters of a run input; raises ParametersRefusedError."""
    from worker.engine.errors import ParameterError

    try:
        params = _params(run, DEADLINE_S_MIN)
        params.weights_for(styles)
    except (runs.InvalidRunError, ParameterError) as error:
        raise ParametersRefusedError(str(error)) from error
    return params


def _params(run: Mapping[str, Any], deadline_s: float) -> EngineParams:
    from worker.engine.params import EngineParams

    wanted = runs.RunParams.parse(run["params"])
    return EngineParams(
        size=wanted.size,
        quality=cast("Quality", wanted.quality),  # EngineParams checks it
        strength=wanted.strength,
        style_weights=tuple(run["style_weights"]),
        colours=cast("Colours", wanted.colours),
        style_scale=wanted.style_scale,
        seed=wanted.seed,
        deadline_s=deadline_s,
        algorithm=cast("Algorithm", wanted.algorithm),
    )


def _decode(data: bytes, name: str, side: int) -> Any:
    from worker.engine.pictures import decode

    with _refusing(name):
        return decode(data, side=side)


def _decode_mask(data: bytes, name: str, side: int) -> Any:
    from worker.engine.pictures import decode_mask

    with _refusing(name):
        return decode_mask(data, side=side)


def _check_masks(pictures: Pictures, size: int) -> None:
    from worker.engine.errors import PictureError
    from worker.engine.masks import check

    try:
        check(pictures.masks, pictures.content.shape[:2], size)
    except PictureError as error:
        raise PictureRefusedError(error.message) from error


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    from worker.engine.errors import PictureError

    try:
        yield
    except PictureError as error:
        raise PictureRefusedError(f"The {name} cannot be used. {error.message}") from error


def _step(progress: Progress) -> Step:
    return Step(
        step=progress.step,
        steps=progress.steps_total,
        size=progress.side,
        loss=progress.loss,
        style_loss=progress.style_loss,
        content_loss=progress.content_loss,
        elapsed_s=progress.elapsed_s,
        eta_s=progress.eta_s,
        dtype=progress.dtype,
        preview=progress.preview,
    )
