"""Which policy, on which rows? From words on the command line to a frozen policy and the rows it is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import policies
from benchmarks.calls import parse
from benchmarks.off_policy import bernoulli_ts
from benchmarks.off_policy.evaluation import Accumulator, Evaluation, evaluate
from benchmarks.off_policy.evidence import Evidence
from benchmarks.off_policy.passes import InMemory, Passes, Streamed, before
from benchmarks.off_policy.reward_models import maker
from benchmarks.off_policy.slates import evaluate_slates
from envs.feedback import LogError, LoggedFeedback
from policies.policy import Policy, PolicyError

THOMPSON = "bernoulli_ts"  # the policy that made the Open Bandit Dataset's other logs
_LESSON = 1_024  # rows


@dataclass(frozen=True)
class Judged:
    """A policy's evaluation, and what it was: saved, fixed, or trained on so many rows of the log."""

    name: str
    made: str
    evaluation: Evaluation
    slates: pd.DataFrame | None = None  # as of `slates.estimate_slates`, where asked for


def judge(
    log: LoggedFeedback,
    policy: str,
    estimators: list[str],
    *,
    train_until: str | None = None,
    reward_model: str = "ridge",
    campaign: str | None = None,
    placebo: bool = True,
    slates: bool = False,
    confidence: float = 0.95,
    seed: int = 0,
) -> Judged:
    """Evaluate a policy on a log.

    Args:
        log: in order of time.
        policy: path of a saved policy, a call such as `linucb(alpha=0.5)`, or `bernoulli_ts`.
        estimators: as of `off_policy.evaluate`.
        train_until: a date, or a fraction of the rows: a policy given by name learns from the rows before, is frozen,
            and every policy is judged on the rows after.
        reward_model: `ridge`, or as of `reward_models.maker`.
        campaign: of the Open Bandit Dataset, for `bernoulli_ts`.
        placebo: as of `off_policy.evaluate`.
        slates: also judge whole pages of several slots.
        confidence: of their intervals.
        seed: of the policy.

    Raises:
        PolicyError, LogError: no such policy, or no such rows.
    """
    first = cut(log, train_until) if train_until else 0
    if policy == THOMPSON:
        if campaign is None or log.positions is None:
            raise PolicyError(f"policy {THOMPSON} must be judged on a log of the Open Bandit Dataset")
        chances = bernoulli_ts.probabilities(campaign, log.positions[first:])
        users = None if log.users is None else log.users[first:]
        passes: Passes = InMemory(log.feedback.take(slice(first, None)), chances, users=users)
        made = "as published, fixed"
    else:
        fixed, made = frozen(log, policy, first, seed)
        passes = Streamed(log, fixed, first)
    evaluation = evaluate(passes, estimators, reward_model=maker(reward_model), placebo=placebo)
    return Judged(policy, made, evaluation, evaluate_slates(log, passes, first, confidence) if slates else None)


def observed(log: LoggedFeedback, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean reward of a log, lower and upper: gamma interval."""
    mean = Accumulator("ips")
    start = 0
    for rows in log.parts():
        nothing = np.zeros(len(rows))
        mean.add(Evidence(np.ones(len(rows)), rows.feedback.rewards, nothing, nothing, rows.users), start)
        start += len(rows)
    return mean.value(), *mean.interval(confidence)


def cut(log: LoggedFeedback, until: str) -> int:
    """How many rows come before a date or make up a fraction of the log.

    Raises:
        LogError: it is neither, or leaves no rows on one side.
    """
    try:
        first = _first_of_fraction(log, float(until))
    except ValueError:
        first = _first_of_date(log, until)
    if not 0 < first < len(log):
        raise LogError(
            f"train-until must leave rows before and after it, got {until!r} ({first:,} of {len(log):,} rows)"
        )
    return first


def _first_of_fraction(log: LoggedFeedback, fraction: float) -> int:
    return int(fraction * len(log))


def _first_of_date(log: LoggedFeedback, until: str) -> int:
    try:
        date = pd.Timestamp(until)
    except ValueError:
        raise LogError(f"train-until must be a date or a fraction between 0 and 1, got {until!r}") from None
    if log.about.origin is None:
        raise LogError(f"train-until must be a fraction for a log without dates, got {until!r}")
    origin = pd.Timestamp(log.about.origin).tz_localize(None)
    days = (date.tz_localize(None) - origin) / pd.Timedelta(days=1)
    return sum(int((batch.decisions.times < days).sum()) for batch in log.batches())


def frozen(log: LoggedFeedback, policy: str, first: int, seed: int = 0) -> tuple[Policy, str]:
    """A policy as it is judged: saved, or fresh and taught the first rows of the log; and how it was made."""
    if Path(policy).is_file():
        saved = policies.restore(policy)
        expected = getattr(saved, "problem", log.problem)
        if expected != log.problem:
            raise PolicyError(f"saved policy must be of the log's problem {log.problem}, got {expected}")
        return saved, "saved, fixed"
    name, settings = parse(policy)
    fresh = policies.load(name, log.problem, seed=seed, **settings)
    for lesson in before(log.batches(_LESSON), first):
        fresh.learn(lesson)
    return fresh, f"trained on the {first:,} rows before, then frozen" if first else "as it starts, untrained"
