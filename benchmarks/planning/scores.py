"""Scores of predictions: how well they rank, how far they are off, and whether their intervals hold.

Each score takes the table of n launches and `counts` (B, n), how often each launch is drawn in each of B bootstrap
samples, and answers (B,) values: a thousand samples are a few products of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.planning.launches import Floats, Integers

CONFIDENCE = 0.95
_DRAWS = 1_000

Table = Mapping[str, Floats]  # columns (n,): score, predicted, outcome, lower80, upper80, lower90, upper90
Score = Callable[[Table, Floats], Floats]


def spearman(table: Table, counts: Floats) -> Floats:
    """Rank correlation of `score` and `outcome`; 0 where all are told alike."""
    first, second = (_ranks(table[name], counts) for name in ("score", "outcome"))
    total = counts.sum(axis=1, keepdims=True)
    first, second = (ranks - (counts * ranks).sum(axis=1, keepdims=True) / total for ranks in (first, second))
    together = (counts * first * second).sum(axis=1)
    spread = np.sqrt((counts * first**2).sum(axis=1) * (counts * second**2).sum(axis=1))
    return np.where(spread > 1e-9, together / np.maximum(spread, 1e-9), 0.0)


def _ranks(values: Floats, counts: Floats) -> Floats:
    """(B, n) rank of each launch within each sample, the middle one of those of equal value."""
    groups, (sums,) = _grouped(values, counts)
    return (sums.cumsum(axis=1) - sums / 2)[:, groups]


def capture(table: Table, counts: Floats) -> Floats:
    """Sales of the fifth with the highest score, relative to those of the fifth that sold most."""
    caught = _of_best_fifth(table["score"], table["outcome"], counts)
    most = _of_best_fifth(table["outcome"], table["outcome"], counts)
    return np.asarray(caught / np.maximum(most, 1e-9))


def _of_best_fifth(score: Floats, outcome: Floats, counts: Floats) -> Floats:
    """(B,) sales of the best fifth by score; those of equal score share the places that are left."""
    _, (many, sales) = _grouped(-score, counts, counts * outcome)
    places = np.maximum(np.round(counts.sum(axis=1, keepdims=True) / 5), 1)
    taken = np.clip(places - (many.cumsum(axis=1) - many), 0, many)
    return np.asarray((taken * sales / np.maximum(many, 1e-9)).sum(axis=1))


def _grouped(values: Floats, *columns: Floats) -> tuple[Integers, list[Floats]]:
    """(n,) group of each launch, those of equal value together, in ascending order; and (B, groups) sums of columns."""
    order = np.argsort(values, kind="stable")
    first = np.diff(values[order], prepend=-np.inf) != 0
    groups = np.empty(len(values), np.int64)
    groups[order] = np.cumsum(first) - 1
    return groups, [np.add.reduceat(column[:, order], np.flatnonzero(first), axis=1) for column in columns]


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
    """The middle 95% of bootstrap values."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
