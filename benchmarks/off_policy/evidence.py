"""What each row of a log says about a policy: its importance weight, its reward, and what a reward model expects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit

from envs.feedback import LogError
from policies.policy import Feedback, Floats, PolicyError

_TOLERANCE = 1e-6  # of a row's sum; float32 probabilities of some libraries miss 1 by 3e-8
_OF_PROBABILITIES = {1: "be finite and not negative", 2: "be 0 where unavailable", 3: "sum to 1"}
_OF_LOG = {
    4: ("chosen", "chosen must be an available action"),
    5: ("propensities", "propensity must be above 0 and at most 1"),
    6: ("rewards", "reward must be finite"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """n rows of a log, seen from the policy under evaluation."""

    weights: Floats  # (n,) chance under the policy / chance under the log, of the action in the log
    rewards: Floats  # (n,)
    fitted: Floats  # (n,) reward model's expectation of the action in the log; 0 without a model
    expected: Floats  # (n,) reward model's expectation under the policy; 0 without a model
    users: Any = None  # (n,) who decided, as uint64; None where that is not known
    counts: Floats | None = None  # (n,) visits that each row stands for; None where each stands for one

    def __len__(self) -> int:
        return len(self.weights)


def weigh(
    feedback: Feedback,
    probabilities: Floats,
    predictions: Floats | None = None,
    start: int = 0,
    users: Any = None,
    counts: Floats | None = None,
) -> Evidence:
    """Compare a policy's probabilities with the log.

    Args:
        feedback: n rows of the log.
        probabilities: (n, K) of the policy under evaluation.
        predictions: (n, K) expected rewards by a reward model that has not seen these rows.
        start: number of the first row, for messages.
        users: (n,) who decided, as uint64.
        counts: (n,) visits that each row stands for.

    Raises:
        PolicyError: the probabilities are no distribution over the available actions.
        LogError: an action, a propensity or a reward that cannot be.
    """
    decisions = feedback.decisions
    for name, array in (("probabilities", probabilities), ("predictions", predictions)):
        if array is not None and array.shape != decisions.available.shape:
            raise PolicyError(f"{name} must have shape {decisions.available.shape}, got {array.shape}")
    modelled = np.empty((0, 0)) if predictions is None else predictions
    rewards = np.asarray(feedback.rewards, dtype=float)
    weights, fitted, expected, row, rule = _weigh(
        probabilities, decisions.available, feedback.chosen, feedback.propensities, rewards, modelled, _TOLERANCE
    )
    if rule in _OF_LOG:
        column, law = _OF_LOG[rule]
        raise LogError(f"{law}, got {getattr(feedback, column)[row]} in row {start + row}")
    if rule:
        answer = np.array2string(probabilities[row], threshold=12)
        raise PolicyError(f"probabilities must {_OF_PROBABILITIES[rule]}, got {answer} in row {start + row}")
    return Evidence(weights, rewards, fitted, expected, users, counts)


def reweigh(evidence: Evidence, weights: Floats) -> Evidence:
    """The same rows under other weights (n,)."""
    return replace(evidence, weights=weights)


@njit(cache=True)
def _weigh(
    probabilities: Any, available: Any, chosen: Any, propensities: Any, rewards: Any, modelled: Any, tolerance: Any
) -> Any:
    """Weights, fitted and expected rewards (n,), offending row, broken rule or 0."""
    n, K = probabilities.shape
    weights, fitted, expected = np.empty(n), np.zeros(n), np.zeros(n)
    for i in range(n):
        if not 0 <= chosen[i] < K or not available[i, chosen[i]]:
            return weights, fitted, expected, i, 4
        if not 0.0 < propensities[i] <= 1.0:
            return weights, fitted, expected, i, 5
        if not np.isfinite(rewards[i]):
            return weights, fitted, expected, i, 6
        total = 0.0
        for k in range(K):
            p = probabilities[i, k]
            if not 0.0 <= p < np.inf:
                return weights, fitted, expected, i, 1
            if p > 0.0 and not available[i, k]:
                return weights, fitted, expected, i, 2
            total += p
        if abs(total - 1.0) > tolerance:
            return weights, fitted, expected, i, 3
        weights[i] = probabilities[i, chosen[i]] / propensities[i]
        if modelled.shape[0]:
            fitted[i] = modelled[i, chosen[i]]
            for k in range(K):
                expected[i] += probabilities[i, k] * modelled[i, k]
    return weights, fitted, expected, -1, 0
