"""Weeks of the year, noisy ones smoothed: each resembles the one before it, and the data says how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.calibration.sales import Floats

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)  # spread of the difference from one week to the next
_OWN = (0.001, 0.03, 0.06, 0.1, 0.15, 0.2)  # spread of what a week has for itself and does not have again
_LEVEL = 1.0  # spread of the year's mean


@dataclass(frozen=True)
class Smooth:
    """W weeks that follow each other in a ring."""

    mean: Floats  # (W,)
    covariance: Floats  # (W, W)
    own: float  # standard deviation of what a week of one year has beside this

    def draw(self, random: np.random.Generator) -> Floats:
        """(W,) of one year."""
        roots, turn = np.linalg.eigh(self.covariance)
        spread = turn @ (np.sqrt(np.maximum(roots, 0)) * random.normal(size=len(roots)))
        return np.asarray(self.mean + spread + self.own * random.normal(size=len(roots)))


def smoothed(seen: Floats, variances: Floats) -> Smooth:
    """The weeks behind noisy sights of them.

    A Gaussian random walk on a ring plus independent noise; both spreads are those that make what is seen likeliest
    (Rue & Held 2005, ch. 3).

    Args:
        seen: (W,) sights, NaN where there is none.
        variances: (W,) of the error of each.
    """
    known = np.flatnonzero(np.isfinite(seen))
    likeliest = max(
        (
            (_log_likelihood(seen[known], _prior(len(seen), step)[np.ix_(known, known)], variances[known] + own**2)),
            step,
            own,
        )
        for step in _STEPS
        for own in _OWN
    )
    _, step, own = likeliest
    prior = _prior(len(seen), step)
    gain = np.linalg.solve(prior[np.ix_(known, known)] + np.diag(variances[known] + own**2), prior[known]).T
    return Smooth(gain @ seen[known], prior - gain @ prior[known], own)


def _prior(weeks: int, step: float) -> Floats:
    """(W, W) covariance: the inverse of the ring's precision, whose level alone is held by `_LEVEL`."""
    difference = np.eye(weeks) - np.roll(np.eye(weeks), 1, axis=1)
    return np.asarray(
        np.linalg.inv(difference.T @ difference / step**2 + np.full((weeks, weeks), 1 / (weeks * _LEVEL) ** 2))
    )


def _log_likelihood(seen: Floats, prior: Floats, variances: Floats) -> float:
    covariance = prior + np.diag(variances)
    return float(-0.5 * (np.linalg.slogdet(covariance)[1] + seen @ np.linalg.solve(covariance, seen)))
