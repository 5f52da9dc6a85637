"""What a stage's painting is asked to be: the sum of all losses at one size, and its gradient.

Style: the activations of up to five layers, as `losses.StyleTarget` has it. Content: those of one
layer, and the drawing of `worker.engine.drawing`. Besides: no colours that a screen cannot show.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from worker.engine import losses, memory, network, pyramid, schedule
from worker.engine.chroma import Chroma
from worker.engine.drawing import DrawingTarget
from worker.engine.layer import LayerStyle, Slope
from worker.engine.masks import Regions
from worker.engine.params import EngineParams, Quality
from worker.engine.saliency import spread
from worker.engine.strips import Rows
from worker.engine.tiling import Tiles

STYLE_LAYERS = {
    "relu1_1": 0.15,
    "relu2_1": 0.40,
    "relu3_1": 0.35,
    "relu4_1": 0.09,
    "relu5_1": 0.01,
}
# Content by the deepest layer that is looked at: the layer, and its part of the weight. Where the
# style needs no layer that sees shapes, the drawing alone stands for the photograph.
_CONTENT = {schedule.DEEP: ("relu4_2", 1.0), schedule.MIDDLE: ("relu3_1", 0.75)}
# The drawing is held while it is small and then let go: strokes are added to it. Less than before
# since enlarged pictures have the detail of the photograph (docs/nst.md has the tables).
_CONTENT_WEIGHT = 0.02
_CONTENT_FALL = 3.0
_COARSE_SIDE = 128
# Less where it is large: at 512 px as much as at 128 px cost a tenth more style error.
# Half for long runs: they satisfy it better, and at 0.05 the style moved into specks of colour.
_DRAWING_WEIGHT: dict[Quality, float] = {"draft": 0.05, "good": 0.05, "best": 0.025}
_DRAWING_FALL = 0.5
# Of it, where the last touch is given: more kept the photograph's grain, not its drawing.
_DRAWING_FINE: dict[Quality, float] = {"draft": 0.3, "good": 0.3, "best": 0.12}
# Where the photograph matters most, content and drawing count by as much more: faces stay
# faces, and the weight of all the rest can be less than half (docs/nst.md has the tables).
_CONTENT_SALIENT, _DRAWING_SALIENT = 6.0, 1.0
_CONTRAST_LAYER = "relu3_1"
_CONTRAST_MAX = 8.0
_CONTRAST_POWER = 0.75
_STRENGTH_STEP = 8.0
_RANGE_WEIGHT = 10.0
_STYLE_ROWS_MIN = 256  # of a band: a style may be wide where the content is narrow


def layers_of(deepest: str) -> set[str]:
    """Give the layers that are looked at in a stage whose style goes down to ``deepest``."""
    layers = set(_style_layers(deepest))
    return layers | {_CONTENT[deepest][0]} if deepest in _CONTENT else layers


def _style_layers(deepest: str) -> list[str]:
    return [layer for layer in STYLE_LAYERS if layer <= deepest]


class Objective:
    """The loss of one stage, as the optimiser wants it.

    total, style, content: the losses at the image last looked at; not a number before the first.
    """

    def __init__(
        self,
        net: network.Network,
        drawn: Tensor,
        examples: list[tuple[float, Tensor]],
        stage: schedule.Stage,
        params: EngineParams,
        *,
        salient: Tensor,
        regions: Regions | None = None,
        between: Callable[[], None],
        rows: int | None = None,
        sparing: bool = False,
    ) -> None:
        """Look at the content ``drawn``, of the stage's size, and at styles with their shares.

        ``salient`` says which places of the content matter; see `worker.engine.saliency`.
        ``regions``, of the stage's size, confine the styles; what is not painted stays as it is.
        Pictures of more than ``rows`` rows are looked at in bands; see `worker.engine.tiling`.
        ``sparing`` has free memory given back to the system again and again.
        ``between`` is called again and again during each pass; what it raises ends the pass.
        """
        self._net, self._between, self._sparing = net, between, sparing
        self.total = self.style = self.content = float("nan")
        self._spare()
        height = drawn.shape[2]
        self._band_pixels = (rows or height) * drawn.shape[3]
        self._painted = None
        if regions is not None and not regions.painted.all():
            self._painted = torch.from_numpy(regions.painted > 0)
        self._targets = self._style_targets(examples, regions, stage, params)
        self._tiles = Tiles(net, layers_of(stage.deepest), height, rows or height, between=between)
        held = _STRENGTH_STEP ** (1 - params.strength)
        coarse = min(1.0, _COARSE_SIDE / stage.side)
        self._content: dict[str, losses.ContentTarget] = {}  # by layer, of which there may be one
        if stage.deepest in _CONTENT:
            layer, part = _CONTENT[stage.deepest]
            weight = _CONTENT_WEIGHT * held * coarse**_CONTENT_FALL * part
            self._content[layer] = self._content_target(layer, drawn, weight, salient)
        edges = _DRAWING_WEIGHT[params.quality] * held * coarse**_DRAWING_FALL
        if stage.deepest == schedule.FINE:
            edges *= _DRAWING_FINE[params.quality]
        between()
        self._drawing = DrawingTarget.of(drawn, edges, 1 + _DRAWING_SALIENT * salient)
        self._chroma = Chroma(salient, (height, drawn.shape[3]), params.quality)
        self._spare()

    def _style_targets(
        self,
        examples: list[tuple[float, Tensor]],
        regions: Regions | None,
        stage: schedule.Stage,
        params: EngineParams,
    ) -> dict[str, LayerStyle]:
        """Take the styles' moments: strokes keep their width in px, times the style's scale."""
        layers, side = _style_layers(stage.deepest), params.style_side(stage.side)
        seen: dict[str, list[tuple[float, losses.Moments]]] = {layer: [] for layer in layers}
        for share, example in examples:
            height, width = example.shape[-2:]
            small = pyramid.resize(example, pyramid.paintable(height, width, side))
            sums = {layer: losses.MomentSums() for layer in layers}
            rows = max(_STYLE_ROWS_MIN, self._band_pixels // small.shape[3])
            tiles = Tiles(self._net, layers, small.shape[2], rows, between=self._between)
            tiles.forward(small, lambda layer, part, _, to=sums: to[layer].add(part), back=False)  # type: ignore[misc]
            for layer in layers:
                seen[layer].append((share, sums[layer].moments()))
        return {
            layer: LayerStyle.of(seen[layer], STYLE_LAYERS[layer], regions, int(layer[4]) - 1)
            for layer in layers
        }

    def _content_target(
        self, of: str, drawn: Tensor, weight: float, salient: Tensor
    ) -> losses.ContentTarget:
        """Look at layer ``of`` of the content: more of it where it varies more than the style."""
        parts: list[Tensor] = []
        sums = losses.MomentSums()

        def watch(layer: str, part: Tensor, _: Rows) -> None:
            if layer == of:
                parts.append(part.clone())
            if layer == _CONTRAST_LAYER:
                sums.add(part)

        self._tiles.forward(drawn, watch, back=False)
        kept = torch.cat(parts, 2).contiguous(memory_format=torch.channels_last)
        contrast = float(sums.moments().covariance.trace())
        contrast /= max(self._targets[_CONTRAST_LAYER].trace, 1e-12)
        weight *= min(max(contrast, 1 / _CONTRAST_MAX), _CONTRAST_MAX) ** _CONTRAST_POWER
        shares = 1 + _CONTENT_SALIENT * spread(salient, (kept.shape[-2], kept.shape[-1]))
        return losses.ContentTarget.of(kept, weight, shares, self._between)

    def shown(self, image: Tensor, between: Callable[[], None]) -> Tensor:
        """Give the picture that the optimiser's ``image`` stands for, both (1, 3, H, W).

        ``between`` is called for each strip of it.
        """
        return self._chroma.shown(image, between)

    def __call__(self, image: Tensor) -> tuple[float, Tensor]:
        """Give the loss at the picture that ``image`` stands for, and its gradient by ``image``.

        All are (1, 3, H, W).
        """
        self._spare()
        image = self._chroma.shown(image, self._between)
        seen = {layer: target.look() for layer, target in self._targets.items()}
        content = 0.0

        def watch(layer: str, part: Tensor, rows: Rows) -> None:
            nonlocal content
            if layer in seen:
                seen[layer].add(part, rows)
            if layer in self._content:
                content += self._content[layer].loss(part, rows.begin)

        self._tiles.forward(image, watch)
        style = 0.0
        pulls: dict[str, Slope] = {}
        for layer in self._targets:
            loss, pulls[layer] = seen[layer].pull(self._net.dtype)
            style += loss
            self._between()

        def slope(layer: str, part: Tensor, rows: Rows) -> Tensor:
            if layer not in self._content:
                return pulls[layer](part, rows)
            held = self._content[layer].slope(part, rows.begin)
            return pulls[layer](part, rows).add_(held) if layer in pulls else held

        self._spare()
        gradient = self._tiles.backward(slope)
        strayed, by_drawing = self._drawing.loss(image, self._between)
        gradient.add_(by_drawing)
        excess = losses.out_of_range(image, gradient, _RANGE_WEIGHT)
        self._between()
        gradient = self._chroma.back(gradient, self._between)
        self.style, self.content = style, content + strayed
        self.total = self.style + self.content + excess
        return self.total, gradient if self._painted is None else gradient.mul_(self._painted)

    def _spare(self) -> None:
        if self._sparing:
            memory.give_back()
        self._between()
