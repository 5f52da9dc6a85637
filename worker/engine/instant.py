"""Instant paintings: two feed-forward networks instead of an optimisation, and no torch.

The networks are Magenta's (Ghiasi et al. 2017, https://arxiv.org/abs/1705.06830): one turns a
style picture into 100 numbers, the other paints any picture by them. Departures, each measured
(docs/nst.md): computed in float32, the weights alone in 8 bits; the mean of four passes, each
shifted by half of the network's grid, and a filter for the grid's last harmonic; colours less sharp
than light; the whole style picture, not a square of it. A picture is painted whole, however large:
the network normalises over all of it, and tiles would each have a tone of their own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from worker.engine import colour, raster
from worker.engine.errors import WeightsError
from worker.engine.frame import unframed
from worker.engine.masks import Regions
from worker.engine.params import EngineParams, Mask, Picture, Progress, StyleResult, ignore, never
from worker.engine.pictures import encode
from worker.engine.run import PREVIEW_SIDE, Deadline, Run, shares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxruntime import InferenceSession, RunOptions

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
# The network doubles a quarter-size picture twice, so what it adds of its own repeats every 4 px.
# Of these four shifts (down, right) it cancels out, but for what repeats every 2 px: see `_FILTER`.
SHIFTS = ((0, 0), (2, 2), (0, 2), (2, 0))
_FILTER = (-1 / 16, 4 / 16, 10 / 16, 4 / 16, -1 / 16)  # 0 at 2 px, 3/4 at 4 px, 0.98 at 8 px
# Colours are those of a picture this many times as small, enlarged: the networks mottle faces, and
# this takes it away, and a tenth of the style error with it (docs/nst.md).
_COLOURS = 10
_MULTIPLE = 8
_MARGIN = 8  # px around the picture that are painted and cut off: padding shows at the border
_SIDE_MIN = 16
_STYLE_SIDE = 256  # px: the mean side of a style picture, as the network was trained
_STYLE_SIDE_MIN = 64
_ARENA_PIXELS_MAX = 4_500_000
_LOOK_S = 0.1
_DTYPE = "float32"


class Networks:
    """The two networks, loaded."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._predictor, self._transformer = (
            self._session("predictor"),
            self._session("transformer"),
        )

    @cached_property
    def _thrifty(self) -> InferenceSession:
        """The transformer for large pictures: a third of the memory, half as much time again."""
        return self._session("transformer", arena=False)

    def _session(self, name: str, *, arena: bool = True) -> InferenceSession:
        # Releases after the pinned one send reports of their use to their maker, unless told.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime  # noqa: PLC0415 (only an instant run pays for it)

        path = WEIGHTS / f"magenta_style_{name}.onnx"
        if not path.is_file():
            raise WeightsError(f"The network's file {path} is missing.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = arena
        # A plan of the memory, made at the first pass, would be kept beside what that pass took.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        # Threads that wait for work by spinning are billed like work.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Weights in 8 bits are turned to float32 once, at loading.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def style(self, picture: Picture, scale: float = 1.0) -> Any:
        """Describe the style of a picture, seen ``scale`` times as large, in (1, 100) numbers."""
        height, width = picture.shape[:2]
        scale *= _STYLE_SIDE / (height * width) ** 0.5
        size = [
            min(4 * _STYLE_SIDE, max(_STYLE_SIDE_MIN, round(n * scale))) for n in (height, width)
        ]
        shown = raster.resized(picture, (size[0], size[1]))[None]
        return np.reshape(self._predictor.run(None, {"style": shown})[0], (1, 100))

    def paint(self, picture: Picture, style: Any, options: RunOptions | None = None) -> Picture:
        """Paint a picture with sides that are multiples of 8 px, once."""
        shown = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
        large = picture.shape[0] * picture.shape[1] > _ARENA_PIXELS_MAX
        session = self._thrifty if large else self._transformer
        found = session.run(None, {"content": shown, "style": style}, options)[0]
        painted: Picture = np.asarray(found)[0].transpose(1, 2, 0)
        return painted


_loaded: Networks | None = None


def load(threads: int | None = None) -> Networks:
    """Load the networks, once; ``threads`` None: as many as this process may use processors."""
    global _loaded  # noqa: PLW0603 (loading takes longer than painting)
    if _loaded is None:
        _loaded = Networks(threads or _processors())
    return _loaded


def _processors() -> int:
    """How many this process may use; where the system does not say so, all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def stylize(
    content: Picture,
    styles: Sequence[Picture],
    params: EngineParams | None = None,
    on_progress: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
    *,
    masks: Sequence[Mask] = (),
) -> StyleResult:
    """Paint ``content`` in the manner of ``styles``; see `worker.engine.stylize`.

    ``quality`` and ``seed`` have no effect, and no loss is computed: it is told as 0. A deadline
    ends it after its first pass, of four, and no earlier.
    ``strength`` 0 paints by the content's own style, 1 by the styles', 2 goes half as far again.
    With ``masks`` each style paints the whole picture, and the paintings are laid together: the
    network normalises over all it sees, and would paint a part of the picture in other tones.
    """
    params = params or EngineParams(algorithm="instant")
    weights = shares(params, content, styles)
    run = _Run(params, len(SHIFTS), _DTYPE, on_progress, should_stop)
    source = raster.resized(content, raster.fitted(content.shape[0], content.shape[1], params.size))
    run.check()
    networks = load()
    regions = Regions.of(masks, weights, source.shape[:2], params.size) if masks else None
    examples = list(zip(weights, styles, strict=True))
    parts = _parts(networks, source, examples, regions, params)
    try:
        for shift in SHIFTS:
            run.check()
            for part in parts:
                run.check()
                part.add(_pass(networks, run, source, part.style, shift))
            painted = _together(parts, lambda picture: picture)
            run.report(regions.laid(painted, source) if regions else painted)
    except Deadline:
        pass
    # Each for itself: the colours of a region are not to be seen in the next one.
    painted = _together(parts, lambda picture: _calmed(np.clip(_filtered(picture), 0, 1)))
    painted = _coloured(painted, source, regions, params)
    return StyleResult(
        image=regions.laid(painted, source) if regions else painted,
        steps=run.steps,
        steps_total=len(SHIFTS),
        stopped_early=run.steps < len(SHIFTS),
        style_loss=0.0,
        content_loss=0.0,
        elapsed_s=run.elapsed_s,
        cpu_s=run.cpu_s,
        dtype=_DTYPE,
    )


@dataclass(slots=True)
class _Part:
    """A painting of all of the picture: what it is painted by, its share of each place, passes."""

    style: Any
    share: Any
    total: Any = 0
    passes: int = 0

    def add(self, painted: Picture) -> None:
        """Take in a pass."""
        self.total = self.total + painted
        self.passes += 1


def _together(parts: Sequence[_Part], finished: Callable[[Picture], Picture]) -> Picture:
    """Lay the finished means of the parts' passes together."""
    shown = (part.share * finished(part.total / np.float32(part.passes)) for part in parts)
    return reduce(np.add, shown)


def _parts(
    networks: Networks,
    source: Picture,
    styles: Sequence[tuple[float, Picture]],
    regions: Regions | None,
    params: EngineParams,
) -> list[_Part]:
    """Describe the paintings to be made: one in all styles, or one for each region."""
    own = networks.style(source)
    wheres: Sequence[Mask | None] = regions.shares if regions else [None] * len(styles)
    wanted = []
    for (_, style), where in zip(styles, wheres, strict=True):
        shown = unframed(style)
        if params.colours == "palette":
            shown = colour.match(shown, source, like_where=where)
        wanted.append(networks.style(shown, params.style_scale))
    if regions is None:
        shares = [share for share, _ in styles]
        mixed = sum(share * style for share, style in zip(shares, wanted, strict=True))
        found: list[tuple[Any, Any]] = [(mixed, np.float32(1))]
    else:
        found = [(w, s[..., None]) for w, s in zip(wanted, regions.shares, strict=True)]
    pull = _pull(params.strength)
    return [_Part((own + pull * (style - own)).astype(np.float32), s) for style, s in found]


def _coloured(
    painted: Picture, source: Picture, regions: Regions | None, params: EngineParams
) -> Picture:
    """Give a painting the photograph's colours, as asked for."""
    if params.colours == "palette":
        where = regions.painted if regions else None
        return colour.match(painted, source, where=where, like_where=where)
    return colour.keep(painted, source) if params.colours == "photo" else painted


def _pull(strength: float) -> float:
    """How far to go from the content's own style to the styles'; twice as far is noise."""
    return min(strength, 1 + (strength - 1) / 2)


def _pass(
    networks: Networks, run: _Run, source: Picture, style: Any, shift: tuple[int, int]
) -> Picture:
    """Paint once, with the network's grid moved against the picture by ``shift`` px."""
    edges = []
    for side, moved in zip(source.shape[:2], shift, strict=True):
        before = _MARGIN + moved
        least = max(_SIDE_MIN, before + side + _MARGIN)
        edges.append((before, least + -least % _MULTIPLE - side - before))
    shown = np.pad(source, [*edges, (0, 0)], mode="symmetric")
    with run.watched() as options:
        painted = networks.paint(shown, style, options)
    (top, _), (left, _) = edges
    return painted[top : top + source.shape[0], left : left + source.shape[1]]


def _filtered(picture: Picture) -> Picture:
    """Take out what repeats every 2 px, which only the network's grid does."""
    for axis in (0, 1):
        reach = len(_FILTER) // 2
        edges = [(reach, reach) if place == axis else (0, 0) for place in range(3)]
        padded = np.pad(picture, edges, mode="edge")
        picture = np.zeros_like(picture)
        for place, weight in enumerate(_FILTER):
            cut = slice(place, place + picture.shape[axis])
            picture += np.float32(weight) * (padded[cut] if axis == 0 else padded[:, cut])
    return picture


def _calmed(picture: Picture) -> Picture:
    """Give a picture (H, W, 3) of 0..1 its own light, and colours without what is fine in them."""
    height, width = picture.shape[:2]
    small = (max(1, round(height / _COLOURS)), max(1, round(width / _COLOURS)))
    calm = raster.resized(raster.resized(picture, small), (height, width))
    luma = np.array(raster.LUMA, np.float32)
    calm += (picture @ luma - calm @ luma)[..., None]
    return np.clip(calm, 0, 1, out=calm)


class _Run(Run):
    """A run of passes."""

    def late(self) -> bool:
        """Whether the time is over; the first pass is always made: it is the painting."""
        return self.steps > 0 and super().late()

    @contextmanager
    def watched(self) -> Iterator[RunOptions]:
        """Options of a pass that is broken off when the run ends: a large one takes seconds."""
        import onnxruntime  # noqa: PLC0415

        options = onnxruntime.RunOptions()
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_LOOK_S):
                if self.late() or self.should_stop():
                    options.terminate = True
                    return

        watcher = threading.Thread(target=watch, name="instant-watch", daemon=True)
        watcher.start()
        try:
            yield options
        except Exception:
            if options.terminate:
                self.check()
            raise
        finally:
            over.set()
            watcher.join()

    def report(self, picture: Picture) -> None:
        """Count a pass and tell the caller."""
        self.steps += 1
        height, width = picture.shape[:2]

        def preview() -> bytes:
            side = min(PREVIEW_SIDE, max(height, width))
            return encode(raster.resized(picture, raster.fitted(height, width, side)), "JPEG", 85)

        eta_s = self.elapsed_s / self.steps * (self.steps_total - self.steps)
        self.tell(max(height, width), eta_s, preview)
