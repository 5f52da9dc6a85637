"""Neural style transfer: paint a content picture in the manner of style pictures.

The method is Gatys' (https://arxiv.org/abs/1508.06576): change the pixels until a network sees the
content's shapes and the style's statistics. Departures, each measured to be better for the same
work: Wasserstein-2 instead of Gram matrices, coarse to fine, a start in the style's colours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from worker.engine import colour, losses, network, pyramid, schedule
from worker.engine.errors import PictureError, Stopped
from worker.engine.optimiser import LBFGS
from worker.engine.params import EngineParams, Picture, Progress, StyleResult
from worker.engine.pictures import encode

STYLE_LAYERS = {
    "relu1_1": 256.0,
    "relu2_1": 64.0,
    "relu3_1": 16.0,
    "relu4_1": 4.0,
    "relu5_1": 1.0,
}
CONTENT_LAYER = "relu4_2"
_CONTENT_WEIGHT = 0.03
_CONTENT_FALL = 1.0
_RANGE_WEIGHT = 10.0
_NOISE = 0.02
_PREVIEW_SIDE = 512


def _ignore(_: Progress) -> None: ...


def _never() -> bool:
    return False


class _Deadline(Exception):  # noqa: N818
    """The time is over: use what there is."""


class _Run:
    """One run's clock, counters and losses."""

    def __init__(
        self,
        params: EngineParams,
        dtype: torch.dtype,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.params = params
        self.stages = schedule.stages(params.size, params.quality)
        self.steps_total = sum(stage.evaluations for stage in self.stages)
        self.steps = 0
        self.style_loss = self.content_loss = float("nan")
        self.dtype = str(dtype).removeprefix("torch.")
        self._begun, self._begun_cpu = time.perf_counter(), time.process_time()
        self._on_progress, self._should_stop = on_progress, should_stop
        self._cost_total = sum(s.evaluations * s.side**2 for s in self.stages)
        self._cost_done = 0

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self._begun

    @property
    def cpu_s(self) -> float:
        return time.process_time() - self._begun_cpu

    def check(self) -> None:
        """Leave the run when the caller or the clock says so."""
        if self._should_stop():
            raise Stopped(self.steps)
        deadline = self.params.deadline_s
        if deadline is not None and self.elapsed_s >= deadline:
            raise _Deadline

    def report(self, stage: schedule.Stage, image: Callable[[], Tensor], loss: float) -> None:
        """Count an evaluation and tell the caller; ``image`` is looked at only for a preview."""
        self.steps += 1
        self._cost_done += stage.side**2
        left = (self._cost_total - self._cost_done) / self._cost_done

        def preview() -> bytes:
            shown = image()
            height, width = shown.shape[-2:]
            side = min(_PREVIEW_SIDE, self.params.size)
            shown = pyramid.resize(shown.clamp(0, 1), pyramid.fitted(height, width, side))
            return encode(pyramid.to_picture(shown), "JPEG", quality=85)

        self._on_progress(
            Progress(
                step=self.steps,
                steps_total=self.steps_total,
                side=stage.side,
                loss=loss,
                style_loss=self.style_loss,
                content_loss=self.content_loss,
                elapsed_s=self.elapsed_s,
                eta_s=self.elapsed_s * left,
                dtype=self.dtype,
                preview=preview,
            )
        )


def stylize(
    content: Picture,
    styles: Sequence[Picture],
    params: EngineParams | None = None,
    on_progress: Callable[[Progress], None] = _ignore,
    should_stop: Callable[[], bool] = _never,
    *,
    dtype: torch.dtype | None = None,
) -> StyleResult:
    """Paint ``content`` in the manner of ``styles``.

    Pictures are (H, W, 3) float32 RGB in 0..1, as `worker.engine.pictures.decode` gives them.
    ``should_stop`` is asked before every evaluation; where it says yes, Stopped is raised. At
    ``params.deadline_s`` the best picture so far is returned. ``dtype`` forces float32 or bfloat16;
    by default the faster one is chosen. Raises ParameterError and PictureError.
    """
    params = params or EngineParams()
    shares = params.weights_for(len(styles))
    for picture in (content, *styles):
        if picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape[:2]) < 1:  # noqa: PLR2004
            raise PictureError("wrong_shape", f"A picture is (H, W, 3), not {picture.shape}.")
    dtype = dtype or network.fastest_dtype()
    run = _Run(params, dtype, on_progress, should_stop)
    net = network.network(dtype)
    source = pyramid.to_tensor(content)
    examples = [pyramid.to_tensor(style) for style in styles]
    if params.keep_colours:
        examples = [colour.match(example, source) for example in examples]

    height, width = source.shape[-2:]
    noise = torch.Generator().manual_seed(params.seed)
    first = pyramid.paintable(height, width, run.stages[0].side)
    image = _start(pyramid.resize(source, first), examples, shares, noise)
    stopped_early = False
    try:
        for stage in run.stages:
            size = pyramid.paintable(height, width, stage.side)
            drawn = pyramid.resize(source, size)
            image = pyramid.resize(image, size)
            run.check()
            loss = _Loss(net, run, drawn, examples, shares, stage)
            descent = LBFGS(loss, image)
            try:
                for _ in range(stage.evaluations):
                    run.check()
                    descent.step()
                    run.report(stage, lambda d=descent: d.best, loss.total)  # type: ignore[misc]
            finally:
                image = descent.best.clamp(0, 1)
    except _Deadline:
        stopped_early = True
    image = pyramid.resize(image, pyramid.fitted(height, width, params.size))
    if params.keep_colours:
        image = colour.keep(image, pyramid.resize(source, tuple(image.shape[-2:])))
    return StyleResult(
        image=pyramid.to_picture(image),
        steps=run.steps,
        steps_total=run.steps_total,
        stopped_early=stopped_early,
        style_loss=run.style_loss,
        content_loss=run.content_loss,
        elapsed_s=run.elapsed_s,
        cpu_s=run.cpu_s,
        dtype=run.dtype,
    )


def _start(
    drawn: Tensor, examples: list[Tensor], shares: tuple[float, ...], noise: torch.Generator
) -> Tensor:
    """The content in the styles' colours: half the way is made before the first evaluation."""
    image = torch.zeros_like(drawn)
    for example, share in zip(examples, shares, strict=True):
        image += share * colour.match(drawn, example)
    return (image + _NOISE * torch.randn(image.shape, generator=noise)).clamp(0, 1)


class _Loss:
    """The loss of one stage, as the optimiser wants it."""

    def __init__(
        self,
        net: network.Network,
        run: _Run,
        drawn: Tensor,
        examples: list[Tensor],
        shares: tuple[float, ...],
        stage: schedule.Stage,
    ) -> None:
        self._net, self._run = net, run
        self.total = float("nan")
        self._targets: dict[str, losses.StyleTarget] = {}
        with torch.no_grad():
            seen: dict[str, list[tuple[float, losses.Moments]]] = {}
            for share, example in zip(shares, examples, strict=True):
                height, width = example.shape[-2:]
                small = pyramid.resize(example, pyramid.paintable(height, width, stage.side))
                for layer, found in net(small, STYLE_LAYERS).items():
                    seen.setdefault(layer, []).append((share, losses.Moments.of(found)))
            everything = sum(STYLE_LAYERS.values())
            for layer, weight in STYLE_LAYERS.items():
                mixed = losses.Moments.mix(seen[layer])
                self._targets[layer] = losses.StyleTarget.of(mixed, weight / everything)
            kept = net(drawn, [CONTENT_LAYER])[CONTENT_LAYER]
            weight = _CONTENT_WEIGHT * 8 ** (1 - run.params.strength)
            weight *= (128 / stage.side) ** _CONTENT_FALL
            self._content = losses.ContentTarget.of(kept, weight)

    def __call__(self, image: Tensor) -> tuple[float, Tensor]:
        leaf = image.detach().requires_grad_()
        seen = self._net(leaf, (*STYLE_LAYERS, CONTENT_LAYER))
        style, slopes = 0.0, []
        with torch.no_grad():
            content, by_content = self._content.loss(seen[CONTENT_LAYER])
            for layer, target in self._targets.items():
                loss, slope = target.loss(seen[layer])
                style += loss
                slopes.append(slope)
            excess, by_excess = losses.out_of_range(image)
        found = [seen[layer] for layer in self._targets]
        torch.autograd.backward([*found, seen[CONTENT_LAYER]], [*slopes, by_content])
        assert leaf.grad is not None
        self._run.style_loss, self._run.content_loss = style, content
        self.total = style + content + _RANGE_WEIGHT * excess
        return self.total, leaf.grad.add_(by_excess, alpha=_RANGE_WEIGHT)
