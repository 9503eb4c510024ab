"""Policies learn on a log by rejection: what each would have earned, how sure that is, or why the log cannot say."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from benchmarks import foreign
from benchmarks.comparison.statistics import CONFIDENCE
from benchmarks.logs import users_behind
from benchmarks.notebook import html
from benchmarks.off_policy.evaluation import Accumulator
from benchmarks.off_policy.judging import earned
from benchmarks.off_policy.sums import REWARD
from benchmarks.off_policy.verdicts import FEWEST_USERS
from benchmarks.runner import run
from benchmarks.workers.bar import bar
from benchmarks.workers.jobs import Workers, play_all
from envs.feedback import LoggedFeedback
from envs.logged import QUARTER_HOUR, Logged, Replay
from envs.logs.pseudonyms import suppressed
from policies.policy import PolicyError

LOGGED = "(as logged)"
_ENOUGH = 0.9  # of the replays must have a row by a day for its band
_FEWEST_REWARDED = 10  # accepted rows with a reward; below, an interval of their mean says nothing


@dataclass(frozen=True)
class Replays:
    """Tables of a replay. `table` has a row a policy, `support` a row an item and policy, `curves` a row a day."""

    table: pd.DataFrame
    support: pd.DataFrame
    curves: pd.DataFrame
    failed: Mapping[str, str] = field(default_factory=dict)  # policies that could not be replayed, and why

    def _repr_html_(self) -> str:
        return html(["What each policy would have earned by replay, learning as it goes."], self.table)


def replay(
    log: LoggedFeedback,
    calls: Sequence[str],
    *,
    seed: int = 0,
    repeats: int = 20,
    refresh: float = QUARTER_HOUR,
    floor: float | None = None,
    confidence: float = CONFIDENCE,
    least: int = 5,
    advance: Callable[[], Any] | None = None,
    workers: Workers = 1,
    executor: Executor | None = None,
    progress: bool = False,
) -> Replays:
    """Replay policies on a log.

    Args:
        log: with propensities.
        calls: policies, as `linucb(alpha=0.5)`.
        seed: of everything random.
        repeats: replays behind a value, each with its own luck, and as many bootstrap replays behind its interval, of
            rows drawn anew (Mary, Preux & Nicol 2014), all of a user together.
        refresh, floor: as of `Logged`.
        confidence: of the intervals: Student's t on the spread of the bootstrap replays, with as many degrees of
            freedom as replays or users allow.
        least: users (rows where there are no users) that must stand behind a count of an item.
        advance: called after every replay, 2 x repeats times for a policy.
        workers: how many processes replay at once, or an executor; changes no result.
        executor: replays in place of processes of this machine, such as that of a cluster; it is not shut down.
        progress: whether to show a progress bar.

    Returns:
        `table`, indexed by policy: value (mean reward of an accepted row, over the replays of the log as it is), lower,
        upper; rows, matched, accepted, effective_sample_size, rewarded, floor, z of the first of these;
        propensities; reason (why it answers nothing, or empty). The first row is what was logged.

    Raises:
        LogError: the log has no propensities.
        PolicyError: an unknown policy or setting; or all of them failed. One that fails stops no other.
    """
    calls = list(dict.fromkeys(calls))
    for call in calls:  # a bad one is told before any work
        Repeat(call, log, refresh, floor, 0).check()
    own = earned(log)
    rows = [_as_logged(log, own, confidence)]
    support, curves = [], []
    failed: dict[str, str] = {}
    lucks = [(seed + repeat, resample) for resample in (False, True) for repeat in range(repeats)]
    asked = (Repeat(call, log, refresh, floor, *luck) for call in calls for luck in lucks if call not in failed)
    found: dict[tuple[str, int, bool], Repeated] = {}
    with bar(progress) as shown, closing(play_all(asked, executor or workers)) as answers:
        task = shown.add_task("replaying", total=len(calls) * len(lucks))
        for answer in answers:
            found[answer.call, answer.seed, answer.resample] = answer
            if answer.reason:
                failed.setdefault(answer.call, answer.reason)
            shown.advance(task)
            if advance:
                advance()
    for call in (call for call in calls if call not in failed):
        first = found[call, seed, False]
        values = [found[call, *luck].replay.value for luck in lucks]
        value, lower, upper = _between(values[:repeats], values[repeats:], own, confidence)
        row = {"value": value, "lower": lower, "upper": upper}
        rows.append({"policy": call, **row, **_row(log, first.replay, first.rewards, own)})
        support.append(_support(call, log, first.replay, least))
        again = [found[call, *luck] for luck in lucks if luck[1]]
        curves.append(_curve(call, first, again, confidence))
    if not support:
        raise PolicyError("; ".join(failed.values()))
    return Replays(pd.DataFrame(rows).set_index("policy"), pd.concat(support), pd.concat(curves), failed)


class Repeated(NamedTuple):
    """What a replay came to, or why it did not."""

    call: str
    seed: int
    resample: bool
    replay: Any = None
    times: Any = None
    rewards: Any = None
    reason: str = ""


@dataclass(frozen=True)
class Repeat:
    """One policy, afresh, on one log, with its own luck."""

    call: str
    log: LoggedFeedback
    refresh: float
    floor: float | None
    seed: int
    resample: bool = False

    def check(self) -> None:
        """Refuse a policy or a log that cannot be replayed."""
        self._policy()
        Logged(self.log, refresh=self.refresh, floor=self.floor)

    def play(self) -> Repeated:
        """Replay; a policy that fails stops no other."""
        luck = self.call, self.seed, self.resample
        try:
            environment = Logged(self.log, self.seed, refresh=self.refresh, floor=self.floor, resample=self.resample)
            trace = run(self._policy(), environment, self.seed)
        except PolicyError as reason:
            return Repeated(*luck, reason=str(reason))
        return Repeated(*luck, environment.report(), trace.times, trace.rewards)

    def _policy(self) -> Any:
        return foreign.load(self.call, self.log.problem, seed=self.seed)


def _between(
    plain: Sequence[float], drawn: Sequence[float], own: Accumulator, confidence: float
) -> tuple[float, float, float]:
    """Mean of the replays, and how far it may be off by the spread of bootstrap replays; never beyond what was paid.

    Who learns from rows drawn anew learns from fewer different ones, and less: only their spread is used, not their
    mean. Twenty of them know that spread with 19 degrees of freedom; percentiles of twenty are too narrow.
    """
    value, known = _mean(plain), np.array(drawn)[np.isfinite(drawn)]
    if len(known) < 2:
        return value, np.nan, np.nan
    freedom = min(len(known), own.sums.independent) - 1.0
    reach = float(special.stdtrit(max(freedom, 1e-3), 0.5 + confidence / 2) * known.std(ddof=1))
    least, most = own.sums.low[REWARD], own.sums.high[REWARD]
    return value, float(np.clip(value - reach, least, most)), float(np.clip(value + reach, least, most))


def _mean(values: Sequence[float]) -> float:
    known = np.array(values)[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _row(log: LoggedFeedback, first: Replay, rewards: Any, own: Accumulator) -> dict[str, Any]:
    rewarded = int(np.count_nonzero(rewards))
    return {
        "rows": first.rows,
        "matched": first.matched,
        "accepted": first.accepted,
        "effective_sample_size": first.effective_sample_size,
        "rewarded": rewarded,
        "floor": first.floor,
        "z": first.z,
        "propensities": log.propensities,
        "reason": first.refusal() or _too_few(first, rewarded, own.sums.independent),
    }


def _too_few(first: Replay, rewarded: int, users: float) -> str:
    """Why so few rewards or users say nothing; nothing where they do."""
    if rewarded < _FEWEST_REWARDED:
        few = f"fewer than {_FEWEST_REWARDED} say nothing"
        return f"{rewarded} of {first.accepted} accepted rows have a reward: {few}"
    if users < FEWEST_USERS:
        return f"the rows are worth those of {users:.1f} users, fewer than {FEWEST_USERS:.0f}"
    return ""


def _as_logged(log: LoggedFeedback, own: Accumulator, confidence: float) -> dict[str, Any]:
    """The mean reward of the log itself, on policy, with its interval over users."""
    lower, upper = own.interval(confidence)
    n = own.sums.moments.n
    return {
        "policy": LOGGED,
        "value": own.value(),
        "lower": lower,
        "upper": upper,
        "rows": n,
        "matched": n,
        "accepted": n,
        "effective_sample_size": float(n),
        "rewarded": int(np.count_nonzero(log.feedback.rewards)),
        "floor": float("nan"),
        "z": float("nan"),
        "propensities": log.propensities,
        "reason": "",
    }


def _support(call: str, log: LoggedFeedback, first: Replay, least: int) -> pd.DataFrame:
    """How many rows speak for each item; counts with too few users behind them are not shown."""
    behind = users_behind(log, least)
    logged = suppressed(first.logged, first.logged if behind is None else behind, least)
    accepted = suppressed(first.support, first.users, least)
    return pd.DataFrame(
        {
            "policy": call,
            "item": log.actions,
            "new": first.new,
            "first_day": first.first_seen,
            "logged": pd.array(logged, dtype="Int64"),
            "accepted": pd.array(accepted, dtype="Int64"),
        }
    )


def _curve(call: str, trace: Any, again: Sequence[Any], confidence: float) -> pd.DataFrame:
    """Accepted rows and their rewards up to the end of each day, with the interval of their mean by the bootstrap."""
    days = int(np.floor(trace.times.max(initial=0))) + 1
    rows, earned = _so_far(trace, days)
    with np.errstate(invalid="ignore"):
        means = np.array([np.divide(*_so_far(each, days)[::-1]) for each in again])
        mean = earned / rows
    told = np.isfinite(means).sum(axis=0)
    reach = special.stdtrit(np.maximum(told - 1, 1), (1 + confidence) / 2) * _spread(means)
    reach = np.where(told >= _ENOUGH * len(again), reach, np.nan)  # where many replays have no row, none can tell
    table = {"policy": call, "day": np.arange(1, days + 1), "rows": rows, "reward": earned}
    return pd.DataFrame(table | {"lower": mean - reach, "upper": mean + reach})


def _so_far(trace: Any, days: int) -> tuple[Any, Any]:
    """(days,) accepted rows, and their rewards, up to the end of each day."""
    day = np.minimum(np.floor(trace.times).astype(int), days - 1)
    return np.cumsum(np.bincount(day, minlength=days)), np.cumsum(np.bincount(day, trace.rewards, days))


def _spread(means: Any) -> Any:
    """(days,) standard deviation over replays, those without a row left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # days on which no replay has a row have none
        return np.nanstd(means, axis=0, ddof=1)
