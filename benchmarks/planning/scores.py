"""Scores of predictions: how well they rank, how far they are off, and whether their intervals hold.

Each score takes the table of n launches and `counts` (B, n), how often each launch is drawn in each of B bootstrap
samples, and answers (B,) values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from benchmarks.planning.launches import Floats, Integers

CONFIDENCE = 0.95
_DRAWS = 1_000

Table = Mapping[str, Floats]  # columns (n,): score, predicted, outcome, lower80, upper80, lower90, upper90
Score = Callable[[Table, Floats], Floats]


def spearman(table: Table, counts: Floats) -> Floats:
    """Rank correlation of `score` and `outcome`; 0 where all are told alike."""
    return np.asarray(_correlations(*_grouped(table["score"]), *_grouped(table["outcome"]), counts))


def capture(table: Table, counts: Floats) -> Floats:
    """Sales of the fifth with the highest score, relative to those of the fifth that sold most."""
    caught, most = (_of_best(*_grouped(-table[name]), table["outcome"], counts) for name in ("score", "outcome"))
    return np.asarray(caught / np.maximum(most, 1e-9))


def _grouped(values: Floats) -> tuple[Integers, Integers]:
    """(n,) places in ascending order, and where in it each group of equal values begins, then n."""
    order = np.argsort(values, kind="stable")
    begins = np.flatnonzero(np.diff(values[order], prepend=-np.inf) != 0)
    return order, np.append(begins, len(values))


@njit(cache=True, nogil=True)
def _correlations(
    order: Integers, begins: Integers, others: Integers, other_begins: Integers, counts: Floats
) -> Floats:
    """(B,) rank correlations, sample by sample, so that what a sample needs stays near the processor."""
    found = np.zeros(len(counts))
    for sample in range(len(counts)):
        count = counts[sample]
        first, second = _ranks(order, begins, count), _ranks(others, other_begins, count)
        together = mine = its = 0.0
        for k in range(len(count)):
            together += count[k] * first[k] * second[k]
            mine += count[k] * first[k] ** 2
            its += count[k] * second[k] ** 2
        spread = np.sqrt(mine * its)
        found[sample] = together / spread if spread > 1e-9 else 0.0
    return found


@njit(cache=True, nogil=True)
def _ranks(order: Integers, begins: Integers, count: Floats) -> Floats:
    """(n,) rank of each launch within the sample less the mean rank, the middle one of those of equal value."""
    ranks, below = np.empty(len(order)), -count.sum() / 2
    for group in range(len(begins) - 1):
        many = 0.0
        for place in range(begins[group], begins[group + 1]):
            many += count[order[place]]
        for place in range(begins[group], begins[group + 1]):
            ranks[order[place]] = below + many / 2
        below += many
    return ranks


@njit(cache=True, nogil=True)
def _of_best(order: Integers, begins: Integers, outcome: Floats, counts: Floats) -> Floats:
    """(B,) sales of the first fifth in order; those of one group share the places that are left."""
    found = np.zeros(len(counts))
    for sample in range(len(counts)):
        places = max(np.rint(counts[sample].sum() / 5), 1.0)
        for group in range(len(begins) - 1):
            many = sold = 0.0
            for place in range(begins[group], begins[group + 1]):
                many += counts[sample, order[place]]
                sold += counts[sample, order[place]] * outcome[order[place]]
            if many > 0:
                taken = min(many, places)
                found[sample] += taken * sold / many
                places -= taken
            if places <= 0:
                break
    return found


def wape(table: Table, counts: Floats) -> Floats:
    """Sum of absolute errors over the sum of sales."""
    return _sum(np.abs(table["predicted"] - table["outcome"]), counts) / np.maximum(
        _sum(table["outcome"], counts), 1e-9
    )


def male(table: Table, counts: Floats) -> Floats:
    """Mean absolute error of the logarithm of 1 + sales."""
    return _mean(np.abs(np.log1p(table["predicted"]) - np.log1p(table["outcome"])), counts)


def bias(table: Table, counts: Floats) -> Floats:
    """By how much the predictions' sum is off, as a share of sales."""
    return _sum(table["predicted"], counts) / np.maximum(_sum(table["outcome"], counts), 1e-9) - 1


def coverage(level: int) -> Score:
    """Share of outcomes within the interval of `level` percent."""

    def score(table: Table, counts: Floats) -> Floats:
        outcome = table["outcome"]
        return _mean((table[f"lower{level}"] <= outcome) & (outcome <= table[f"upper{level}"]), counts)

    return score


def interval_score(level: int) -> Score:
    """Mean width, plus 2 / alpha times the distance of what lies outside (Gneiting & Raftery 2007); lower is better."""

    def score(table: Table, counts: Floats) -> Floats:
        low, high, outcome = table[f"lower{level}"], table[f"upper{level}"], table["outcome"]
        outside = np.maximum(low - outcome, 0) + np.maximum(outcome - high, 0)
        return _mean(high - low + 2 / (1 - level / 100) * outside, counts)

    return score


def _sum(values: npt.NDArray[Any], counts: Floats) -> Floats:
    """(B,) weighted sums; infinite only where what is infinite was drawn."""
    values = values.astype(float)
    finite = np.isfinite(values)
    total = counts @ np.where(finite, values, 0.0)
    return np.where(counts[:, ~finite].any(axis=1), np.inf, total)


def _mean(values: npt.NDArray[Any], counts: Floats) -> Floats:
    return np.asarray(_sum(values, counts) / counts.sum(axis=1))


SCORES: dict[str, Score] = {
    "spearman": spearman,
    "capture": capture,
    "wape": wape,
    "male": male,
    "bias": bias,
    "coverage80": coverage(80),
    "score80": interval_score(80),
    "coverage90": coverage(90),
    "score90": interval_score(90),
}


def resamples(days: Integers, draws: int = _DRAWS) -> Floats:
    """(draws, n) bootstrap counts: whole launch days are drawn, since products launched together fare alike."""
    random = np.random.default_rng(0)
    _, groups = np.unique(days, return_inverse=True)
    n = int(groups.max()) + 1
    drawn = random.multinomial(n, np.full(n, 1 / n), size=draws)
    return np.asarray(drawn[:, groups], float)


def bounds(values: Floats) -> tuple[float, float]:
    """The middle 95% of bootstrap values: two of them, since between infinite ones lies nothing."""
    rank = int(len(values) * (1 - CONFIDENCE) / 2)
    ordered = np.sort(values)
    return float(ordered[rank]), float(ordered[-1 - rank])
