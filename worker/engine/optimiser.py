"""L-BFGS that makes one evaluation per step, so that a budget of evaluations is kept exactly.

Nocedal & Wright, "Numerical Optimization", algorithm 7.4 (two loops). Departures: no line search
(a step that makes things much worse is halved instead, and costs one evaluation), and a first step
of a chosen length, because the gradient's own length means nothing in pixels. What one size has
taught is carried over to the next one: with six evaluations a size, one blind step is much
(docs/nst.md has what it gains).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from worker.engine.pyramid import resampled

#: Gives the loss and its gradient at an image.
Evaluate = Callable[[Tensor], tuple[float, Tensor]]

MEMORY = 10
_CURVATURE_MIN = 1e-10
_CHUNK = 2**20


def _nothing() -> None:
    pass


class LBFGS:
    """Minimise a function of one image.

    ``memory`` is the number of past steps kept, two images each, in the number format ``history``;
    rounded pairs are as good as others, as long as their product is taken of what is kept: the
    direction still goes down. ``learned`` are such pairs to begin with, oldest first;
    ``first_step`` is the root mean square change of the first step where there are none, in the
    image's unit. ``between`` is called again and again: each product of two large images takes a
    part of a second. Besides its history it holds four images during an evaluation.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        start: Tensor,
        *,
        memory: int = MEMORY,
        history: torch.dtype = torch.float32,
        learned: Iterable[tuple[Tensor, Tensor]] = (),
        first_step: float = 0.03,
        between: Callable[[], None] = _nothing,
    ) -> None:
        self._evaluate, self._between = evaluate, between
        self._history: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=memory)
        self._kept_in = history
        self._first_step = first_step
        self._image = start
        self._loss = float("inf")
        self._gradient: Tensor | None = None
        self._short = False  # whether the step tried is a shorter one than wanted at first
        self._trial: Tensor | None = None
        for change, turn in learned:
            self._remember(change.to(history), turn.to(history))
            between()

    @property
    def best(self) -> Tensor:
        """The image with the least loss seen: no later step is kept that made it worse."""
        return self._image

    def learned(self, size: tuple[int, int]) -> Iterator[tuple[Tensor, Tensor]]:
        """Give the past steps as they would have been at ``size`` (height, width), and forget them.

        Changes of the image, and of the gradient: where a picture has more pixels, each matters
        less.
        """
        while self._history:
            change, turn, _ = self._history.popleft()
            less = change.shape[-2] * change.shape[-1] / (size[0] * size[1])
            change = resampled(change.float(), size)
            self._between()
            yield change, resampled(turn.float(), size).mul_(less)

    def step(self) -> None:
        """Make one evaluation and keep its image if it is an improvement."""
        if self._gradient is None:
            self._loss, self._gradient = self._evaluate(self._image)
            return
        if self._trial is None:
            self._trial = self._aimed(self._gradient).add_(self._image)
        loss, gradient = self._evaluate(self._trial)
        if not loss < self._loss:  # also true of nan
            self._step_back()
            return
        change, turn = self._trial - self._image, gradient - self._gradient
        self._image, self._loss, self._gradient = self._trial, loss, gradient
        self._trial, self._short = None, False
        self._remember(change.to(self._kept_in), turn.to(self._kept_in))

    def _step_back(self) -> None:
        """Try a shorter step next; twice in a row means that the history is misleading."""
        if self._short:
            self._history.clear()
            self._first_step /= 2
            self._trial, self._short = None, False
        elif self._trial is not None:
            self._trial = torch.lerp(self._image, self._trial, 0.25)
            self._short = True

    def _remember(self, change: Tensor, turn: Tensor) -> None:
        curvature = _product(change, turn)
        if curvature > _CURVATURE_MIN * _product(turn, turn):
            self._history.append((change, turn, 1.0 / curvature))

    def _aimed(self, gradient: Tensor) -> Tensor:
        """Give the next step: the inverse Hessian, as far as known, times -g."""
        step = -gradient
        if not self._history:
            scale = (_product(step, step) / step.numel()) ** 0.5
            return step.mul_(self._first_step / max(scale, 1e-30))
        shares = []
        for change, turn, inverse in reversed(self._history):
            share = inverse * _product(change, step)
            self._between()
            shares.append(share)
            step.add_(turn, alpha=-share)
        _, turn, inverse = self._history[-1]
        step.div_(inverse * _product(turn, turn))
        for (change, turn, inverse), share in zip(self._history, reversed(shares), strict=True):
            back = inverse * _product(turn, step)
            self._between()
            step.add_(change, alpha=share - back)
        return step


def _product(one: Tensor, other: Tensor) -> float:
    """Give the inner product of two images, without a copy of either in another format."""
    one, other = _flat(one), _flat(other)
    parts = (slice(begin, begin + _CHUNK) for begin in range(0, len(one), _CHUNK))
    return sum(float(torch.dot(one[part].float(), other[part].float())) for part in parts)


def _flat(image: Tensor) -> Tensor:
    return image.reshape(-1)
