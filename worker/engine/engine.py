"""Neural style transfer: paint a content picture in the manner of style pictures.

The method is Gatys' (https://arxiv.org/abs/1508.06576): change the pixels until a network sees the
content's shapes and the style's statistics. Departures, each measured to be better for the same
work: Wasserstein-2 instead of Gram matrices, a loss of the drawing's own beside the content's,
coarse to fine, a start in the style's colours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor

from worker.engine import colour, losses, network, pyramid, schedule
from worker.engine.drawing import DrawingTarget
from worker.engine.frame import unframed
from worker.engine.optimiser import LBFGS
from worker.engine.params import (
    EngineParams,
    Picture,
    Progress,
    Quality,
    StyleResult,
    ignore,
    never,
)
from worker.engine.pictures import encode
from worker.engine.run import PREVIEW_SIDE, Deadline, Run, shares

STYLE_LAYERS = {
    "relu1_1": 0.15,
    "relu2_1": 0.40,
    "relu3_1": 0.35,
    "relu4_1": 0.09,
    "relu5_1": 0.01,
}
CONTENT_LAYER = "relu4_2"
CONTENT_LAYER_FINE = "relu4_1"
_FINE = 0.75
# The drawing is held while it is small and then let go: strokes are added to it (docs/nst.md).
_CONTENT_WEIGHT = 0.15
_CONTENT_FALL = 3.0
_COARSE_SIDE = 128
# Less where it is large: at 512 px as much as at 128 px cost a tenth more style error.
# Half for long runs: they satisfy it better, and at 0.05 the style moved into specks of colour.
_DRAWING_WEIGHT: dict[Quality, float] = {"draft": 0.05, "good": 0.05, "best": 0.025}
_DRAWING_FALL = 0.5
_CONTRAST_LAYER = "relu3_1"
_CONTRAST_MAX = 8.0
_CONTRAST_POWER = 0.75
_DEEP_SIDE_MAX = 300
_STRENGTH_STEP = 8.0
_RANGE_WEIGHT = 10.0
_NOISE = 0.02


class _Run(Run):
    """A run with its stages and losses."""

    def __init__(
        self,
        params: EngineParams,
        dtype: torch.dtype,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.stages = schedule.stages(params.size, params.quality)
        steps = sum(stage.evaluations for stage in self.stages)
        name = str(dtype).removeprefix("torch.")
        super().__init__(params, steps, name, on_progress, should_stop)
        self.style_loss = self.content_loss = float("nan")
        self._cost_total = sum(s.evaluations * s.side**2 for s in self.stages)
        self._cost_done = 0

    def report(self, stage: schedule.Stage, image: Callable[[], Tensor], loss: float) -> None:
        """Count an evaluation and tell the caller; ``image`` is looked at only for a preview."""
        self.steps += 1
        self._cost_done += stage.side**2
        left = (self._cost_total - self._cost_done) / self._cost_done

        def preview() -> bytes:
            shown = image()
            height, width = shown.shape[-2:]
            side = min(PREVIEW_SIDE, self.params.size)
            shown = pyramid.resize(shown.clamp(0, 1), pyramid.fitted(height, width, side))
            return encode(pyramid.to_picture(shown), "JPEG", quality=85)

        self.tell(
            stage.side,
            self.elapsed_s * left,
            preview,
            (loss, self.style_loss, self.content_loss),
        )


def stylize(
    content: Picture,
    styles: Sequence[Picture],
    params: EngineParams | None = None,
    on_progress: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
    *,
    dtype: torch.dtype | None = None,
) -> StyleResult:
    """Paint ``content`` in the manner of ``styles``; see `worker.engine.stylize`."""
    params = params or EngineParams()
    weights = shares(params, content, styles)
    dtype = dtype or network.fastest_dtype()
    run = _Run(params, dtype, on_progress, should_stop)
    net = network.network(dtype)
    source = pyramid.to_tensor(content)
    examples = [
        (share, pyramid.to_tensor(unframed(style)))
        for share, style in zip(weights, styles, strict=True)
    ]
    if params.keep_colours:
        examples = [(share, colour.match(example, source)) for share, example in examples]

    height, width = source.shape[-2:]
    noise = torch.Generator().manual_seed(params.seed)
    first = pyramid.paintable(height, width, run.stages[0].side)
    recoloured = _recolour(source, examples)
    image = pyramid.resize(recoloured, first)
    image = (image + _NOISE * torch.randn(image.shape, generator=noise)).clamp(0, 1)
    stopped_early = False
    try:
        for stage in run.stages:
            size = pyramid.paintable(height, width, stage.side)
            drawn = pyramid.resize(source, size)
            image = pyramid.resize(image, size)
            run.check()
            loss = _Loss(net, run, drawn, examples, stage)
            descent = LBFGS(loss, image)
            try:
                for _ in range(stage.evaluations):
                    run.check()
                    descent.step()
                    run.report(stage, lambda d=descent: d.best, loss.total)  # type: ignore[misc]
            finally:
                image = descent.best.clamp(0, 1)
    except Deadline:
        stopped_early = True
    final = pyramid.fitted(height, width, params.size)
    image = pyramid.resize(image, final)
    if params.keep_colours:
        image = colour.keep(image, pyramid.resize(source, final))
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


def _recolour(source: Tensor, examples: list[tuple[float, Tensor]]) -> Tensor:
    """Give the content in the styles' colours: a start that saves half of the way."""
    parts = [share * colour.match(source, example) for share, example in examples]
    return torch.stack(parts).sum(0)


class _Loss:
    """The loss of one stage, as the optimiser wants it."""

    def __init__(
        self,
        net: network.Network,
        run: _Run,
        drawn: Tensor,
        examples: list[tuple[float, Tensor]],
        stage: schedule.Stage,
    ) -> None:
        self._net, self._run = net, run
        self.total = float("nan")
        fine = stage.side > _DEEP_SIDE_MAX
        self._targets = self._style_targets(examples, stage, fine=fine)
        # At fine stages content uses a layer that the style needs anyway.
        self._content_layer = CONTENT_LAYER_FINE if fine else CONTENT_LAYER
        with torch.no_grad():
            kept = net(drawn, [self._content_layer, _CONTRAST_LAYER], between=run.check)
            contrast = float(losses.Moments.of(kept[_CONTRAST_LAYER]).covariance.trace())
        contrast /= max(self._targets[_CONTRAST_LAYER].trace, 1e-12)
        held = _STRENGTH_STEP ** (1 - run.params.strength)
        coarse = min(1.0, _COARSE_SIDE / stage.side)
        edges = _DRAWING_WEIGHT[run.params.quality] * held * coarse**_DRAWING_FALL
        self._drawing = DrawingTarget.of(drawn, edges)
        weight = _CONTENT_WEIGHT * held * coarse**_CONTENT_FALL
        weight *= min(max(contrast, 1 / _CONTRAST_MAX), _CONTRAST_MAX) ** _CONTRAST_POWER
        if fine:
            weight *= _FINE
        self._content = losses.ContentTarget.of(kept[self._content_layer], weight)

    def _style_targets(
        self, examples: list[tuple[float, Tensor]], stage: schedule.Stage, *, fine: bool
    ) -> dict[str, losses.StyleTarget]:
        """Take the styles' moments at the size of the stage: strokes keep their width in px."""
        layers = [layer for layer in STYLE_LAYERS if not (fine and layer == "relu5_1")]
        seen: dict[str, list[tuple[float, losses.Moments]]] = {layer: [] for layer in layers}
        with torch.no_grad():
            for share, example in examples:
                height, width = example.shape[-2:]
                small = pyramid.resize(example, pyramid.paintable(height, width, stage.side))
                for layer, found in self._net(small, layers, between=self._run.check).items():
                    seen[layer].append((share, losses.Moments.of(found)))
            return {
                layer: losses.StyleTarget.of(losses.Moments.mix(seen[layer]), STYLE_LAYERS[layer])
                for layer in layers
            }

    def __call__(self, image: Tensor) -> tuple[float, Tensor]:
        """Give the loss at ``image`` and its gradient, both (1, 3, H, W)."""
        leaf = image.detach().requires_grad_()
        layers = {*self._targets, self._content_layer}
        seen = self._net(leaf, layers, between=self._run.check)
        style = 0.0
        pulls: list[tuple[Tensor, Tensor]] = []
        with torch.no_grad():
            for layer, target in self._targets.items():
                loss, slope = target.loss(seen[layer])
                style += loss
                pulls.append((seen[layer], slope))
            content, slope = self._content.loss(seen[self._content_layer])
            pulls.append((seen[self._content_layer], slope))
            strayed, by_drawing = self._drawing.loss(image)
            excess, by_excess = losses.out_of_range(image)
        seen_at, slopes = zip(*pulls, strict=True)
        torch.autograd.backward(seen_at, slopes)
        gradient = cast("Tensor", leaf.grad)
        self._run.style_loss, self._run.content_loss = style, content + strayed
        self.total = style + content + strayed + _RANGE_WEIGHT * excess
        return self.total, gradient.add_(by_drawing).add_(by_excess, alpha=_RANGE_WEIGHT)
