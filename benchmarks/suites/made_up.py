"""Made-up logs, whose truth is known by arithmetic: how often does every interval that a page prints hold it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.off_policy import METHODS, Evaluation, evaluate
from benchmarks.off_policy.differences import difference
from benchmarks.off_policy.judging import observed
from benchmarks.off_policy.passes import InMemory
from benchmarks.off_policy.slates import estimate_slates
from benchmarks.replay import replay
from envs.feedback import LoggedFeedback
from policies.policy import Decisions, Feedback, Floats

K = 4
LEARNER = "epsilon_greedy(epsilon=0.1)"
REPLAYED = ("fixed_order(order=[2, 1, 0, 3])", "uniform", LEARNER)
WANTED, OTHER = np.array([0.1, 0.1, 0.7, 0.1]), np.array([0.7, 0.1, 0.1, 0.1])
_WORTH = np.array([0.08, 0.12, 0.16, 0.1])  # of an action, where the visitor's taste is neither here nor there
_TASTE = np.array([0.06, 0.0, -0.06, 0.03])  # what a taste of 1 adds; tastes are -1 or 1, half and half


@dataclass(frozen=True)
class MadeUp:
    """One log of so many rows, judged and replayed."""

    seed: int
    even: bool  # the log chose at random; else by taste, with chances from 0.1 up
    rows: int = 1_500
    users: int = 0  # so many visitors, of whom some buy all they see; 0: every row has another
    replayed: tuple[str, ...] = REPLAYED

    @property
    def name(self) -> str:
        """What kind of log it is."""
        kind = "even log" if self.even else "uneven log"
        return f"{kind}, {self.users} users" if self.users else kind

    def play(self) -> pd.DataFrame:
        """A row an interval: log, by, value, lower, upper, truth (NaN of a policy that learns)."""
        log = self.log()
        found = [*self._judged(log), *self._pages()]
        if self.replayed:
            table = replay(log, self.replayed, seed=self.seed).table
            found += [(f"replay, {call}", *table.loc[call, _TOLD], _TRUTHS[call]) for call in self.replayed]
        columns = ["by", "value", "lower", "upper", "truth"]
        return pd.DataFrame(found, columns=columns).assign(log=self.name, seed=self.seed)

    def log(self) -> LoggedFeedback:
        """n rows in order of time."""
        rng = np.random.default_rng(self.seed)
        n = self.rows
        taste = rng.choice([-1.0, 1.0], n)
        chances = _logging(taste, self.even)
        chosen = _drawn(rng, chances)
        users = rng.integers(1, self.users + 1, n).astype(np.uint64) if self.users else None
        luck = rng.random(n)
        if users is not None:  # a visitor's mood is the same at every visit: half of all luck is theirs
            mood = rng.random(self.users + 1)
            luck = np.where(rng.random(n) < 0.5, mood[users], luck)
        rewards = (luck < _WORTH[chosen] + _TASTE[chosen] * taste) * 1.0
        decisions = Decisions(
            np.arange(n) / 100, np.column_stack([np.ones(n), taste]), np.empty((K, 0)), np.ones((n, K), bool)
        )
        return LoggedFeedback(Feedback(decisions, chosen, chances[np.arange(n), chosen], rewards), users=users)

    def _judged(self, log: LoggedFeedback) -> Iterator[tuple[Any, ...]]:
        truth = float(WANTED @ _WORTH)
        own = float(np.mean(_logging(np.array([-1.0, 1.0]), self.even) * (_WORTH + np.outer([-1, 1], _TASTE))) * K)
        yield "as logged", *observed(log), own
        one, other = (self._evaluation(log, wanted) for wanted in (WANTED, OTHER))
        for name, accumulator in one.accumulators.items():
            for method in METHODS:
                settings: dict[str, Any] = (
                    {"reward_range": (0.0, 1.0), "largest_weight": 10.0} if method in _RANGED else {}
                )
                yield f"{name}, {method}", accumulator.value(), *accumulator.interval(method=method, **settings), truth
            apart = accumulator.value(relative=True), *accumulator.interval(relative=True)
            yield f"{name}, less the log", *apart, truth - own
            found = difference(accumulator, other.accumulators[name])
            yield f"{name}, less another policy", *found, truth - float(OTHER @ _WORTH)

    def _evaluation(self, log: LoggedFeedback, wanted: Floats) -> Evaluation:
        passes = InMemory(log.feedback, np.tile(wanted, (self.rows, 1)), users=log.users)
        return evaluate(passes, ("ips", "snips", "dr", "sndr"), placebo=False)

    def _pages(self) -> Iterator[tuple[Any, ...]]:
        """Pages of two slots, no product twice; the lower slot is worth half."""
        rng = np.random.default_rng(self.seed)
        pages = self.rows // 2
        logging = np.full(K, 1 / K) if self.even else np.array([0.4, 0.3, 0.2, 0.1])
        top = _drawn(rng, np.tile(logging, (pages, 1)))
        left = np.arange(K) != top[:, None]
        below = _drawn(rng, _renormalised(logging, left))
        available = np.stack([np.ones((pages, K), bool), left], axis=1).reshape(-1, K)
        chosen = np.column_stack([top, below]).ravel()
        half = np.tile([1.0, 0.5], pages)
        n = 2 * pages
        rewards = (rng.random(n) < half * _WORTH[chosen]) * 1.0
        propensities = _renormalised(logging, available)[np.arange(n), chosen]
        decisions = Decisions(np.repeat(np.arange(pages) / 50, 2), np.ones((n, 1)), np.empty((K, 0)), available)
        table = estimate_slates(
            Feedback(decisions, chosen, propensities, rewards),
            _renormalised(WANTED, available),
            np.repeat(np.arange(pages), 2),
            np.tile([1, 2], pages),
        )
        lower = WANTED @ (_renormalised(WANTED, ~np.eye(K, dtype=bool)) @ _WORTH)
        truth = float(WANTED @ _WORTH + 0.5 * lower)
        for name, row in table.iterrows():
            yield f"pages, {name}", row.value, row.lower, row.upper, truth


_TOLD = ["value", "lower", "upper"]
_TRUTHS = dict(zip(REPLAYED, (_WORTH[2], _WORTH.mean(), np.nan), strict=True))
_RANGED = ("empirical_bernstein", "confidence_sequence")


def _logging(taste: Floats, even: bool) -> Floats:
    """(n, K) chances under the policy that makes the log."""
    if even:
        return np.full((len(taste), K), 1 / K)
    liked = np.where(taste[:, None] > 0, [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4])
    chances: Floats = np.asarray(liked, float)
    return chances


def _drawn(rng: np.random.Generator, chances: Floats) -> Any:
    return (rng.random((len(chances), 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)


def _renormalised(chances: Floats, left: Any) -> Floats:
    """(n, K) the chances of what is left."""
    kept = np.where(left, chances, 0.0)
    shares: Floats = kept / kept.sum(axis=1, keepdims=True)
    return shares


def coverage(found: pd.DataFrame) -> pd.DataFrame:
    """A row a kind of log and interval: logs that have one, the share of them that hold the truth, the median width.

    The truth of a policy that learns on a log is the mean of what it was worth on all of them.
    """
    rows = []
    for (log, by), part in found.groupby(["log", "by"], sort=False):
        told = part[np.isfinite(part.lower)]
        truth = told.truth.fillna(part.value.mean())
        held = float(((told.lower <= truth) & (truth <= told.upper)).mean()) if len(told) else np.nan
        rows.append(
            {"log": log, "by": by, "logs": len(told), "held": held, "width": (told.upper - told.lower).median()}
        )
    return pd.DataFrame(rows)


def text(table: pd.DataFrame) -> str:
    """The table as Markdown, a column a kind of log."""
    kinds = list(table.log.unique())
    lines = ["| interval | " + " | ".join(kinds) + " |", "|---" * (1 + len(kinds)) + "|"]
    for by, part in table.groupby("by", sort=False):
        cells = part.set_index("log")
        shown = [
            f"{cells.held[kind]:.1%} of {cells.logs[kind]}" if kind in cells.index and cells.logs[kind] else "–"
            for kind in kinds
        ]
        lines.append(f"| {by} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"
