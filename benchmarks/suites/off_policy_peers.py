"""Off-policy estimates of the same log by ours and by other libraries, as each makes them fastest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.off_policy import Accumulator
from benchmarks.off_policy.evidence import weigh
from benchmarks.off_policy.passes import ROWS
from policies.policy import Feedback, Floats


class Judged(NamedTuple):
    """A log, the (n, K) chances of another policy, and (n, K) somebody's predictions of rewards."""

    feedback: Feedback
    probabilities: Floats
    predictions: Floats


Estimates = dict[str, float]  # by estimator: ips, snips, dr


def ours(log: Judged) -> Estimates:
    """One pass for all three."""
    return {name: one.value() for name, one in accumulated(log, ("ips", "snips", "dr")).items()}


def accumulated(log: Judged, estimators: tuple[str, ...]) -> dict[str, Accumulator]:
    """One pass."""
    accumulators = {name: Accumulator(name) for name in estimators}
    for start in range(0, len(log.feedback), ROWS):
        rows = slice(start, start + ROWS)
        evidence = weigh(log.feedback.take(rows), log.probabilities[rows], log.predictions[rows])
        for accumulator in accumulators.values():
            accumulator.add(evidence, start)
    return accumulators


def open_bandit_pipeline(log: Judged) -> Estimates:
    """IPW, SNIPW and DR, a call each, without intervals."""
    from obp.ope import DoublyRobust, InverseProbabilityWeighting, SelfNormalizedInverseProbabilityWeighting

    feedback = log.feedback
    logged = {"reward": feedback.rewards, "action": feedback.chosen, "pscore": feedback.propensities}
    logged |= {"position": np.zeros(len(feedback), int), "action_dist": log.probabilities[:, :, None]}
    predictions = log.predictions[:, :, None]
    return {
        "ips": InverseProbabilityWeighting().estimate_policy_value(**logged),
        "snips": SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**logged),
        "dr": DoublyRobust().estimate_policy_value(**logged, estimated_rewards_by_reg_model=predictions),
    }


def pymab(log: Judged) -> Estimates:
    """A call each, with two resamples, as it will not do without an interval."""
    from pymab import LoggedBanditDataset, estimate_policy_value
    from pymab.offline import EstimateMethod, EstimatorConfig
    from pymab.statistics import BootstrapConfig

    feedback = log.feedback
    rows = {"actions": feedback.chosen, "rewards": feedback.rewards, "propensities": feedback.propensities}
    logged = LoggedBanditDataset(n_arms=log.probabilities.shape[1], **rows)
    few = BootstrapConfig(n_resamples=2)
    return {
        name: estimate_policy_value(
            logged,
            _Known(log),
            config=EstimatorConfig(method=EstimateMethod(name), bootstrap=few),
            reward_model=_Known(log) if name == "dr" else None,
        ).estimate
        for name in ("ips", "snips", "dr")
    }


class _Known:
    """Target policy and reward model of pymab, read off what is known."""

    def __init__(self, log: Judged) -> None:
        self._log = log

    def probabilities_batch(self, contexts: Any, *, n_events: int) -> Floats:
        return self._log.probabilities

    def predict_event(self, event_index: int, context: Any) -> Floats:
        row: Floats = self._log.predictions[event_index]
        return row


def contextualbandits(log: Judged) -> Estimates:
    """SNIPS, there called NCIS. Its doubly robust estimator takes a policy that always takes one action, no chances."""
    from contextualbandits.evaluation import evaluateNCIS

    feedback = log.feedback
    chances = log.probabilities[np.arange(len(feedback)), feedback.chosen]
    return {"snips": float(evaluateNCIS(chances, feedback.rewards, feedback.propensities))}


WORKS: dict[str, Callable[[Judged], Estimates]] = {
    "launchsim": ours,
    "pymab": pymab,
    "Open Bandit Pipeline": open_bandit_pipeline,
    "contextualbandits": contextualbandits,
}
ESTIMATES = {
    "launchsim": "IPS, SNIPS, DR",
    "pymab": "IPS, SNIPS, DR",
    "Open Bandit Pipeline": "IPS, SNIPS, DR",
    "contextualbandits": "SNIPS",
}
REASONS = {
    "gittins": "only in its command line, which the Python package does not bring",
    "mabwiser": "none; its simulator plays policies on a log with a model's rewards",
    "river": "none but replay, a policy that learns on a log of one row after another",
    "coba": "its estimators guide a learner that learns; none judges given chances",
}
