"""Which of several policies earns more on the same rows? Paired differences between their estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.off_policy import intervals
from benchmarks.off_policy.evaluation import Accumulator, Evaluation
from benchmarks.off_policy.verdicts import objection
from policies.policy import PolicyError


def difference(one: Accumulator, other: Accumulator, confidence: float = 0.95) -> tuple[float, float, float]:
    """What the one policy earns more a decision than the other, lower and upper: gamma interval, paired by user or row.

    Both must have seen the same rows; what is luck of the log for both is then in neither.
    """
    value = one.value() - other.value()
    forms = one.estimator.self_normalised, other.estimator.self_normalised
    limits = intervals.gamma_of_difference((one.sums, other.sums), forms, confidence)
    return value, *intervals.around(value, limits)


def differences(
    evaluations: Mapping[str, Evaluation], baseline: str | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Every other policy against the baseline, by the estimator to go by of each.

    The intervals are Bonferroni-adjusted, so that all hold together. Which is best may have been read off the same log:
    comparing it with each other one leaves the truly best policy unbeaten with at least this confidence (subset
    selection: Gupta 1965; Hsu 1984).

    Args:
        evaluations: by policy, on the same rows and with the same estimators.
        baseline: one of them; the one of the highest value where not given.
        confidence: of all intervals together.

    Returns:
        A row per other policy, best first: policy, baseline, estimator, difference (policy less baseline), lower,
        upper, verdict (better, worse, cannot tell, refuse) and its reason.

    Raises:
        PolicyError: the baseline is none of them.
    """
    order = ranked(evaluations)
    against = order[0] if baseline is None else baseline
    if against not in evaluations:
        raise PolicyError(f"baseline must be one of {', '.join(evaluations)}, got {baseline!r}")
    level = 1.0 - (1.0 - confidence) / max(len(order) - 1, 1)
    rows = [
        {"policy": name, "baseline": against, **_row(evaluations[name], evaluations[against], level)}
        for name in order
        if name != against
    ]
    columns = ["policy", "baseline", "estimator", "difference", "lower", "upper", "verdict", "reason"]
    return pd.DataFrame(rows, columns=columns)


def ranked(evaluations: Mapping[str, Evaluation]) -> list[str]:
    """The policies by value, highest first, each by its estimator to go by; those that the log refuses come last."""

    def place(name: str) -> tuple[bool, float]:
        evaluation = evaluations[name]
        claim = evaluation.claim(evaluation.choice()[0])
        found = objection(claim, evaluation.health_of(evaluation.choice()[0]))
        refused = found is not None and found[0] == "refuse"
        return refused, -claim.value if np.isfinite(claim.value) else np.inf

    return sorted(evaluations, key=place)


def _row(one: Evaluation, other: Evaluation, confidence: float) -> dict[str, Any]:
    estimator = one.choice()[0]
    found = difference(one.accumulators[estimator], other.accumulators[estimator], confidence)
    verdict, reason = _verdict(one, other, estimator, found)
    names = ("estimator", "difference", "lower", "upper", "verdict", "reason")
    return dict(zip(names, (estimator, *found, verdict, reason), strict=True))


def _verdict(one: Evaluation, other: Evaluation, estimator: str, found: tuple[float, float, float]) -> tuple[str, str]:
    for evaluation in (one, other):
        claim = replace(evaluation.claim(estimator), lower=0.0, upper=0.0)  # against each other, not against the log
        if objected := objection(claim, evaluation.health_of(estimator)):
            return objected
        if not evaluation.trusted(estimator):
            return "cannot tell", "The error of what stands in for the log is in no interval."
    value, lower, upper = found
    if not np.isfinite([lower, upper]).all():
        return "cannot tell", "The log does not say enough for an interval."
    rounding = max(evaluation.health_of(estimator).value_rounding for evaluation in (one, other))
    if abs(value) <= rounding or lower <= 0.0 <= upper:
        return "cannot tell", ""
    return ("better" if lower > 0.0 else "worse"), ""
