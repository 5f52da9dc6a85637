"""L-BFGS that makes one evaluation per step, so that a budget of evaluations is kept exactly.

Nocedal & Wright, "Numerical Optimization", algorithm 7.4 (two loops). Departures: no line search
(a step that makes things much worse is halved instead, and costs one evaluation), and a first step
of a chosen length, because the gradient's own length means nothing in pixels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

#: Gives the loss and its gradient at an image.
Evaluate = Callable[[Tensor], tuple[float, Tensor]]

_CURVATURE_MIN = 1e-10


class LBFGS:
    """Minimise a function of one image.

    ``memory`` is the number of past steps kept (two images each); ``first_step`` the root mean
    square change of the first step, in the image's unit.
    """

    def __init__(
        self, evaluate: Evaluate, start: Tensor, *, memory: int = 10, first_step: float = 0.03
    ) -> None:
        self._evaluate = evaluate
        self._history: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=memory)
        self._first_step = first_step
        self._image = start.clone()
        self._loss, self._gradient = float("inf"), torch.empty(0)
        self._direction = torch.empty(0)
        self._length = 1.0

    @property
    def best(self) -> Tensor:
        """The image with the least loss seen: no later step is kept that made it worse."""
        return self._image

    def step(self) -> None:
        """Make one evaluation and keep its image if it is an improvement."""
        if not self._gradient.numel():
            self._loss, self._gradient = self._evaluate(self._image)
            self._aim()
            return
        trial = self._image + self._length * self._direction
        loss, gradient = self._evaluate(trial)
        if not loss < self._loss:  # also true of nan
            # Half-way back; twice in a row means that the history is misleading.
            if self._length < 1.0:
                self._history.clear()
                self._first_step /= 2
                self._aim()
            else:
                self._length /= 4
            return
        change, turn = trial - self._image, gradient - self._gradient
        curvature = float((change * turn).sum())
        if curvature > _CURVATURE_MIN * float(turn.square().sum()):
            self._history.append((change, turn, 1.0 / curvature))
        self._image, self._loss, self._gradient = trial, loss, gradient
        self._aim()

    def _aim(self) -> None:
        """Set the direction of the next step: the inverse Hessian, as far as known, times -g."""
        self._length = 1.0
        direction = -self._gradient
        if not self._history:
            scale = float(direction.square().mean().sqrt())
            self._direction = direction * (self._first_step / max(scale, 1e-30))
            return
        shares = []
        for change, turn, inverse in reversed(self._history):
            share = inverse * float((change * direction).sum())
            shares.append(share)
            direction = direction - share * turn
        _, turn, inverse = self._history[-1]
        direction = direction / (inverse * float(turn.square().sum()))
        for (change, turn, inverse), share in zip(self._history, reversed(shares), strict=True):
            back = inverse * float((turn * direction).sum())
            direction = direction + (share - back) * change
        self._direction = direction
