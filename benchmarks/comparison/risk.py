"""How bad a season may be, how long it takes to sell, and what a visitor still loses once the learning is done."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from benchmarks.comparison.statistics import CONFIDENCE
from policies.policy import Floats

_LAST = 10  # parts of a season, the last of which counts as after learning


def quantile_interval(values: Any, share: float, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """A quantile of (n,) values with an interval that holds whatever their distribution (order statistics).

    Args:
        values: infinite ones allowed.
        share: 0.1 for the value below which one in ten lies.
        confidence: of the interval.

    Returns:
        quantile (median-unbiased), lower, upper; limits are infinite where so few values exclude nothing.
    """
    ordered = np.concatenate([[-np.inf], np.sort(np.asarray(values, float)), [np.inf]])
    n, tail = len(ordered) - 2, (1 - confidence) / 2
    below = np.append(0.0, special.bdtr(np.arange(n + 1.0), n, share))  # [k]: chance of fewer than k below the quantile
    lower = ordered[int(np.flatnonzero(below[: n + 1] <= tail).max(initial=0))]
    upper = ordered[int(np.flatnonzero(1 - below[: n + 2] <= tail).min(initial=n + 1))]
    return _quantile(ordered[1:-1], share), float(lower), float(upper)


def _quantile(ordered: Floats, share: float) -> float:
    """Median-unbiased (Hyndman and Fan 1996, type 8); infinite where either neighbour is."""
    n = len(ordered)
    place = float(np.clip(share * (n + 1 / 3) + 1 / 3, 1, n)) - 1
    left, part = int(place), place - int(place)
    if part < 1e-12 or np.isinf(ordered[left + 1]):
        return float(ordered[left + (part >= 1e-12)])
    return float(ordered[left] + part * (ordered[left + 1] - ordered[left]))


def days_until(paths: Any, targets: Any) -> Floats:
    """(n,) the first day by whose end each season has sold its target; infinite where it never has.

    Args:
        paths: (n, T) cumulative.
        targets: (n,).
    """
    paths, targets = np.asarray(paths, float), np.asarray(targets, float)
    there = paths >= targets[:, None]
    days: Floats = np.where(there.any(axis=1), there.argmax(axis=1) + 1.0, np.inf)
    return days


def simple_regret(regrets: Any, visits: Any) -> Floats:
    """(n,) regret a visit in the last tenth of each season: what the policy that was learned still gives away.

    Args:
        regrets: (n, T) cumulative.
        visits: (n, T) cumulative.
    """
    regrets, visits = np.asarray(regrets, float), np.asarray(visits, float)
    days = regrets.shape[1]
    last = days - max(1, round(days / _LAST)) - 1
    before = (regrets[:, last], visits[:, last]) if last >= 0 else (0.0, 0.0)
    found: Floats = (regrets[:, -1] - before[0]) / np.maximum(visits[:, -1] - before[1], 1)
    return found
