"""The engine of ``worker.engine`` as the service wants it.

PyTorch or onnxruntime is imported in ``prepare``, which is called after the task has reported that
it started; a run loads the one that it needs.
"""

# ruff: noqa: PLC0415  (the engine is imported after the run has begun)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from system import runs
from worker.service import cpus
from worker.service.ports import Painting, ParametersRefusedError, PictureRefusedError, Step

if TYPE_CHECKING:
    from worker.engine.params import Algorithm, Colours, EngineParams, Progress, Quality

DEADLINE_S_MIN = 0.1
"""When the time is over before the first step, the engine gives the picture it begins with."""


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
        self, content: bytes, styles: Sequence[bytes], run: Mapping[str, Any]
    ) -> tuple[Any, list[Any]]:
        """Decode the pictures, no larger than they will be looked at."""
        params = _checked(run, len(styles))
        side = max(params.size, params.style_side(params.size))
        return (
            _decode(content, "content picture", params.size),
            [
                _decode(style, f"style picture {place}", side)
                for place, style in enumerate(styles, start=1)
            ],
        )

    def paint(
        self,
        pictures: tuple[Any, list[Any]],
        run: Mapping[str, Any],
        deadline_s: float,
        on_step: Callable[[Step], None],
        stopped: Callable[[], bool],
    ) -> Painting:
        """Paint, and encode the result as PNG."""
        from worker.engine import stylize
        from worker.engine.pictures import encode

        content, styles = pictures
        result = stylize(
            content,
            styles,
            _params(run, max(DEADLINE_S_MIN, deadline_s)),
            on_progress=lambda progress: on_step(_step(progress)),
            should_stop=stopped,
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
    from worker.engine.errors import PictureError
    from worker.engine.pictures import decode

    try:
        return decode(data, side=side)
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
