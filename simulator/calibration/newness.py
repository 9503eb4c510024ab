"""Which products that are first sold late are launches, and which are old ones that had only been silent for long."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from simulator.calibration.sales import Floats, Ints

_AHEAD = 8  # weeks of sales that tell how large a product is
_CLASSES = 4  # of sizes: fewer than 4 lines, than 16, than 64, more
_AROUND = 4  # weeks before and after over which first sales are counted
_TELLING = 30  # silences that tell how often longer ones are
_ABRUPT = 20.0  # shape of rates from which on they are as good as equal


def newness(table: Floats) -> Floats:
    """(K,) chance that a product's first sale is its launch.

    A product first sold in week w may be an old one that had been silent since before the history. How many of those
    come back in a week is seen of products that sold before: so many end a silence of w weeks or more, and sell so much
    afterwards. What comes beyond these, among first sales of that size around that week, is new.

    Args:
        table: (K, W) lines of each product and week.
    """
    sold = table > 0
    weeks = table.shape[1]
    first, size = sold.argmax(axis=1), _sizes(table)
    own = size[np.arange(len(table)), first]
    seen = np.zeros((weeks, _CLASSES))
    np.add.at(seen, (first[sold.any(axis=1)], own[sold.any(axis=1)]), 1.0)
    usual = np.array([seen[max(week - _AROUND, 1) : week + _AROUND + 1].mean(axis=0) for week in range(weeks)])
    chance = 1 - _returns(sold, size, usual) / np.maximum(usual, 1e-9)
    return np.where(sold.any(axis=1) & (first > 0), chance[first, own], 0.0)


def _sizes(table: Floats) -> Ints:
    """(K, W) class of the lines of each product from each week on."""
    before = np.concatenate([np.zeros((len(table), 1)), np.cumsum(table, axis=1)], axis=1)
    weeks = np.arange(table.shape[1])
    ahead = before[:, np.minimum(weeks + _AHEAD, table.shape[1])] - before[:, weeks]
    return np.asarray(np.clip(np.log(np.maximum(ahead, 1)) // np.log(4), 0, _CLASSES - 1), np.int64)


def _returns(sold: npt.NDArray[np.bool_], size: Ints, usual: Floats) -> Floats:
    """(W, sizes) old products a week that sell again after a silence of w weeks or more, never more than `usual`.

    In week v > w they are those whose sale before the silence is seen, and those whose is not, which are silent since
    before the history: as many as come back after v weeks or more. So the last weeks tell those before them, and
    shorter silences tell the last.
    """
    weeks = sold.shape[1]
    latest = np.maximum.accumulate(np.where(sold, np.arange(weeks), -1), axis=1)
    product, week = np.nonzero(sold[:, 1:] & (latest[:, :-1] >= 0))
    silent = week - latest[product, week]
    counts = np.zeros((weeks, weeks, _CLASSES))  # week, silence
    np.add.at(counts, (week + 1, silent, size[product, week + 1]), 1.0)
    found = np.zeros((weeks, _CLASSES))
    found[-1] = np.minimum([_beyond(counts[:, :, size].sum(axis=0)) for size in range(_CLASSES)], usual[-1])
    for long in range(weeks - 2, -1, -1):
        back = counts[long + 1 :, long:].sum(axis=1).mean(axis=0) + found[long + 1 :].mean(axis=0)
        found[long] = np.minimum(back, usual[long])
    return found


def _beyond(silences: Floats) -> float:
    """Old products a week that sell again after a silence as long as the history.

    Products that sell at Poisson rates, which are spread as a gamma of shape a, end silences of w weeks at a rate that
    falls as (1 + w / c)^-(a + 2), the law of Lomax (1954); the likeliest one is summed over what is longer.

    Args:
        silences: (W,) how many ended in the history, by their length in weeks.
    """
    weeks = np.arange(1, len(silences) - 1)
    seen, exposed = silences[weeks], len(silences) - 1.0 - weeks
    if seen.sum() < _TELLING:
        return 0.0

    def rates(x: Floats) -> Floats:
        return np.asarray(np.exp(x[0] - (2 + np.exp(x[2])) * np.log1p(weeks / np.exp(x[1]))) * exposed)

    def surprise(x: Floats) -> float:
        expected = rates(x)
        return float((expected - seen * np.log(expected + 1e-300)).sum())

    start = np.array([np.log(5 * seen.sum() / exposed.sum()), 1.0, 0.0])
    bounds = [(None, 50.0), (-1.0, np.log(10.0 * len(silences))), (-4.0, np.log(_ABRUPT))]
    level, scale, shape = minimize(surprise, start, method="Nelder-Mead", bounds=bounds, options={"maxiter": 2000}).x
    power, longest = 1 + np.exp(shape), (len(silences) - 1.5) / np.exp(scale)
    return float(np.exp(level + scale - power * np.log1p(longest)) / power)
