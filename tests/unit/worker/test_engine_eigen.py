"""Eigenvalues also where the solver does not converge in float32."""

from __future__ import annotations

import pytest
import torch

from worker.engine.eigen import eigh

MATRIX = torch.tensor([[2.0, 1.0], [1.0, 2.0]])


def test_where_float32_does_not_converge_float64_does(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = torch.linalg.eigh
    asked = []

    def stubborn(matrix: torch.Tensor) -> object:
        asked.append(matrix.dtype)
        if matrix.dtype == torch.float32:
            raise torch.linalg.LinAlgError("failed to converge")
        return solve(matrix)

    monkeypatch.setattr(torch.linalg, "eigh", stubborn)
    values, vectors = eigh(MATRIX)
    assert asked == [torch.float32, torch.float64]
    assert values.dtype == vectors.dtype == torch.float32
    torch.testing.assert_close(values, torch.tensor([1.0, 3.0]))
    torch.testing.assert_close(vectors @ torch.diag(values) @ vectors.T, MATRIX)


def test_eigenvectors_that_are_no_numbers_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen on the deepest covariance of a style of one colour, without any error."""
    solve = torch.linalg.eigh

    def silent(matrix: torch.Tensor) -> object:
        values, vectors = solve(matrix)
        return values, vectors * (torch.nan if matrix.dtype == torch.float32 else 1)

    monkeypatch.setattr(torch.linalg, "eigh", silent)
    values, vectors = eigh(MATRIX)
    torch.testing.assert_close(vectors @ torch.diag(values) @ vectors.T, MATRIX)


def test_where_neither_converges_the_eigenvalues_are_made_unequal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solve = torch.linalg.eigh
    asked = []

    def more_stubborn(matrix: torch.Tensor) -> object:
        asked.append(matrix.dtype)
        if len(asked) < 3:
            raise torch.linalg.LinAlgError("too many repeated eigenvalues")
        return solve(matrix)

    monkeypatch.setattr(torch.linalg, "eigh", more_stubborn)
    values, vectors = eigh(MATRIX)
    assert len(asked) == 3
    assert values.dtype == vectors.dtype == torch.float32
    torch.testing.assert_close(values, torch.tensor([1.0, 3.0]))


def test_what_is_not_finite_is_still_an_error() -> None:
    with pytest.raises(torch.linalg.LinAlgError):
        eigh(torch.full((3, 3), float("nan")))
