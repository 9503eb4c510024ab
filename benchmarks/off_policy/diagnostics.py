"""Can an off-policy estimate be believed? What the weights, the log's support and the reward model say about that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from benchmarks.off_policy.evidence import Evidence
from benchmarks.off_policy.pareto import Tail
from benchmarks.off_policy.sums import Moments
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
    largest_weight: float
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
        self.moments = Moments(5)  # weight, reward, prediction, weight * (reward - prediction), weight * |reward|
        self.tail = Tail()
        self.clipped: Floats = np.zeros((len(CLIPS), 2))  # sums of clipped weights, and of those times rewards
        self.histogram: Integers = np.zeros(len(EDGES) - 1, np.int64)  # rows by log10(weight), those above 0
        self.mass: Floats = np.zeros(0)  # (K,) summed chance under the policy
        self.shown: Integers = np.zeros(0, np.int64)  # (K,) rows of the log
        self.decimals = 0  # that propensities were written with
        self.inverse: Floats = np.zeros(2)  # sums of weight / propensity, and of weight * |reward| / propensity

    def add(
        self, feedback: Feedback, probabilities: Floats, evidence: Evidence, groups: Integers | None = None
    ) -> None:
        """Take in n rows; those that show an action of a (K,) group speak for all of it."""
        mean, scatter = _add(
            evidence.weights, evidence.rewards, evidence.fitted, CLIPS, EDGES, self.clipped, self.histogram
        )
        self.moments.add(len(evidence), mean, scatter)
        self.tail.add(evidence.weights)
        K = probabilities.shape[1]
        alike = np.arange(K) if groups is None else groups
        self._count(probabilities.sum(axis=0), np.bincount(alike[feedback.chosen], minlength=K)[alike])
        self.decimals = rounding.decimals(feedback.propensities, self.decimals)
        inverse = evidence.weights / feedback.propensities
        self.inverse = self.inverse + np.array([inverse.sum(), inverse @ np.abs(evidence.rewards)])

    def merge(self, other: Diagnosis) -> None:
        """Take in what another has seen."""
        self.moments.merge(other.moments)
        self.tail.merge(other.tail)
        self.clipped += other.clipped
        self.histogram += other.histogram
        self.decimals = max(self.decimals, other.decimals)
        self.inverse = self.inverse + other.inverse
        if len(other.mass):
            self._count(other.mass, other.shown)

    def health(self) -> Health:
        """The summary."""
        moments = self.moments
        n, mean = moments.n, moments.mean
        errors = np.sqrt(np.diag(moments.covariance) / max(n, 1))
        total = float(n * mean[_WEIGHT])
        largest = float(self.tail.largest.max(initial=0.0))
        predicted = moments.scatter[_FITTED, _FITTED]
        return Health(
            n=n,
            observed=float(mean[_REWARD]),
            effective_sample_size=_effective(moments, _WEIGHT),
            rewarding=_effective(moments, _EARNED),
            largest_weight=largest,
            largest_share=largest / total if total > 0.0 else np.nan,
            mean_weight=float(mean[_WEIGHT]),
            mean_weight_error=float(errors[_WEIGHT]),
            unsupported=float(self.mass[self.shown == 0].sum() / max(n, 1)),
            pareto_k=self.tail.shape(),
            calibration_slope=float(moments.scatter[_FITTED, _REWARD] / predicted) if predicted > 0.0 else np.nan,
            model_bias=float(-mean[_CORRECTION]),
            model_bias_error=float(errors[_CORRECTION]),
            clipping=self._clipping(total),
            weight_rounding=self._rounding(float(mean[_WEIGHT]), self.inverse[0]),
            value_rounding=self._rounding(float(mean[_EARNED]), self.inverse[1]),
        )

    def _rounding(self, mean: float, inverse: float) -> float:
        """By how much a mean over the rows may be off because propensities were rounded."""
        n = max(self.moments.n, 1)
        return mean * rounding.share(self.decimals, inverse / n / mean, n) if mean > 0.0 else 0.0

    def _count(self, mass: Floats, shown: Integers) -> None:
        if not len(self.mass):
            self.mass, self.shown = np.zeros(len(mass)), np.zeros(len(shown), np.int64)
        self.mass = self.mass + mass
        self.shown = self.shown + shown

    def _clipping(self, total: float) -> dict[float, tuple[float, float]]:
        if not total > 0.0:
            return {}
        return {
            float(clip): (float(rewards / weights), float(weights / total))
            for clip, (weights, rewards) in zip(CLIPS, self.clipped, strict=True)
        }


def _effective(moments: Moments, index: int) -> float:
    """(sum)^2 / sum of squares: how many equal rows are worth as much (Kong 1992)."""
    squares = moments.second(index)
    return float((moments.n * moments.mean[index]) ** 2 / squares) if squares > 0.0 else 0.0


@njit(cache=True)
def _add(weights: Any, rewards: Any, fitted: Any, clips: Any, edges: Any, clipped: Any, histogram: Any) -> Any:
    """Adds to the clipped sums and the histogram; answers means (5,) and centred second moments (5, 5)."""
    n = len(weights)
    rows = np.empty((n, 5))
    mean, scatter, apart = np.zeros(5), np.zeros((5, 5)), np.empty(5)
    for i in range(n):
        w, r = weights[i], rewards[i]
        rows[i, 0], rows[i, 1], rows[i, 2] = w, r, fitted[i]
        rows[i, 3], rows[i, 4] = w * (r - fitted[i]), w * abs(r)
        for j in range(5):
            mean[j] += rows[i, j]
        for c in range(len(clips)):
            clipped[c, 0] += min(w, clips[c])
            clipped[c, 1] += min(w, clips[c]) * r
        if w > 0.0:
            place = (np.log10(w) - edges[0]) / (edges[1] - edges[0])
            histogram[int(min(max(place, 0.0), len(edges) - 2.0))] += 1
    mean /= max(n, 1)
    for i in range(n):
        for j in range(5):
            apart[j] = rows[i, j] - mean[j]
        for j in range(5):
            for k in range(5):
                scatter[j, k] += apart[j] * apart[k]
    return mean, scatter
