"""What both algorithms have in common: a run's clock and counter, and what it is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from worker.engine.errors import PictureError, Stopped
from worker.engine.params import EngineParams, Picture, Progress

PREVIEW_SIDE = 512


class Deadline(Exception):  # noqa: N818
    """The time is over: use what there is."""


class Run:
    """One run's clock and counter."""

    def __init__(
        self,
        params: EngineParams,
        steps_total: int,
        dtype: str,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.params = params
        self.steps = 0
        self.steps_total = steps_total
        self.dtype = dtype
        self.should_stop = should_stop
        self._on_progress = on_progress
        self._begun, self._begun_cpu = time.perf_counter(), time.process_time()

    @property
    def elapsed_s(self) -> float:
        """Wall clock seconds since it began."""
        return time.perf_counter() - self._begun

    @property
    def cpu_s(self) -> float:
        """Processor seconds of this process since it began."""
        return time.process_time() - self._begun_cpu

    def late(self) -> bool:
        """Whether the time is over."""
        deadline = self.params.deadline_s
        return deadline is not None and self.elapsed_s >= deadline

    def ask(self) -> None:
        """Leave the run when the caller says so: raises Stopped."""
        if self.should_stop():
            raise Stopped(self.steps)

    def check(self) -> None:
        """Leave the run when the caller or the clock says so: raises Stopped or Deadline."""
        self.ask()
        if self.late():
            raise Deadline

    def tell(
        self,
        side: int,
        eta_s: float,
        preview: Callable[[], bytes],
        losses: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Tell the caller of a step; losses: all, style's, content's; 0 where none is computed."""
        loss, style_loss, content_loss = losses
        self._on_progress(
            Progress(
                step=self.steps,
                steps_total=self.steps_total,
                side=side,
                loss=loss,
                style_loss=style_loss,
                content_loss=content_loss,
                elapsed_s=self.elapsed_s,
                eta_s=eta_s,
                dtype=self.dtype,
                preview=preview,
            )
        )


def shares(params: EngineParams, content: Picture, styles: Sequence[Picture]) -> tuple[float, ...]:
    """Give each style's share of 1, after a look at the pictures' shapes.

    Raises PictureError for a picture that is not (H, W, 3), and ParameterError.
    """
    found = params.weights_for(len(styles))
    for picture in (content, *styles):
        if picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape[:2]) < 1:  # noqa: PLR2004
            raise PictureError("wrong_shape", f"A picture is (H, W, 3), not {picture.shape}.")
    return found
