"""Which policy, on which rows? From words on the command line to a frozen policy and the rows it is judged on."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import policies
from benchmarks import foreign
from benchmarks.off_policy import bernoulli_ts
from benchmarks.off_policy.differences import ranked
from benchmarks.off_policy.evaluation import Accumulator, Evaluation, evaluate
from benchmarks.off_policy.evidence import Evidence
from benchmarks.off_policy.passes import InMemory, Passes, Streamed, after, before, lessons
from benchmarks.off_policy.reward_models import maker
from benchmarks.off_policy.slates import evaluate_slates
from benchmarks.workers.jobs import Workers, play_all
from envs.feedback import LogError, LoggedFeedback
from policies.policy import Policy, PolicyError

THOMPSON = "bernoulli_ts"  # the policy that made the Open Bandit Dataset's other logs
_LESSON = 1_024  # rows
_NAMED = 3  # actions of a warning


@dataclass(frozen=True)
class Judged:
    """A policy's evaluation, and what it was: saved, fixed, or trained on so many rows of the log."""

    name: str
    made: str
    evaluation: Evaluation
    slates: pd.DataFrame | None = None  # as of `slates.estimate_slates`, where asked for
    warning: str = ""  # what the policy could not know when it was frozen


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
    warning = ""
    if policy == THOMPSON:
        passes, made = _thompson(log, campaign, first), "as published, fixed"
    else:
        fixed, made = frozen(log, policy, first, seed)
        passes = Streamed(log, fixed, first)
        warning = _of_late(log, first) if made.startswith("trained") else ""
    evaluation = evaluate(passes, estimators, reward_model=maker(reward_model), placebo=placebo)
    pages = evaluate_slates(log, passes, first, confidence) if slates else None
    return Judged(policy, made, evaluation, pages, warning)


@dataclass(frozen=True)
class Judging:
    """One policy to be evaluated."""

    log: LoggedFeedback
    call: str
    estimators: list[str]
    seed: int
    how: dict[str, Any]

    def play(self) -> tuple[str, Judged | str]:
        """The policy and its evaluation, or why there is none."""
        try:
            return self.call, judge(self.log, self.call, self.estimators, seed=self.seed, **self.how)
        except PolicyError as reason:
            said = str(reason)
            return self.call, said if said.startswith(self.call) else f"{self.call}: {said}"


def judge_each(
    log: LoggedFeedback,
    calls: Sequence[str],
    estimators: list[str],
    *,
    seed: int = 0,
    workers: Workers = 1,
    executor: Executor | None = None,
    **how: Any,
) -> tuple[list[Judged], dict[str, str]]:
    """Evaluate several policies on a log, best first; one that fails stops no other.

    Args:
        log, calls, estimators, seed, how: as of `judge`.
        workers: how many processes evaluate a policy each, or an executor; changes no result.
        executor: evaluates in place of processes of this machine, such as that of a cluster; it is not shut down.

    Returns:
        The evaluations by value, those that the log refuses last; and by policy why the others failed.

    Raises:
        PolicyError, LogError: before any work, no such policy, setting or estimator; or all of them failed.
    """
    Evaluation(estimators)
    for call in calls:
        if call != THOMPSON:
            frozen(log, call, 0, seed)
    asked = [Judging(log, call, estimators, seed, how) for call in calls]
    with closing(play_all(asked, executor or workers)) as answers:
        found = dict(answers)
    judged = {call: one for call in calls if isinstance(one := found[call], Judged)}
    failed = {call: why for call in calls if isinstance(why := found[call], str)}
    if not judged:
        raise PolicyError("; ".join(failed.values()))
    return [judged[call] for call in ranked({call: one.evaluation for call, one in judged.items()})], failed


def _thompson(log: LoggedFeedback, campaign: str | None, first: int) -> Passes:
    if campaign is None or log.positions is None:
        raise PolicyError(f"policy {THOMPSON} must be judged on a log of the Open Bandit Dataset")
    chances = bernoulli_ts.probabilities(campaign, log.positions[first:])
    users = None if log.users is None else log.users[first:]
    return InMemory(log.feedback.take(slice(first, None)), chances, users=users, positions=log.positions[first:])


def _of_late(log: LoggedFeedback, first: int) -> str:
    """Which actions a policy frozen after the first rows cannot know, in a sentence; nothing where there are none."""
    rows = [batch.decisions.available.any(axis=0) for batch in before(log.batches(_LESSON), first)]
    later = [batch.decisions.available.any(axis=0) for batch in after(log.batches(_LESSON), first)]
    new = np.flatnonzero(np.any(later, axis=0) & ~np.any(rows, axis=0))
    if not len(new):
        return ""
    named = ", ".join(log.actions[k] for k in new[:_NAMED]) + (", ..." if len(new) > _NAMED else "")
    return (
        f"{len(new)} of {len(log.actions)} actions came after the rows it learned from ({named}): frozen, it cannot "
        "know them. A replay lets it learn as it goes."
    )


def observed(log: LoggedFeedback, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean reward of a log, lower and upper: gamma interval."""
    mean = earned(log)
    return mean.value(), *mean.interval(confidence)


def earned(log: LoggedFeedback) -> Accumulator:
    """What the policy that made a log earned: every row counts as it is, for the visits that it stands for."""
    mean = Accumulator("ips")
    start = 0
    for rows in log.parts():
        nothing = np.zeros(len(rows))
        mean.add(Evidence(np.ones(len(rows)), rows.feedback.rewards, nothing, nothing, rows.users, rows.weights), start)
        start += len(rows)
    return mean


def cut(log: LoggedFeedback, until: str) -> int:
    """How many rows come before a date or make up a fraction of the log.

    Raises:
        LogError: it is neither, or leaves no rows on one side.
    """
    fraction = _fraction(until)
    first = _first_of_date(log, until) if fraction is None else int(fraction * len(log))
    if not 0 < first < len(log):
        raise LogError(
            f"train-until must leave rows before and after it, got {until!r} ({first:,} of {len(log):,} rows)"
        )
    return first


def _fraction(text: str) -> float | None:
    try:
        fraction = float(text)
    except ValueError:
        return None
    return fraction if abs(fraction) < 1_000 else None  # else a year, or 20240305


def _first_of_date(log: LoggedFeedback, until: str) -> int:
    """Dates are as of ISO 8601, which can be read one way only; UTC where they name no offset."""
    try:
        date = datetime.fromisoformat(until)
    except ValueError:
        what = "a date such as 2024-03-05 or 2024-03-05T10:00+02:00, or a fraction between 0 and 1"
        raise LogError(f"train-until must be {what}, got {until!r}") from None
    if log.about.origin is None:
        raise LogError(f"train-until must be a fraction for a log without dates, got {until!r}")
    days = (_with_offset(date) - _with_offset(datetime.fromisoformat(log.about.origin))) / timedelta(days=1)
    return sum(int((batch.decisions.times < days).sum()) for batch in log.batches())


def _with_offset(date: datetime) -> datetime:
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def frozen(log: LoggedFeedback, policy: str, first: int, seed: int = 0) -> tuple[Policy, str]:
    """A policy as it is judged: saved, or fresh and taught the first rows of the log; and how it was made."""
    if Path(policy).is_file():
        saved = policies.restore(policy)
        expected = getattr(saved, "problem", log.problem)
        if expected != log.problem:
            raise PolicyError(f"saved policy must be of the log's problem {log.problem}, got {expected}")
        return saved, "saved, fixed"
    fresh = foreign.load(policy, log.problem, seed=seed)
    for lesson in lessons(log, first, _LESSON):
        fresh.learn(lesson)
    if not _learns(fresh):
        return fresh, "as it is, it learns nothing"
    return fresh, f"trained on the {first:,} rows before, then frozen" if first else "as it starts, untrained"


def _learns(policy: Policy) -> bool:
    """Whether there is anything that lessons change, as far as it can say."""
    state = getattr(policy, "state", None)
    return state is None or bool(state())
