"""Can an off-policy estimate be believed? What the weights, the log's support and the reward model say about that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from benchmarks.off_policy.evidence import Evidence
from benchmarks.off_policy.pareto import Tail
from benchmarks.off_policy.sums import Averages, Moments
from envs.logs import rounding
from policies.policy import Feedback, Floats, Integers

CLIPS: Floats = np.array([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1_000.0])
EDGES: Floats = np.linspace(
    -4.0, 4.0, 81
)  # of the histogram of log10(weight); the first and last take what lies beyond
_WEIGHT, _REWARD, _FITTED, _CORRECTION, _EARNED = range(5)


@dataclass(frozen=True)
class Health:
    """What there is to know about an evaluation before its numbers are believed."""

    n: int
    observed: float  # mean reward of the log
    effective_sample_size: float  # rows drawn from the policy itself that would be worth as much (Kong 1992)
    rewarding: float  # rows that the weighted rewards come from: (sum w |r|)^2 / sum (w r)^2
    largest_weight: float  # times the visits that its row stands for
    largest_share: float  # of all weight, that of one row
    mean_weight: float  # 1 where log, propensities and policy fit together
    mean_weight_error: float  # standard error of it
    unsupported: float  # mean chance that the policy chooses an action the log never shows
    pareto_k: float
    calibration_slope: float  # of rewards on predictions: 1 for a calibrated model; NaN without a model
    model_bias: float  # of the direct method, as inverse propensity weighting sees it
    model_bias_error: float  # standard error of it
    clipping: dict[float, tuple[float, float]]  # clip -> (SNIPS with clipped weights, share of weight kept)
    placebo: tuple[float, float, float] | None = None  # the re-learned logging policy: value, lower, upper
    placebo_weight: tuple[float, float] | None = None  # its mean weight and the standard error
    estimated: bool = False  # propensities are not the log's own but estimated from it
    weight_rounding: float = 0.0  # by how much the mean weight may be off because propensities were rounded
    value_rounding: float = 0.0  # the same of the value
    users: float = np.inf  # who decided: users of equally many rows that would be worth as much (Kish 1965)


class Diagnosis:
    """Reads the signs off a log that passes by: `add`, `merge`, `health`."""

    def __init__(self) -> None:
        self.moments = Averages(5)  # weight, reward, prediction, weight * (reward - prediction), weight * |reward|
        self.fit = Moments(2)  # prediction and reward, over the visits that the rows stand for
        self.tail = Tail()
        self.clipped: Floats = np.zeros((len(CLIPS), 2))  # sums of clipped weights, and of those times rewards
        self.histogram: Integers = np.zeros(len(EDGES) - 1, np.int64)  # rows by log10(weight), those above 0
        self.mass: Floats = np.zeros(0)  # (K,) summed chance under the policy
        self.shown: Integers = np.zeros(0, np.int64)  # (K,) rows of the log
        self.visits: Floats = np.zeros(0)  # (K,) that these stand for
        self.decimals = 0  # that propensities were written with
        self.inverse: Floats = np.zeros(2)  # sums of weight / propensity, and of weight * |reward| / propensity

    def add(
        self, feedback: Feedback, probabilities: Floats, evidence: Evidence, groups: Integers | None = None
    ) -> None:
        """Take in n rows; those that show an action of a (K,) group speak for all of it."""
        counts = np.ones(len(evidence)) if evidence.counts is None else evidence.counts
        columns = evidence.weights, evidence.rewards, evidence.fitted, counts
        mean, scatter, spread = _add(*columns, CLIPS, EDGES, self.clipped, self.histogram)
        self.moments.add(len(evidence), mean, scatter)
        self.fit.add(counts.sum(), *spread)
        self.tail.add(counts * evidence.weights)
        K = probabilities.shape[1]
        alike = np.arange(K) if groups is None else groups
        shown = alike[feedback.chosen]
        rows, visits = np.bincount(shown, minlength=K)[alike], np.bincount(shown, counts, K)[alike].astype(float)
        self._count(counts @ probabilities, rows, visits)
        self.decimals = rounding.decimals(feedback.propensities, self.decimals)
        inverse = counts * evidence.weights / feedback.propensities
        self.inverse = self.inverse + np.array([inverse.sum(), inverse @ np.abs(evidence.rewards)])

    def merge(self, other: Diagnosis) -> None:
        """Take in what another has seen."""
        self.moments.merge(other.moments)
        self.fit.merge(other.fit)
        self.tail.merge(other.tail)
        self.clipped += other.clipped
        self.histogram += other.histogram
        self.decimals = max(self.decimals, other.decimals)
        self.inverse = self.inverse + other.inverse
        if len(other.mass):
            self._count(other.mass, other.shown, other.visits)

    def health(self) -> Health:
        """The summary."""
        moments = self.moments
        mean = moments.mean
        total = float(moments.total * mean[_WEIGHT])
        largest = float(self.tail.largest.max(initial=0.0))
        predicted = self.fit.scatter[0, 0]
        return Health(
            n=moments.n,
            observed=float(mean[_REWARD]),
            effective_sample_size=moments.worth(_WEIGHT),
            rewarding=moments.worth(_EARNED),
            largest_weight=largest,
            largest_share=largest / total if total > 0.0 else np.nan,
            mean_weight=float(mean[_WEIGHT]),
            mean_weight_error=moments.error(_WEIGHT),
            unsupported=float(self.mass[self.shown == 0].sum() / (moments.total or 1.0)),
            pareto_k=self.tail.shape(),
            calibration_slope=float(self.fit.scatter[0, 1] / predicted) if predicted > 0.0 else np.nan,
            model_bias=float(-mean[_CORRECTION]),
            model_bias_error=moments.error(_CORRECTION),
            clipping=self._clipping(total),
            weight_rounding=self._rounding(float(mean[_WEIGHT]), self.inverse[0]),
            value_rounding=self._rounding(float(mean[_EARNED]), self.inverse[1]),
        )

    def _rounding(self, mean: float, inverse: float) -> float:
        """By how much a mean over the rows may be off because propensities were rounded."""
        if not mean > 0.0:
            return 0.0
        return mean * rounding.share(self.decimals, inverse / self.moments.total / mean, self.moments.n)

    def _count(self, mass: Floats, shown: Integers, visits: Floats) -> None:
        if not len(self.mass):
            self.mass, self.shown, self.visits = (
                np.zeros(len(mass)),
                np.zeros(len(shown), np.int64),
                np.zeros(len(mass)),
            )
        self.mass = self.mass + mass
        self.shown = self.shown + shown
        self.visits = self.visits + visits

    def _clipping(self, total: float) -> dict[float, tuple[float, float]]:
        if not total > 0.0:
            return {}
        return {
            float(clip): (float(rewards / weights), float(weights / total))
            for clip, (weights, rewards) in zip(CLIPS, self.clipped, strict=True)
        }


@njit(cache=True)
def _add(
    weights: Any, rewards: Any, fitted: Any, counts: Any, clips: Any, edges: Any, clipped: Any, histogram: Any
) -> Any:
    """Adds to the clipped sums and the histogram. Answers mean (6,) and scatter (6, 6) of the count and of the five
    numbers times the count; and mean (2,) and scatter (2, 2) of prediction and reward, each row counting so often."""
    n = len(weights)
    rows = np.empty((n, 6))
    mean, scatter, apart = np.zeros(6), np.zeros((6, 6)), np.empty(6)
    for i in range(n):
        w, r, count = weights[i], rewards[i], counts[i]
        rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3] = count, count * w, count * r, count * fitted[i]
        rows[i, 4], rows[i, 5] = count * (w * (r - fitted[i])), count * (w * abs(r))
        for j in range(6):
            mean[j] += rows[i, j]
        for c in range(len(clips)):
            kept = count * min(w, clips[c])
            clipped[c, 0] += kept
            clipped[c, 1] += kept * r
        if w > 0.0:
            place = (np.log10(w) - edges[0]) / (edges[1] - edges[0])
            histogram[int(min(max(place, 0.0), len(edges) - 2.0))] += 1
    total = mean[0] if n else 1.0
    centre, spread = np.array([mean[3] / total, mean[2] / total]), np.zeros((2, 2))
    mean /= max(n, 1)
    for i in range(n):
        for j in range(6):
            apart[j] = rows[i, j] - mean[j]
        for j in range(6):
            for k in range(j + 1):
                scatter[j, k] += apart[j] * apart[k]
        predicted, earned = fitted[i] - centre[0], rewards[i] - centre[1]
        spread[0, 0] += counts[i] * predicted * predicted
        spread[0, 1] += counts[i] * predicted * earned
        spread[1, 1] += counts[i] * earned * earned
    for j in range(6):
        for k in range(j):
            scatter[k, j] = scatter[j, k]
    spread[1, 0] = spread[0, 1]
    return mean, scatter, (centre, spread)
