"""Rest: for how long customers do not come again after a visit, beside how often they come at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from simulator.calibration.sales import Floats, Ints, Sales

_DAYS = 42  # after a visit that are looked at
_LEAST = 300  # gaps between visits that tell a rest
_SURELY = 10.0  # log likelihood that rest must bring
_USUAL, _WIDE = np.log(7.0), 0.5  # prior of the log of the mean days of rest, and of its spread between kinds
_MOST = 0.6  # share of a customer's time that is rest, at most


@dataclass(frozen=True)
class Rest:
    """How customers rest after a visit."""

    share: float  # of visits that are followed by a rest
    error: float  # standard error of the share
    days: Floats  # (J,) mean of it, of each kind of customer

    def active(self, rates: Floats) -> Floats:
        """(J,) rates outside of rests, of kinds that come at these rates a week all in all."""
        resting = np.minimum(rates * self.share * self.days / 7, _MOST)
        return np.asarray(rates / (1 - resting))


def fit(sales: Sales, kinds: Floats, rates: Floats) -> Rest | None:
    """The likeliest rest; None where there is none to be seen.

    On day g after a visit, customers come with a hazard that is their rate times the day's traffic times
    1 - share exp(-g / days): visits on each day are Poisson, given who has not come before it (a piecewise constant
    hazard; Laird & Olivier 1981). Kinds differ in their days; what is usual of each, beside its rate, is free.

    Args:
        kinds: (n_users, J) chance that each customer is of each kind.
        rates: (J,) visits a week of each.
    """
    came, expected = _table(sales, kinds, rates)
    if came.sum() < _LEAST:
        return None
    day = np.arange(1, _DAYS + 1)

    def surprise(values: Floats) -> float:
        days = np.exp(values[1:])[:, None]
        shape = expected * (1 - expit(values[0]) * np.exp(-day / days))
        free = came.sum(axis=1, keepdims=True) / np.maximum(shape.sum(axis=1, keepdims=True), 1e-9)  # the best level
        log = came * np.log(np.maximum(free * shape, 1e-9))
        return float(0.5 * (((values[1:] - _USUAL) / _WIDE) ** 2).sum() - log.sum())

    found = minimize(surprise, np.array([0.0, *[_USUAL] * len(rates)]), method="L-BFGS-B")
    none = surprise(np.array([-20.0, *[_USUAL] * len(rates)]))
    if none - found.fun < _SURELY:
        return None
    share, step = float(expit(found.x[0])), np.eye(len(found.x))[0] * 0.1
    curve = (surprise(found.x + step) - 2 * found.fun + surprise(found.x - step)) / 0.1**2
    return Rest(share, share * (1 - share) / np.sqrt(max(curve, 1e-6)), np.exp(found.x[1:]))


def _table(sales: Sales, kinds: Floats, rates: Floats) -> tuple[Floats, Floats]:
    """(J, days) visits so many days after the one before, and those expected of whoever had not come by then."""
    users, day = _ordered(sales)
    same = np.diff(users) == 0
    gap, begin, weight = np.diff(day)[same], day[:-1][same], kinds[users[1:][same]]
    traffic = np.bincount(sales.visit_days, minlength=sales.days) / max(len(sales.times), 1) * sales.days
    came, expected = np.zeros((len(rates), _DAYS)), np.zeros((len(rates), _DAYS))
    for n in range(1, _DAYS + 1):
        waits = gap >= n
        came[:, n - 1] = weight[gap == n].sum(axis=0)
        expected[:, n - 1] = rates / 7 * (weight[waits] * traffic[begin[waits] + n][:, None]).sum(axis=0)
    return came, expected


def _ordered(sales: Sales) -> tuple[Ints, Ints]:
    """Users and days of the visits of named customers, one customer after the other."""
    named = np.flatnonzero(~sales.guest)
    order = named[np.lexsort([sales.times[named], sales.users[named]])]
    return sales.users[order], sales.visit_days[order]
