"""Policies learn on a log by rejection: what each would have earned, how sure that is, or why the log cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import foreign
from benchmarks.comparison.statistics import CONFIDENCE
from benchmarks.logs import users_behind
from benchmarks.notebook import html
from benchmarks.off_policy.evaluation import Accumulator
from benchmarks.off_policy.judging import earned
from benchmarks.off_policy.sums import REWARD
from benchmarks.off_policy.verdicts import FEWEST_USERS
from benchmarks.runner import run
from envs.feedback import LoggedFeedback
from envs.logged import QUARTER_HOUR, Logged, Replay
from envs.logs.pseudonyms import suppressed
from policies.policy import PolicyError

LOGGED = "(as logged)"
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

    Returns:
        `table`, indexed by policy: value (mean reward of an accepted row, over the replays of the log as it is), lower,
        upper; rows, matched, accepted, effective_sample_size, rewarded, floor, z of the first of these;
        propensities; reason (why it answers nothing, or empty). The first row is what was logged.

    Raises:
        LogError: the log has no propensities.
        PolicyError: an unknown policy or setting; or all of them failed. One that fails stops no other.
    """
    tick = advance or (lambda: None)
    made = {call: _Repeated(call, log, refresh, floor, tick) for call in calls}  # a bad call is told before any work
    own = earned(log)
    rows = [_as_logged(log, own, confidence)]
    support, curves = [], []
    failed: dict[str, str] = {}
    for call, repeated in made.items():
        try:
            first, trace = repeated.once(seed)
            plain = [first.value, *(repeated.once(seed + repeat)[0].value for repeat in range(1, repeats))]
            drawn = [repeated.once(seed + repeat, resample=True)[0].value for repeat in range(repeats)]
        except PolicyError as error:
            failed[call] = str(error)
            continue
        value, lower, upper = _between(plain, drawn, own, confidence)
        found = {"value": value, "lower": lower, "upper": upper}
        rows.append({"policy": call, **found, **_row(log, first, trace.rewards, own)})
        support.append(_support(call, log, first, least))
        curves.append(_curve(call, trace.times, trace.rewards))
    if not support:
        raise PolicyError("; ".join(failed.values()))
    return Replays(pd.DataFrame(rows).set_index("policy"), pd.concat(support), pd.concat(curves), failed)


class _Repeated:
    """One policy on one log, afresh each time."""

    def __init__(
        self, call: str, log: LoggedFeedback, refresh: float, floor: float | None, tick: Callable[[], Any]
    ) -> None:
        self._call = call
        self._log, self._refresh, self._floor, self._tick = log, refresh, floor, tick
        self._policy(0)
        Logged(log, refresh=refresh, floor=floor)

    def once(self, seed: int, *, resample: bool = False) -> tuple[Replay, Any]:
        environment = Logged(self._log, seed, refresh=self._refresh, floor=self._floor, resample=resample)
        trace = run(self._policy(seed), environment, seed)
        self._tick()
        return environment.report(), trace

    def _policy(self, seed: int) -> Any:
        return foreign.load(self._call, self._log.problem, seed=seed)


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
    reach = float(stats.t.ppf(0.5 + confidence / 2, max(freedom, 1e-3)) * known.std(ddof=1))
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


def _curve(call: str, times: Any, rewards: Any) -> pd.DataFrame:
    """Accepted rows and their rewards up to the end of each day."""
    days = np.floor(times).astype(int)
    rows, earned = np.cumsum(np.bincount(days)), np.cumsum(np.bincount(days, rewards))
    last = len(rows)
    return pd.DataFrame({"policy": call, "day": np.arange(1, last + 1), "rows": rows, "reward": earned})
