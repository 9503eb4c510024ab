"""Weeks of the year, noisy ones smoothed: each resembles the one before it, and the data says how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.calibration.sales import Bools, Floats, Ints

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)  # spread of the difference from one week to the next
_OWN = (0.001, 0.03, 0.06, 0.1, 0.15, 0.2)  # spread of what a week has for itself and does not have again
_LEVEL = 1.0  # spread of the year's mean
_BREAK = 0.5  # and of the difference where there is a break
_RARE = np.log(10)  # one step in so many (log) is expected to be one


@dataclass(frozen=True)
class Smooth:
    """W weeks that follow each other in a ring."""

    mean: Floats  # (W,)
    covariance: Floats  # (W, W)
    own: float  # standard deviation of what a week of one year has beside this
    prior: Floats  # (W, W) covariance before any was seen

    def draw(self, random: np.random.Generator) -> Floats:
        """(W,) of one year."""
        roots, turn = np.linalg.eigh(self.covariance)
        spread = turn @ (np.sqrt(np.maximum(roots, 0)) * random.normal(size=len(roots)))
        return np.asarray(self.mean + spread + self.own * random.normal(size=len(roots)))


def smoothed(seen: Floats, variances: Floats) -> Smooth:
    """The weeks behind noisy sights of them.

    A Gaussian random walk on a ring plus independent noise (Rue & Held 2005, ch. 3). How far both spread is not known:
    what comes of each pair of spreads is averaged, by how likely the pair makes what is seen (Hoeting et al. 1999,
    Bayesian model averaging). The likeliest pair alone would be too sure of weeks that were never seen. Some steps are
    breaks, such as from Advent to Christmas, whose size tells nothing of the other steps: a mixture of two spreads (Box
    & Tiao 1968). Breaks are told one by one, the likeliest first, between weeks that were both seen; elsewhere steps
    spread as if breaks were as many there.

    Args:
        seen: (W,) sights, NaN where there is none.
        variances: (W,) of the error of each.
    """
    walked = [_walked(seen, variances, step, own) for step in _STEPS for own in _OWN]
    likely = np.array([log_likelihood for _, log_likelihood in walked])
    weights = np.exp(likely - likely.max())
    return _averaged([found for found, _ in walked], weights / weights.sum())


def _averaged(found: list[Smooth], weights: Floats) -> Smooth:
    """Mean and covariance of a mixture."""
    means = np.array([one.mean for one in found])
    mean = weights @ means
    covariance = np.tensordot(weights, [one.covariance for one in found], 1)
    apart = (means - mean).T * weights @ (means - mean)
    own = np.sqrt(weights @ [one.own**2 for one in found])
    return Smooth(mean, covariance + apart, float(own), np.tensordot(weights, [one.prior for one in found], 1))


def _walked(seen: Floats, variances: Floats, step: float, own: float) -> tuple[Smooth, float]:
    """The weeks for given spreads, and how likely they and their breaks make what is seen (log)."""
    known, both = np.flatnonzero(np.isfinite(seen)), np.isfinite(seen) & np.isfinite(np.roll(seen, -1))
    broken = np.zeros(len(seen), bool)
    while True:
        spreads = _spreads(step, broken, both)
        prior = _prior(spreads)
        told = prior[np.ix_(known, known)] + np.diag(variances[known] + own**2)
        gains = np.where(both & ~broken, _gains(seen[known], prior, known, told, spreads), -np.inf)
        if gains.max() <= _RARE:
            break
        broken[gains.argmax()] = True
    gain = np.linalg.solve(told, prior[known]).T
    found = Smooth(gain @ seen[known], prior - gain @ prior[known], own, prior)
    return found, _log_likelihood(seen[known], told) - _RARE * int(broken.sum())


def _spreads(step: float, broken: Bools, both: Bools) -> Floats:
    """(W,) of the step from each week to the next, where one of them was never seen too."""
    rate = broken.sum() / max(both.sum(), 1)
    return np.where(broken, _BREAK, np.where(both, step, np.sqrt(step**2 + rate * _BREAK**2)))


def _gains(seen: Floats, prior: Floats, known: Ints, told: Floats, spreads: Floats) -> Floats:
    """(W,) how much likelier (log) it would make what is seen if each step were a break: an update of rank one."""
    less = 1 / spreads**2 - 1 / _BREAK**2  # of its precision
    across = np.roll(prior, -1, axis=1) - prior  # (W, W) covariance of each week with each step
    own = (np.roll(across, -1, axis=0) - across).diagonal()  # variance of each step
    factor = less / (1 - less * own)
    slope = across[known]
    solved = np.linalg.solve(told, slope)
    size = (slope * solved).sum(axis=0)
    return np.asarray(-0.5 * np.log1p(factor * size) + 0.5 * factor * (seen @ solved) ** 2 / (1 + factor * size))


def _prior(spreads: Floats) -> Floats:
    """(W, W) covariance by the spread of each step to the next week; `_LEVEL` alone holds the level of the ring."""
    weeks = len(spreads)
    difference = np.roll(np.eye(weeks), 1, axis=1) - np.eye(weeks)
    precision = difference.T @ (difference / spreads[:, None] ** 2) + np.full((weeks, weeks), 1 / (weeks * _LEVEL) ** 2)
    return np.asarray(np.linalg.inv(precision))


def _log_likelihood(seen: Floats, covariance: Floats) -> float:
    return float(-0.5 * (np.linalg.slogdet(covariance)[1] + seen @ np.linalg.solve(covariance, seen)))
