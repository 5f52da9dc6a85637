"""L-BFGS from size to size: what a small picture has taught serves the larger one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from worker.engine import pyramid
from worker.engine.optimiser import LBFGS, Evaluate

SMALL, LARGE = (24, 16), (48, 32)
_STIFF = torch.tensor([1.0, 30.0, 1000.0]).reshape(1, 3, 1, 1)


def bowl(size: tuple[int, int]) -> Evaluate:
    """Give a function that is much steeper in one channel than in another, at any size alike."""
    down = torch.linspace(0, 1, size[0]).reshape(1, 1, -1, 1)
    right = torch.linspace(0, 1, size[1]).reshape(1, 1, 1, -1)
    bottom = (down * right).expand(1, 3, -1, -1)

    def evaluate(image: Tensor) -> tuple[float, Tensor]:
        apart = image - bottom
        loss = (_STIFF * apart.square()).mean()
        return float(loss), 2 * _STIFF * apart / apart.numel()

    return evaluate


def descended(descent: LBFGS, evaluate: Evaluate, evaluations: int) -> float:
    for _ in range(evaluations):
        descent.step()
    return evaluate(descent.best)[0]


@pytest.mark.parametrize("kept_in", [torch.float32, torch.bfloat16])
def test_what_a_smaller_size_has_taught_replaces_the_blind_step(kept_in: torch.dtype) -> None:
    small, large = bowl(SMALL), bowl(LARGE)
    before = LBFGS(small, torch.full((1, 3, *SMALL), 0.5), history=kept_in)
    descended(before, small, 8)
    start = torch.full((1, 3, *LARGE), 0.5)
    taught = LBFGS(large, start, history=kept_in, learned=before.learned(LARGE))
    untaught = LBFGS(large, start, history=kept_in)
    assert descended(taught, large, 2) < descended(untaught, large, 2) / 2


def test_no_more_is_taken_over_than_the_memory_holds_and_the_newest_of_it() -> None:
    small, large = bowl(SMALL), bowl(LARGE)
    start = torch.full((1, 3, *SMALL), 0.5)
    all_of_it, part = (LBFGS(small, start) for _ in range(2))
    for each in (all_of_it, part):
        descended(each, small, 6)
    newest = list(all_of_it.learned(LARGE))[-2:]
    after = LBFGS(large, torch.zeros(1, 3, *LARGE), memory=2, learned=part.learned(LARGE))
    kept = list(after.learned(LARGE))
    assert len(kept) == 2
    for (change, turn), (change_kept, turn_kept) in zip(newest, kept, strict=True):
        assert torch.equal(change, change_kept)
        assert torch.equal(turn, turn_kept)


def test_what_misleads_is_forgotten_and_the_descent_goes_on() -> None:
    large = bowl(LARGE)
    generator = torch.Generator().manual_seed(1)
    change = torch.randn(1, 3, *LARGE, generator=generator)
    start = torch.full((1, 3, *LARGE), 0.5)
    misled = LBFGS(large, start, learned=[(change, 1e-9 * change)])
    begun = large(start)[0]
    assert descended(misled, large, 12) < begun / 2


def test_an_enlarged_picture_has_the_detail_of_the_photograph() -> None:
    grey = torch.rand(1, 1, *LARGE, generator=torch.Generator().manual_seed(2))
    drawn = grey.expand(1, 3, -1, -1).contiguous()
    small = pyramid.resize(drawn, SMALL)
    assert torch.allclose(pyramid.enlarged(small, drawn), drawn, atol=1e-5)


def test_an_enlarged_picture_has_no_colour_of_the_photograph() -> None:
    drawn = torch.rand(1, 3, *LARGE, generator=torch.Generator().manual_seed(2))
    enlarged = pyramid.enlarged(torch.full((1, 3, *SMALL), 0.5), 0.25 + drawn / 2)
    assert torch.allclose(enlarged, enlarged[:, :1].expand(-1, 3, -1, -1), atol=1e-6)
    assert enlarged.std() > 0.02


def test_a_picture_of_the_same_size_is_left_as_it_is() -> None:
    image, drawn = torch.zeros(1, 3, *LARGE), torch.ones(1, 3, *LARGE)
    assert torch.equal(pyramid.enlarged(image, drawn), image)


def test_an_enlarged_picture_has_no_colour_that_a_screen_has_not() -> None:
    drawn = (torch.rand(1, 3, *LARGE, generator=torch.Generator().manual_seed(3)) > 0.5).float()
    enlarged = pyramid.enlarged(torch.ones(1, 3, *SMALL), drawn)
    assert enlarged.min() >= 0
    assert enlarged.max() <= 1
