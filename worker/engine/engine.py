"""Neural style transfer: paint a content picture in the manner of style pictures.

The method is Gatys' (https://arxiv.org/abs/1508.06576): change the pixels until a network sees the
content's shapes and the style's statistics. Departures, each measured to be better for the same
work: Wasserstein-2 instead of Gram matrices, a loss of the drawing's own beside the content's,
coarse to fine, a start in the style's colours, the photograph's detail where the picture is
enlarged, L-BFGS's memory carried from size to size, more of the content where it matters, and
colours that are less sharp than light.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from worker.engine import colour, memory, network, prediction, pyramid, schedule
from worker.engine.chroma import Chroma
from worker.engine.frame import unframed
from worker.engine.masks import Regions
from worker.engine.objective import Objective, layers_of
from worker.engine.optimiser import LBFGS
from worker.engine.params import (
    EngineParams,
    Mask,
    Picture,
    Progress,
    StyleResult,
    ignore,
    never,
)
from worker.engine.pictures import encode
from worker.engine.run import PREVIEW_SIDE, Deadline, Run, shares
from worker.engine.saliency import saliency

_NOISE = 0.02
_FIRST_STEP, _FIRST_SIDE = 0.03, 512  # less where it is larger: what is enlarged is nearly right
# Short runs leave more colours beyond those of a screen, and what is cut of them is fine again.
_CALMED_AGAIN = {"draft"}
_DOUBT = 0.1  # of a run: after as much of it, its own pace counts as much as the prediction


class _Run(Run):
    """A run with its stages and last losses."""

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
        self.salient = torch.ones(1, 1, 1, 1)
        self._ahead: deque[float] = deque()
        self.predicted_s = self._done_s = 0.0

    def expect(self, costs: Sequence[prediction.StageCost]) -> None:
        """Take what the stages are predicted to cost; all before is done by now."""
        self._done_s = self.elapsed_s
        threads = torch.get_num_threads()
        for stage, cost in zip(self.stages, costs, strict=True):
            each = cost.evaluation.seconds(threads)
            self._ahead += [cost.begin.seconds(threads) + each] + [each] * (stage.evaluations - 1)
        self.predicted_s = self._done_s + sum(self._ahead)

    def report(self, stage: schedule.Stage, image: Callable[[], Tensor], loss: Objective) -> None:
        """Count an evaluation and tell the caller; ``image`` is looked at only for a preview."""
        self.steps += 1
        self.style_loss, self.content_loss = loss.style, loss.content
        self._done_s += self._ahead.popleft()
        # By prediction at first, and more and more by what was seen.
        doubt = _DOUBT * self.predicted_s
        pace = (self.elapsed_s + doubt) / (self._done_s + doubt)

        def preview() -> bytes:
            shown = image()
            height, width = shown.shape[-2:]
            side = min(PREVIEW_SIDE, self.params.size)
            size = pyramid.paintable(height, width, side)
            # In this order it is quick; in small, colours are blurred a little more than in large.
            shown = Chroma(self.salient, size, self.params.quality).shown(
                pyramid.resize(shown.clamp(0, 1), size)
            )
            shown = pyramid.resize(shown, pyramid.fitted(height, width, side))
            return encode(pyramid.to_picture(shown), "JPEG", quality=85)

        self.tell(
            stage.side,
            pace * sum(self._ahead),
            preview,
            (loss.total, loss.style, loss.content),
        )


def stylize(
    content: Picture,
    styles: Sequence[Picture],
    params: EngineParams | None = None,
    on_progress: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
    *,
    masks: Sequence[Mask] = (),
    dtype: torch.dtype | None = None,
) -> StyleResult:
    """Paint ``content`` in the manner of ``styles``; see `worker.engine.stylize`."""
    params = params or EngineParams()
    weights = shares(params, content, styles)
    dtype = dtype or network.fastest_dtype()
    run = _Run(params, dtype, on_progress, should_stop)
    net = network.network(dtype)
    source = pyramid.to_tensor(content)
    regions = Regions.of(masks, weights, content.shape[:2], params.size) if masks else None
    shown = _shown(run, styles, content, regions)
    examples = [
        (share, pyramid.to_tensor(style)) for share, style in zip(weights, shown, strict=True)
    ]

    height, width = source.shape[-2:]
    run.ask()
    run.salient = salient = saliency(net, source)
    run.ask()
    noise = torch.Generator().manual_seed(params.seed)
    first = pyramid.paintable(height, width, run.stages[0].side)
    begun = regions.at(first) if regions else None
    image = _recolour(pyramid.resize(source, first), examples, run.stages[0].side, begun)
    image = (image + _NOISE * torch.randn(image.shape, generator=noise)).clamp(0, 1)
    run.ask()
    stopped_early = False
    plans = _plans(run.stages, params, (height, width), dtype)
    sizes = [_size(example) for _, example in examples]
    run.expect(_costs(run, plans, (height, width), sizes, net, regions=bool(regions)))
    descent: LBFGS | None = None
    try:
        for stage, plan in zip(run.stages, plans, strict=True):
            size = pyramid.paintable(height, width, stage.side)
            drawn = pyramid.resize(source, size)
            run.check()
            image = pyramid.enlarged(image, drawn, run.check)
            here = regions.at(size) if regions else None
            if here is not None:
                # Larger, what is not painted would be blurred.
                image = torch.where(torch.from_numpy(here.painted > 0), image, drawn)
            run.check()
            loss = Objective(
                net, drawn, examples, stage, params,
                salient=salient, regions=here, between=run.check, rows=plan.rows,
                sparing=plan.sparing,
            )  # fmt: skip
            descent = LBFGS(
                loss,
                image,
                memory=plan.pairs,
                history=plan.history,
                learned=descent.learned(size) if descent else (),
                first_step=_FIRST_STEP * min(1.0, _FIRST_SIDE / stage.side),
                between=run.check,
            )
            try:
                for _ in range(stage.evaluations):
                    run.check()
                    descent.step()
                    image = descent.best  # what it began with is let go: 50 MB at 2048 px
                    run.report(stage, lambda seen=image: seen, loss)  # type: ignore[misc]
            except Deadline:
                image = loss.shown(image, run.ask).clamp_(0, 1)
                raise
            image = loss.shown(image, run.ask).clamp_(0, 1)
    except Deadline:
        stopped_early = True
    return StyleResult(
        image=_finished(run, image, source, regions),
        steps=run.steps,
        steps_total=run.steps_total,
        stopped_early=stopped_early,
        style_loss=run.style_loss,
        content_loss=run.content_loss,
        elapsed_s=run.elapsed_s,
        cpu_s=run.cpu_s,
        dtype=run.dtype,
        predicted_s=run.predicted_s,
    )


def _finished(run: _Run, image: Tensor, source: Tensor, regions: Regions | None) -> Picture:
    """Give the result of what was painted, however late it is: raises Stopped, never Deadline."""
    run.ask()
    if run.params.quality in _CALMED_AGAIN:
        calm = Chroma(run.salient, _size(image), run.params.quality)
        image = calm.shown(image, run.ask).clamp_(0, 1)
    height, width = source.shape[-2:]
    final = pyramid.fitted(height, width, run.params.size)
    painted = pyramid.to_picture(pyramid.resize(image, final))
    run.ask()
    photograph = pyramid.to_picture(pyramid.resize(source, final))
    run.ask()
    if run.params.colours == "photo":
        painted = colour.keep(painted, photograph)
        run.ask()
    return painted if regions is None else regions.at(final).laid(painted, photograph)


def _shown(
    run: _Run, styles: Sequence[Picture], content: Picture, regions: Regions | None
) -> list[Picture]:
    """Give the styles without frames, in the photograph's palette where that is asked for."""
    wheres: Sequence[Mask | None] = regions.shares if regions else [None] * len(styles)
    shown = []
    for style, where in zip(styles, wheres, strict=True):
        found = unframed(style)
        run.ask()
        if run.params.colours != "style":
            found = colour.match(found, content, like_where=where)
            run.ask()
        shown.append(found)
    return shown


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-2], image.shape[-1]


def _plans(
    stages: Sequence[schedule.Stage],
    params: EngineParams,
    shape: tuple[int, int],
    dtype: torch.dtype,
) -> list[memory.Plan]:
    """Say before painting how each stage stays within the memory; raises ParameterError."""
    memory.give_back()  # what looks at the styles left free is not held
    held = memory.used()
    bound = (params.memory_mib or memory.MEMORY_MIB) * memory.MIB - held
    plans = []
    for stage in stages:
        size = pyramid.paintable(*shape, stage.side)
        plans.append(memory.plan(layers_of(stage.deepest), size, stage.evaluations, dtype, bound))
    memory.check(plans, params.memory_mib, held)
    return plans


def _costs(
    run: _Run,
    plans: Sequence[memory.Plan],
    shape: tuple[int, int],
    styles: Sequence[tuple[int, int]],
    net: network.Network,
    *,
    regions: bool,
) -> list[prediction.StageCost]:
    """Predict what each stage costs on this processor."""
    forecast = prediction.Forecast(net)
    return [
        forecast.stage(
            layers_of(stage.deepest),
            pyramid.paintable(*shape, stage.side),
            plan.rows,
            [pyramid.paintable(*style, run.params.style_side(stage.side)) for style in styles],
            len(styles) if regions else 1,
        )
        for stage, plan in zip(run.stages, plans, strict=True)
    ]


def _recolour(
    content: Tensor,
    examples: list[tuple[float, Tensor]],
    side: int,
    regions: Regions | None,
) -> Tensor:
    """Give the content in the styles' colours: a start that saves half of the way."""
    given = pyramid.to_picture(content)
    recoloured = np.zeros_like(given)
    for place, (share, example) in enumerate(examples):
        height, width = example.shape[-2:]
        small = pyramid.resize(example, pyramid.fitted(height, width, side))
        where = regions.shares[place] if regions else None
        shares = np.float32(share) if where is None else where[..., None]
        recoloured += shares * colour.match(given, pyramid.to_picture(small), where=where)
    return pyramid.to_tensor(recoloured)
