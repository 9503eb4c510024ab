"""What would this policy have earned on that log? Estimates that add up in one pass and merge, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from benchmarks import intervals
from benchmarks.estimators import ESTIMATORS, Estimator
from benchmarks.evidence import Evidence, weigh
from benchmarks.sums import WEIGHT, Sums
from policies.policy import Feedback, Floats, PolicyError

ROWS = 16_384  # at a time: the columns of a slice stay in the processor's cache


class Accumulator:
    """One estimator over a log that passes by: `add`, `merge`, `value`, `interval`.

    Args:
        estimator: its name, one of `estimators.ESTIMATORS`.
        settings: of its formula, such as `clip`.

    Raises:
        PolicyError: there is no estimator of that name.
    """

    def __init__(self, estimator: str, **settings: float) -> None:
        self.name = estimator
        self.estimator = find(estimator)
        self.settings = settings
        self.sums = Sums()

    def add(self, evidence: Evidence, start: int) -> None:
        """Take in consecutive rows, the first of which is row `start` of the whole log."""
        self.sums.add(self.estimator.terms(evidence, **self.settings), start)

    def merge(self, other: Accumulator) -> None:
        """Take in what an accumulator of the same estimator has seen elsewhere."""
        self.sums.merge(other.sums)

    def value(self, relative: bool = False) -> float:
        """The estimate, or its difference to the mean reward of the log."""
        return intervals.value(self.sums.moments, self.estimator.self_normalised, relative)

    def interval(
        self,
        confidence: float = 0.95,
        relative: bool = False,
        method: Callable[..., tuple[float, float]] = intervals.bootstrap,
    ) -> tuple[float, float]:
        """(lower, upper) by one of the methods of `benchmarks.intervals`."""
        return method(self.sums, self.estimator.self_normalised, confidence, relative)

    def effective_sample_size(self) -> float:
        """(sum w)^2 / sum w^2 of the weights as the estimator uses them (Kong 1992); 0 where all are 0."""
        moments = self.sums.moments
        total = moments.n * moments.mean[WEIGHT]
        return float(total**2 / moments.second(WEIGHT)) if total > 0.0 else 0.0


def find(name: str) -> Estimator:
    """The estimator of that name.

    Raises:
        PolicyError: there is none.
    """
    if name not in ESTIMATORS:
        raise PolicyError(f"estimator must be one of {', '.join(ESTIMATORS)}, got {name!r}")
    return ESTIMATORS[name]


def estimate(
    feedback: Feedback,
    probabilities: Floats,
    estimators: Sequence[str] = ("ips", "snips"),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What a policy would have earned per decision on a log in memory.

    Args:
        feedback: n rows of the log.
        probabilities: (n, K) what the policy answers to `feedback.decisions`.
        estimators: names of `estimators.ESTIMATORS`.
        confidence: of the intervals.

    Returns:
        A row per estimator: value, lower, upper, n, effective_sample_size.
    """
    accumulators = {name: Accumulator(name) for name in estimators}
    for start in range(0, len(feedback), ROWS):
        rows = slice(start, start + ROWS)
        evidence = weigh(feedback.take(rows), probabilities[rows])
        for accumulator in accumulators.values():
            accumulator.add(evidence, start)
    table = [_row(accumulator, confidence) for accumulator in accumulators.values()]
    return pd.DataFrame(table, index=pd.Index(accumulators, name="estimator"))


def _row(accumulator: Accumulator, confidence: float) -> dict[str, float]:
    lower, upper = accumulator.interval(confidence)
    return {
        "value": accumulator.value(),
        "lower": lower,
        "upper": upper,
        "n": accumulator.sums.moments.n,
        "effective_sample_size": accumulator.effective_sample_size(),
    }
