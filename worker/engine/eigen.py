"""Eigenvalues that come for every picture."""

from __future__ import annotations

import torch
from torch import Tensor

_UNEQUAL = 1e-13  # of the largest entry


def eigh(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Give eigenvalues (n, ascending) and eigenvectors (n, n) of a symmetric float32 matrix.

    LAPACK's solver does not always converge in float32 where most eigenvalues are zero (a style of
    few pixels), by chance of the number of threads. In float64 it does; that costs twice the time
    and is done for these alone. Where it does not there either, the eigenvalues are made unequal.
    Raises LinAlgError for a matrix that is not finite.
    """
    try:
        return _solved(matrix)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        wide = matrix.double()
    try:
        values, vectors = _solved(wide)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        ramp = torch.linspace(0, 1, len(wide), dtype=wide.dtype) * wide.abs().max() * _UNEQUAL
        values, vectors = _solved(wide + ramp.diag())
    return values.float(), vectors.float()


def _solved(matrix: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(matrix)
    # Or it says nothing and gives eigenvectors that are no numbers.
    if bool(torch.isfinite(matrix).all()) and not bool(torch.isfinite(vectors).all()):
        raise torch.linalg.LinAlgError("eigenvectors are not finite")  # type: ignore[attr-defined]
    return values, vectors
