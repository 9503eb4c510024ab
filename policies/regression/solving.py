"""The inverse of a precision matrix, whatever the scales of its features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

LARGE = 1e4  # squared width of a lesson beyond which a rank-one update would lose more than four digits
_LEAST = 1e-15  # of a pivot: features that are all but multiples of each other count as a little less so


@njit(cache=True)
def invert(matrix: Any) -> None:
    """In place, of a symmetric positive definite (d, d), its lower triangle read: Cholesky of a diagonal scaled to 1.

    Scaled so, only what features have in common costs digits, not what unit they are in (van der Sluis 1969).
    """
    d = len(matrix)
    scale = np.empty(d)
    for i in range(d):
        scale[i] = 1.0 / np.sqrt(matrix[i, i])
    for i in range(d):
        for j in range(i + 1):
            matrix[i, j] *= scale[i] * scale[j]
    _halve(matrix)
    for i in range(d):  # H'H, H the inverse of the Cholesky factor
        for j in range(i + 1):
            total = 0.0
            for k in range(i, d):
                total += matrix[k, i] * matrix[k, j]
            matrix[j, i] = total * scale[i] * scale[j]  # above the diagonal, or a column that is not needed again
    for i in range(d):
        for j in range(i):
            matrix[i, j] = matrix[j, i]


@njit(cache=True)
def _halve(matrix: Any) -> None:
    """The lower triangle becomes the inverse of its Cholesky factor."""
    d = len(matrix)
    for j in range(d):
        pivot = matrix[j, j]
        for k in range(j):
            pivot -= matrix[j, k] * matrix[j, k]
        matrix[j, j] = np.sqrt(max(pivot, _LEAST))
        for i in range(j + 1, d):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total / matrix[j, j]
    for j in range(d):
        matrix[j, j] = 1.0 / matrix[j, j]
        for i in range(j + 1, d):
            total = 0.0
            for k in range(j, i):
                total -= matrix[i, k] * matrix[k, j]
            matrix[i, j] = total / matrix[i, i]
