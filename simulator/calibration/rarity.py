"""What is seldom sold: how often it really is, and how much more there is that was not sold yet."""

from __future__ import annotations

import numpy as np

from simulator.calibration.sales import Floats

_KINDS, _ROUNDS = 40, 100
_SELDOM = 0.1  # lines in the longest time, of the slowest kind
_SMALL, _ENOUGH = 3, 20  # lines; products of so many


def often(counts: Floats, times: Floats) -> Floats:
    """(K,) mean of the rate of each product, given so many events in such a time.

    Events are Poisson; rates are spread in whatever way makes the counts the likeliest, on a grid (the nonparametric
    maximum likelihood of Kiefer & Wolfowitz 1956 by EM; Koenker & Mizera 2014): most products of a long tail are far
    slower than one that sold once in the time since it was seen first.
    """
    slowest, fastest = _SELDOM / times.max(), max(float((counts / times).max()), 1 / times.max())
    grid = np.exp(np.linspace(np.log(slowest), np.log(2 * fastest), _KINDS))
    logs = counts[:, None] * np.log(grid) - times[:, None] * grid
    chances = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights = np.full(_KINDS, 1 / _KINDS)
    for _ in range(_ROUNDS):
        each = chances @ weights
        weights = weights * ((1 / each) @ chances) / len(counts)
    return np.asarray((chances @ (weights * grid)) / (chances @ weights))


def turing(counts: Floats) -> Floats:
    """(K,) mean of how often products are sold that were sold so often, of products there all the time.

    Of those sold n times, (n + 1) times as many as were sold once more, each (Good 1953, after Turing), for n up to
    `_SMALL` and as far as there are enough; others as often as they were.
    """
    products = np.bincount(counts.astype(np.int64), minlength=_SMALL + 2)  # sold so many times
    found = counts.astype(float)
    for n in range(1, _SMALL + 1):
        if min(products[n], products[n + 1]) < _ENOUGH:
            break
        found[counts == n] = (n + 1) * products[n + 1] / products[n]
    return found


def not_sold_yet(counts: Floats) -> float:
    """How many more products there are that sell as seldom as those sold once: the estimate of Chao (1984) in the form
    without bias.

    Args:
        counts: (K,) how often each product was sold that was there all the time.
    """
    once, twice = (int((counts == n).sum()) for n in (1, 2))
    return once * max(once - 1, 0) / (2 * (twice + 1))
