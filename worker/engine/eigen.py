"""Eigenvalues that come for every picture."""

from __future__ import annotations

import torch
from torch import Tensor


def eigh(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Give eigenvalues (n, ascending) and eigenvectors (n, n) of a symmetric float32 matrix.

    LAPACK's solver does not always converge in float32 where most eigenvalues are zero (a style of
    few pixels), by chance of the number of threads. In float64 it does; that costs twice the time
    and is done for these alone.
    """
    try:
        values, vectors = torch.linalg.eigh(matrix)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        values, vectors = (part.float() for part in torch.linalg.eigh(matrix.double()))
    return values, vectors
