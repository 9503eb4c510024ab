"""Intervals that may be looked at after every season: how far they reach, at every number of seasons at once."""

from __future__ import annotations

import numpy as np

FIRST = 20  # seasons; skewed ones tell too little of their long tail before (docs/comparison.md, "Looking early")


def reach(n: int, confidence: float) -> float:
    """Standard errors to each side of the mean, so that all the intervals from the first season on hold together.

    A t-test that may be looked at any time: the likelihood ratio of t under an effect drawn from N(0, 1) standard
    deviations to t under none is a martingale whatever the variance (Lai 1976; Wang and Ramdas 2024, "Anytime-valid
    t-tests"), so it exceeds 1 / (1 - confidence) at any time with chance 1 - confidence at most (Ville). Solved for t.

    Args:
        n: seasons, 2 or more.
        confidence: with which they hold together.

    Returns:
        the reach; infinite where n seasons cannot exclude anything.
    """
    wider = 1.0 + n
    ratio = (np.sqrt(wider) / (1 - confidence)) ** (2 / n)
    return float(np.sqrt((n - 1) * (ratio - 1) / (1 - ratio / wider))) if ratio < wider else float("inf")


def p_value(t: float, n: int) -> float:
    """The smallest 1 - confidence at which t is outside the reach; 1 at most."""
    wider, df = 1.0 + n, n - 1
    log_ratio = n / 2 * (np.log1p(t**2 / df) - np.log1p(t**2 / df / wider)) - np.log(wider) / 2
    return float(np.exp(-max(log_ratio, 0.0)))
