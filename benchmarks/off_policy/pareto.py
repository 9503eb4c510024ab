"""How heavy is the tail of the weights? The shape k of a generalised Pareto distribution fitted to the largest."""

from __future__ import annotations

import numpy as np

from envs.logs.rounding import ALWAYS
from policies.policy import Floats

KEPT = 4_096  # largest weights, of any log


class Tail:
    """The largest weights of a log that passes by, at most 4,096 of them."""

    def __init__(self) -> None:
        self.n = 0
        self.largest: Floats = np.empty(0)

    def add(self, weights: Floats) -> None:
        """Take in (n,) weights."""
        self.n += len(weights)
        self._keep(weights)

    def merge(self, other: Tail) -> None:
        """Take in what another has seen."""
        self.n += other.n
        self._keep(other.largest)

    def shape(self) -> float:
        """Pareto k: below 0.5 the weights have a variance, above 0.7 an average of them cannot be trusted.

        NaN where fewer than 5 weights stand out from the rest, or 5 or more share the largest: then the tail ends where
        the log can see it, as it does when the log chose uniformly.
        Source: Vehtari et al. (2024), "Pareto smoothed importance sampling", sections 2 and 3.
        """
        if not len(self.largest):
            return float("nan")
        m = min(int(min(0.2 * self.n, 3.0 * np.sqrt(self.n))), len(self.largest) - 1)
        ordered = np.sort(self.largest)
        if np.count_nonzero(ordered > ordered[-1] * (1.0 - ALWAYS)) >= 5:
            return float("nan")
        excess = ordered[-m:] - ordered[-m - 1] if m > 0 else ordered[:0]
        excess = excess[excess > ALWAYS * ordered[-1]]
        return pareto_shape(excess) if len(excess) >= 5 else float("nan")

    def _keep(self, weights: Floats) -> None:
        if len(self.largest) == KEPT:
            weights = weights[weights > self.largest[0]]
        if len(weights):
            joined = np.concatenate([self.largest, weights])
            extra = len(joined) - KEPT
            self.largest = np.partition(joined, extra)[extra:] if extra > 0 else joined
            if len(self.largest) == KEPT:
                self.largest = np.sort(self.largest)


def pareto_shape(excess: Floats) -> float:
    """Shape k of a generalised Pareto distribution, from positive excesses over a threshold.

    Source: Zhang & Stephens (2009), eq. 7 to 10, with the weak prior k = 0.5 worth 10 observations of Vehtari et al.
    (2024), appendix C.
    """
    x = np.sort(excess)
    n = len(x)
    candidates = 30 + int(np.sqrt(n))
    quartile = x[int(n / 4.0 + 0.5) - 1]
    theta = 1.0 / x[-1] + (1.0 - np.sqrt(candidates / (np.arange(1, candidates + 1) - 0.5))) / (3.0 * quartile)
    theta = theta[theta != 0.0]  # an exponential tail, whose neighbours speak for it: 0 / 0 below
    shapes = np.log1p(-theta[:, None] * x).mean(axis=1)
    likelihood = n * (np.log(-theta / shapes) - shapes - 1.0)
    weights = np.exp(likelihood - likelihood.max())
    shape = np.log1p(-np.sum(theta * weights) / weights.sum() * x).mean()
    return float((n * shape + 10.0 * 0.5) / (n + 10.0))
