"""The closed loop: a simulated season writes logs, estimators judge policies on them, the simulator knows the truth.

The truth of a frozen policy on a log is its expected reward on the log's own decisions: the mean over rows of
sum_a pi(a|x) E[reward | x, a], in the state the shop was in (stock, prices, what the user owned). Of a policy that
learns by replay it is the same, with the chances the policy had at each row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.logbook import Logbook
from benchmarks.off_policy import METHODS, evaluate
from benchmarks.off_policy.judging import frozen
from benchmarks.off_policy.passes import InMemory, Streamed, after
from benchmarks.replay import replay
from benchmarks.runner import run
from benchmarks.sweeps.runs import make
from envs.environment import Rounds
from envs.feedback import LoggedFeedback
from envs.logged import Logged
from envs.simulated import Choose, Simulated
from policies.policy import Decisions, Feedback, Floats, Integers, Policy
from simulator import streams
from simulator.scenario import Scenario

ESTIMATORS = ("ips", "snips", "dm", "dr", "sndr", "dros")
COMPARED = ("ips", "snips", "dr")  # estimators that get intervals of every kind
RANGED = ("empirical_bernstein", "confidence_sequence")  # intervals that are told the range of the terms
DIFFERENCE = "gamma, difference"  # to the policy that made the log: what verdicts go by
_SCHOOL = 0.4  # of a season: the judged policies have learned from it, and are judged on what comes after
_LUCK = 3  # replays whose truth is averaged: which rows a policy learns from is luck too


@dataclass(frozen=True)
class Case:
    """Under what circumstances logs are made."""

    name: str
    scenario: Scenario
    logging: str = "uniform"  # the policy that makes the log, learning as it goes
    estimated: bool = False  # whether the log's propensities are thrown away and estimated from it


@dataclass(frozen=True)
class Loop:
    """One season of a case, its logs of each size, and what is estimated from them."""

    case: Case
    judged: tuple[str, ...]  # policies that have learned from the earlier part of the season and are frozen
    sizes: tuple[int, ...]  # rows of a log, drawn from the season without replacement
    logs: int = 3  # of each size, no two of them with a row in common
    replayed: tuple[str, ...] = ()  # policies that learn by replay, on the first log of each size
    estimators: tuple[str, ...] = ESTIMATORS
    seed: int = 0

    def play(self) -> pd.DataFrame:
        """A row per log, policy, estimator and interval: value, lower, upper, truth, observed (truth), verdict."""
        season = played(self.case, self.judged, self.seed)
        found: list[dict[str, Any]] = []
        for size in self.sizes:
            for number, rows in enumerate(drawn(len(season.truth), size, self.logs, self.seed)):
                log = season.take(rows)
                named = {"case": self.case.name, "rows": size, "seed": self.seed, "log": number}
                about = named | {"observed": log.observed()}
                found += [about | row for call in self.judged for row in self._judge(log, call)]
                found += [about | self._replay(log, call) for call in self.replayed if number == 0]
        return pd.DataFrame(found)

    def _judge(self, log: Season, call: str) -> Iterator[dict[str, Any]]:
        truth = log.truth_of(log.answers[call])
        known = {"policy": call, "truth": truth}
        if self.case.estimated:
            unknown = LoggedFeedback(log.feedback, propensities="missing", users=log.users)
            evaluation = evaluate(Streamed(unknown, log.policies[call]), self.estimators)
        else:
            passes = InMemory(log.feedback, log.answers[call], users=log.users)
            evaluation = evaluate(passes, self.estimators, placebo=False)
        table = evaluation.table()
        table.loc["chosen"] = table.loc[evaluation.choice()[0]]
        for name, row in table.iterrows():
            answer = {"value": row.value, "lower": row.lower, "upper": row.upper, "verdict": row.verdict}
            yield known | {"estimator": name, "interval": "gamma"} | answer
        refused = "refuse" if (table.verdict == "refuse").all() else ""
        for name, accumulator in evaluation.accumulators.items():
            value = {"estimator": name, "value": accumulator.value(), "verdict": refused}
            for method in METHODS if name in COMPARED else ():
                settings = self._ranges(log.feedback) if method in RANGED and name == "ips" else {}
                if method != "gamma":
                    lower, upper = accumulator.interval(method=method, **settings)
                    yield known | value | {"interval": method, "lower": lower, "upper": upper}
            lower, upper = accumulator.interval(relative=True)
            apart = {"truth": truth - log.observed(), "value": accumulator.value(relative=True)}
            yield known | value | apart | {"interval": DIFFERENCE, "lower": lower, "upper": upper}

    def _ranges(self, feedback: Feedback) -> dict[str, Any]:
        """The true range of the rewards where they are 0 or 1, and that of the weights if known."""
        counts = bool(np.isin(feedback.rewards, (0.0, 1.0)).all())
        largest = None if self.case.estimated else float(1.0 / feedback.propensities.min())
        return {"reward_range": (0.0, 1.0) if counts else None, "largest_weight": largest}

    def _replay(self, log: Season, call: str) -> dict[str, Any]:
        logged = LoggedFeedback(log.feedback)
        row = replay(logged, [call], seed=self.seed).table.loc[call]
        return {
            "policy": call,
            "truth": np.mean([_truth_of_replay(log, call, seed) for seed in range(_LUCK)]),
            "estimator": "replay",
            "interval": "replays",
            "value": row.value,
            "lower": row.lower,
            "upper": row.upper,
            "verdict": "refuse" if row.reason else "answer",
        }


@dataclass
class Season:
    """n decisions of a season, in order of time, with what only the simulator knows."""

    feedback: Feedback
    truth: Floats  # (n, K) expected reward of each action
    answers: dict[str, Floats]  # (n, K) of each judged policy
    policies: dict[str, Policy]  # the judged, frozen
    users: Any = None  # (n,) who decided

    def take(self, rows: Integers) -> Season:
        """The decisions of these rows."""
        answers = {call: answer[rows] for call, answer in self.answers.items()}
        users = None if self.users is None else self.users[rows]
        return Season(self.feedback.take(rows), self.truth[rows], answers, self.policies, users)

    def truth_of(self, answers: Floats) -> float:
        """Expected reward a decision under these (n, K) chances."""
        return float(np.einsum("nk,nk->", answers, self.truth, dtype=float) / len(self.truth))

    def observed(self) -> float:
        """Expected reward a decision of what was chosen in the log."""
        return float(self.truth[np.arange(len(self.truth)), self.feedback.chosen].mean(dtype=float))


def played(case: Case, judged: tuple[str, ...], seed: int) -> Season:
    """Let the case's policy play a season; the judged ones learn from its first part and are asked about the rest."""
    environment = Simulated(case.scenario, seed, record=True)  # says who decided
    book = _Book(environment)
    run(make(case.logging, environment, seed), book, seed)
    log, truth = book.log()
    first = int(_SCHOOL * len(log))
    policies = {call: frozen(log, call, first, seed)[0] for call in judged}
    answers = {call: [policy.probabilities(batch.decisions) for batch in after(log.batches(), first)]
               for call, policy in policies.items()}  # fmt: skip
    later = {call: np.concatenate(parts) for call, parts in answers.items()}
    return Season(log.feedback.take(slice(first, None)), truth[first:], later, policies, log.users[first:])


class _Book:
    """A logbook that keeps the truth as well."""

    def __init__(self, environment: Simulated) -> None:
        self._book = Logbook(environment)
        self._rounds: list[Rounds] = []
        self.problem = environment.problem

    def play(self, choose: Choose) -> Iterator[Rounds]:
        for rounds in self._book.play(choose):
            self._rounds.append(rounds)
            yield rounds

    def log(self) -> tuple[LoggedFeedback, Floats]:
        """The season in order of time, and (n, K) its truth."""
        truth: Any = np.concatenate([rounds.truth for rounds in self._rounds if rounds.truth is not None])
        times = np.concatenate([rounds.feedback.decisions.times for rounds in self._rounds])
        return self._book.log(), truth[np.argsort(times, kind="stable")]


def drawn(n: int, size: int, logs: int, seed: int) -> list[Integers]:
    """Rows of at most so many logs of this size out of n, in order; no two logs share one."""
    order = streams.generator(seed, "closed loop", size).permutation(n)
    return [np.sort(order[k * size : (k + 1) * size]) for k in range(min(logs, n // size))]


@dataclass
class _Witness:
    """A policy, and the chances it had at each row of a log when it was last asked about it."""

    policy: Policy
    chances: Floats
    times: Floats
    asked: list[int] = field(default_factory=list)

    def probabilities(self, decisions: Decisions) -> Floats:
        answer = self.policy.probabilities(decisions)
        self.chances[np.searchsorted(self.times, decisions.times)] = answer
        return answer

    def learn(self, feedback: Feedback) -> None:
        self.policy.learn(feedback)


def _truth_of_replay(log: Season, call: str, seed: int) -> float:
    """What a policy that learns by replay was expected to earn a row, over all rows of the log."""
    environment = Logged(log.feedback, seed)
    chances = np.zeros(log.truth.shape)
    run(_Witness(make(call, environment, seed), chances, log.feedback.decisions.times), environment, seed)
    return log.truth_of(chances)


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """How far off the estimates are, and how often their intervals hold the truth.

    Args:
        found: rows of `Loop.play`, of any number of loops.

    Returns:
        A row per case, log size, policy, estimator and interval: logs; truth, bias, bias_error (standard error) and
        rmse; told, the share of logs that bear the interval and are not refused; coverage of those with its exact
        binomial interval (Clopper & Pearson 1934), coverage_lower and coverage_upper; width, median in units
        of the truth; answered, the share of logs with a verdict other than "cannot tell" and "refuse", and wrong, how
        many of those say better where worse is true or the reverse.
    """
    keys = ["case", "rows", "policy", "estimator", "interval"]
    return pd.DataFrame([
        dict(zip(keys, named, strict=True)) | _summed(part)
        for named, part in found.groupby(keys, sort=False)
    ])  # fmt: skip


def _summed(part: pd.DataFrame) -> dict[str, Any]:
    known, told = part[np.isfinite(part.value)], part[np.isfinite(part.lower) & (part.verdict != "refuse")]
    errors = (known.value - known.truth).to_numpy()
    held = int(((told.lower <= told.truth) & (told.truth <= told.upper)).sum())
    n = len(told)
    between = stats.binomtest(held, n).proportion_ci(0.95, method="exact") if n else (np.nan, np.nan)
    better, worse = part.verdict == "deploy-worthy", part.verdict == "worse"
    wrong = (better & (part.truth < part.observed)) | (worse & (part.truth > part.observed))
    return {
        "logs": len(part),
        "truth": float(part.truth.mean()),
        "bias": float(errors.mean()) if len(errors) else np.nan,
        "bias_error": float(errors.std(ddof=1) / np.sqrt(len(errors))) if len(errors) > 1 else np.nan,
        "rmse": float(np.sqrt(np.mean(errors**2))) if len(errors) else np.nan,
        "told": n / len(part),
        "coverage": held / n if n else np.nan,
        "coverage_lower": between[0],
        "coverage_upper": between[1],
        "width": float((told.upper - told.lower).median() / part.truth.mean()) if n else np.nan,
        "answered": float((better | worse | (part.verdict == "answer")).mean()),
        "wrong": int(wrong.sum()),
    }
