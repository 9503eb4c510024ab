"""What is believable about each product beyond the network: Bayesian linear regression on its last layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from policies.policy import Floats, Integers


class LastLayerPosteriors:
    """One conjugate linear regression an action, with unknown noise (Riquelme et al. 2018, section 4 and appendix A).

    y = x . w + noise, noise ~ N(0, s^2), w | s^2 ~ N(0, s^2 / precision), s^2 ~ InverseGamma(shape, rate). After rows
    X (N, h), y (N,) of an action: Lambda = X'X + precision I, w = inverse(Lambda) X'y, shape + N / 2,
    rate + (y'y - w' Lambda w) / 2.
    """

    def __init__(self, n_actions: int, width: int, *, precision: float, shape: float, rate: float) -> None:
        self._shape, self._rate = shape, rate
        self._precisions = np.tile(precision * np.eye(width), (n_actions, 1, 1))  # (K, h, h) Lambda
        self._moments = np.zeros((n_actions, width))  # (K, h) X'y
        self._squares = np.zeros(n_actions)  # (K,) y'y
        self.counts = np.zeros(n_actions)  # (K,) rows of each
        self.weights = np.zeros((n_actions, width))  # (K, h) posterior means
        self._halves = np.tile(np.eye(width) / np.sqrt(precision), (n_actions, 1, 1))  # H'H = inverse(Lambda)
        self.rates = np.full(n_actions, rate)  # (K,) of the inverse gamma posteriors of the noise variances
        self._solved = np.zeros(n_actions)  # (K,) rows of each that are in weights, halves and rates

    def add(self, rows: Floats, y: Floats, chosen: Integers, weights: Floats | None = None) -> None:
        """Take in rows (N, h) with their y (N,), each of one action (N,); they count once `solve` is called.

        A row of weight w counts as w rows.
        """
        each = np.ones(len(y)) if weights is None else weights
        _accumulate(rows, y, chosen, each, self._precisions, self._moments, self._squares, self.counts)

    def solve(self) -> None:
        """Solve for the posteriors of the actions that have new rows."""
        new = np.flatnonzero(self.counts > self._solved)
        halves = np.linalg.inv(np.linalg.cholesky(self._precisions[new]))
        self._halves[new] = halves
        self.weights[new] = np.matvec(halves.transpose(0, 2, 1), np.matvec(halves, self._moments[new]))
        self._solved[new] = self.counts[new]
        explained = (np.matvec(self._halves, self._moments) ** 2).sum(axis=1)
        self.rates[:] = self._rate + (self._squares - explained) / 2.0

    @property
    def shapes(self) -> Floats:
        """(K,) of the inverse gamma posteriors of the noise variances."""
        shapes: Floats = self._shape + self.counts / 2.0
        return shapes

    def means_and_scales(self, rows: Floats, ids: Integers) -> tuple[Floats, Floats]:
        """(n, k) location and scale of x . w for rows (n, k, h) of these actions: Student's t, 2 shapes degrees."""
        by_action = rows.transpose(1, 0, 2)
        lengths = np.linalg.norm(by_action @ self._halves[ids].transpose(0, 2, 1), axis=2)
        means = by_action @ self.weights[ids][:, :, None]
        return means[:, :, 0].T, lengths.T * np.sqrt(self.rates / self.shapes)[ids]

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All sums, and what was solved from them."""
        return {f"posterior_{name.lstrip('_')}": getattr(self, name) for name in _ARRAYS}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from these sums."""
        for name in _ARRAYS:
            getattr(self, name)[:] = state[f"posterior_{name.lstrip('_')}"]


_ARRAYS = ("_precisions", "_moments", "_squares", "counts", "weights", "_halves", "rates", "_solved")


@njit(cache=True)
def _accumulate(
    rows: Any, y: Any, chosen: Any, weights: Any, precisions: Any, moments: Any, squares: Any, counts: Any
) -> None:
    """Row after row, so that sums do not depend on how rows are grouped."""
    for i in range(len(y)):
        k = chosen[i]
        x = rows[i]
        for a in range(len(x)):
            weighted = weights[i] * x[a]
            moments[k, a] += weighted * y[i]
            if x[a] != 0.0:  # as half of what leaves a ReLU is
                row = precisions[k, a]
                for b in range(len(x)):
                    row[b] += weighted * x[b]
        squares[k] += weights[i] * y[i] * y[i]
        counts[k] += weights[i]
