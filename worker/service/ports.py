"""What the service asks of an engine; ``worker.service.painter`` is the real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class PictureRefusedError(Exception):
    """A picture cannot be used; the message is a sentence for its owner."""


class ParametersRefusedError(Exception):
    """A parameter of the run is out of its range; the message is a sentence for the visitor."""


@dataclass(frozen=True)
class Step:
    """One step of the engine: losses without units, ``size`` the longer side in pixels now.

    ``preview`` draws the picture so far as a JPEG; it is called in the engine's thread, within the
    step, and costs what it costs: only when a preview is due.
    """

    step: int
    steps: int
    size: int
    loss: float
    style_loss: float
    content_loss: float
    elapsed_s: float
    eta_s: float
    dtype: str
    preview: Callable[[], bytes]


@dataclass(frozen=True)
class Painting:
    """The engine's result, encoded: a PNG without metadata.

    ``stopped_early``: the deadline came before the last planned step.
    """

    png: bytes
    steps: int
    dtype: str
    cpu_s: float
    stopped_early: bool


class Engine(Protocol):
    """A style-transfer engine for one run. ``check`` is called beside ``prepare``, then ``paint``.

    Each is called once, in a thread that is left behind when the run is stopped.
    """

    def prepare(self, run: Mapping[str, Any]) -> None:
        """Load what a run takes time for (libraries, weights), while its pictures are fetched."""

    def check(
        self,
        content: bytes,
        styles: Sequence[bytes],
        masks: Sequence[bytes],
        run: Mapping[str, Any],
    ) -> Any:
        """Decode the pictures of a run input; ``masks``: one for each style, or none.

        Raises PictureRefusedError and ParametersRefusedError.
        """

    def paint(
        self,
        pictures: Any,
        run: Mapping[str, Any],
        deadline_s: float,
        on_step: Callable[[Step], None],
        stopped: Callable[[], bool],
    ) -> Painting:
        """Paint what ``check`` returned.

        Comes back with its best picture after ``deadline_s`` seconds; raises anything soon after
        ``stopped`` has turned true.
        """
