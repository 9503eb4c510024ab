"""A log as an environment: policies learn on it as if they had decided, by rejecting the rows they would not have made.

A row is matched where the policy draws the action that was logged, and accepted with the chance c / p, where p is its
propensity and c the smallest of the whole log. Whatever the policy draws, a row is then accepted with chance c: of all
visits, at all times, alike. Without the second step a visit counts the more, the fewer actions there were to choose
from, and a growing catalogue biases the result. Where the log was thinned out, a row stands for w visits, and p / w
takes the place of p: every visit then still counts with chance c, kept or not.

Li, Chu, Langford & Wang (2011), Unbiased offline evaluation of contextual-bandit-based news article recommendation
algorithms; the second step is von Neumann's rejection with proposal p and target the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numba import njit

from envs.environment import Choices, Rounds
from envs.feedback import LogError, LoggedFeedback
from envs.logs import rounding
from envs.logs.rows import NOBODY, Rows
from policies.policy import Booleans, Decisions, Feedback, Floats, Integers
from simulator import streams

QUARTER_HOUR = 15 / (24 * 60)  # days
_SMALLEST_BLOCK, _LARGEST_BLOCK = 16, 1 << 14  # rows asked at once
_POISSON = np.cumsum(np.exp(-1.0) / np.cumprod([1, *range(1, 18)]))  # P(at most 0, 1, ... times), mean 1


class Logged:
    """Replay of a log. Yields accepted rows only, each once its reward is known and the policy's refresh is due.

    Args:
        log: `LoggedFeedback`, or a `Feedback` in order of time. Its propensities must be there.
        seed: of the acceptance, and of the resampling.
        refresh: days between two lessons; 0 teaches every row before the next is asked.
        floor: c, where it is not to be the log's smallest propensity. A greater one accepts more rows and is biased
            for those with p < c, which count c / p in `report()` yet teach the policy once.
        resample: draw the rows anew (Poisson bootstrap, order of time kept; all rows of a user together, where users
            are known), for intervals over several seeds.

    Raises:
        LogError: the log has no propensities, or the floor is no probability.
    """

    def __init__(
        self,
        log: LoggedFeedback | Feedback,
        seed: int = 0,
        *,
        refresh: float = QUARTER_HOUR,
        floor: float | None = None,
        resample: bool = False,
    ) -> None:
        self._log = log if isinstance(log, LoggedFeedback) else LoggedFeedback(log)
        if self._log.propensities == "missing":
            raise LogError(
                "replay must have propensities, got a log without: "
                "map their column, or estimate them (--estimate-propensities)"
            )
        if floor is not None and not 0 < floor <= 1:
            raise LogError(f"floor must be above 0 and at most 1, got {floor}")
        if not refresh >= 0:
            raise LogError(f"refresh must be 0 or more days, got {refresh}")
        self.problem = self._log.problem
        self._floor = _smallest(self._log) if floor is None else floor
        self._seed, self._refresh, self._resample = seed, refresh, resample
        self._acceptance = streams.key(seed, "acceptance")
        self._tally = _Tally(self._log.actions, self._floor)

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        """Ask for every row, yield those accepted. A block that a lesson falls into is asked again from there on."""
        waiting = _Waiting()
        size = _SMALLEST_BLOCK
        for part in self._parts():
            feedback, decisions, times = part.feedback, part.feedback.decisions, part.feedback.decisions.times
            due = _next_refresh(part.known, self._refresh)
            luck = streams.uniforms(self._acceptance, decisions.ids)
            kept = luck * _a_visit(part) < self._floor  # what is accepted if it matches
            matched = np.zeros(len(part), bool)
            start = 0
            while start < len(part):
                if times[start] >= waiting.next:
                    yield from waiting.due(times[start])
                stop = start + max(1, int(times[start : start + size].searchsorted(waiting.next)))
                choices = choose(decisions.take(slice(start, stop)))
                answered, accepted = _answer(choices.chosen, feedback.chosen, kept, times, due, start, matched)
                if len(accepted):
                    lessons = feedback.take(accepted)
                    lessons.propensities = choices.propensities[accepted - start]
                    waiting.add(due[accepted], lessons)
                grown = 2 * size if start + answered == stop else 2 * answered
                size = min(max(grown, _SMALLEST_BLOCK), _LARGEST_BLOCK)
                start += answered
            self._tally.add(part, matched, matched & kept)
        yield from waiting.due(np.inf)

    def report(self) -> Replay:
        """What the replay rests on, so far."""
        return self._tally.report()

    def _parts(self) -> Iterator[Rows]:
        """The log a part at a time; ids are new, for the log's own met the same luck when it was made."""
        asked = met = 0
        key = streams.key(self._seed, "replay")
        for part in self._log.parts():
            if self._resample:
                times = self._times(part, met)
                met += len(part)
                part = part.take(np.repeat(np.arange(len(part)), times))
            rows = np.arange(asked, asked + len(part), dtype=np.uint64)
            asked += len(part)
            part = part.take(slice(None))
            part.feedback.decisions.ids = _mixed(key, rows)
            yield part

    def _times(self, part: Rows, first: int) -> Integers:
        """(n,) how often each row counts in a Poisson bootstrap; all rows of one user alike, where users are known."""
        rows = np.arange(first, first + len(part), dtype=np.uint64)
        luck = streams.uniforms(streams.key(self._seed, "resample"), rows)
        if part.users is not None:
            of_user = streams.uniforms(streams.key(self._seed, "resample users"), part.users)
            luck = np.where(part.users == NOBODY, luck, of_user)
        times: Integers = np.searchsorted(_POISSON, luck, side="right")
        return times


@dataclass(frozen=True)
class Replay:
    """What a replay rests on."""

    rows: int  # of the log
    visits: float  # that these stand for
    matched: int  # rows where the policy drew the logged action
    accepted: int  # of those, kept
    floor: float  # chance with which a row is accepted, whatever is drawn
    clipped: int  # accepted rows with a propensity below the floor
    effective_sample_size: float  # accepted rows, where none is clipped; else Kish's
    value: float  # mean reward of an accepted row, clipped ones counting floor / propensity
    z: float  # accepted weight against rows * floor, in standard errors
    logged: Integers  # (K,) rows of the log showing each action
    support: Integers  # (K,) accepted rows of each action
    first_seen: Floats  # (K,) days when it was first available, NaN if never
    users: Integers  # (K,) different users behind the accepted rows of each action; rows where the log has no users
    actions: Sequence[str]  # K names
    offered: Floats  # (K,) rows of the log, or visits that they stand for, where each action could be shown
    implied: Floats  # (K,) the same, as the rows showing it imply by their propensities, less what rounding explains
    implied_error: Floats  # (K,) standard error of that

    @property
    def new(self) -> Any:
        """(K,) actions that were not yet there at the first row."""
        return self.first_seen > np.nanmin(self.first_seen)

    def refusal(self, at_least: int = 100, significance: float = 0.001) -> str | None:
        """Why this replay answers nothing, in one sentence; None where it may.

        Args:
            at_least: rows that must count, in effect.
            significance: of the two-sided test of the accepted rows against the propensities.
        """
        if self.effective_sample_size < at_least:
            worth = f"the log supports {self.effective_sample_size:.0f} rounds of this policy, fewer than {at_least}"
            thinned = self.visits != self.rows
            counted = (
                f"{self.visits:.0f} visits that its {self.rows} rows stand for" if thinned else f"{self.rows} rows"
            )
            chance = f"smallest propensity{' a visit' if thinned else ''} {self.floor:.3g}"
            return (
                f"{worth}: {counted} x {chance} = {self.visits * self.floor:.1f} expected "
                "(a greater floor accepts more, at the price of a bias)"
            )
        if reason := self._contradiction(significance):
            return reason
        if abs(self.z) > NormalDist().inv_cdf(1 - significance / 2):
            few = "fewer" if self.z < 0 else "more"
            return (
                f"{self.accepted} rows accepted where the propensities imply {self.visits * self.floor:.1f} "
                f"({few} by {abs(self.z):.1f} standard errors): they are wrong, "
                "or the policy wants what the log never shows"
            )
        return None

    def _contradiction(self, significance: float) -> str | None:
        """Where the log shows an action more often than its own chances allow: sum(1 / propensity) over the rows that
        show it has the number of rows that could as its mean, or less where some never could.

        Li et al. (2015), "Toward predicting the outcome of an A/B experiment for search relevance", section 4.2 (the
        harmonic mean test), an action at a time, Bonferroni-adjusted.
        """
        beyond = self.implied - self.offered
        z = np.divide(beyond, self.implied_error, out=np.zeros(len(beyond)), where=self.implied_error > 0)
        k = int(np.argmax(z))
        if z[k] <= NormalDist().inv_cdf(1 - significance / len(z)):
            return None
        return (
            f"{self.actions[k]} was shown {self.logged[k]} times, which by its propensities implies "
            f"{self.implied[k]:.0f} rows where it could be, of {self.offered[k]:.0f} ({z[k]:.1f} standard errors): "
            "they are wrong"
        )


class _Waiting:
    """Accepted rows whose lessons are not yet due, in the order they were asked."""

    def __init__(self) -> None:
        self._lessons: list[tuple[Floats, Feedback]] = []
        self.next = np.inf  # days

    def add(self, due: Floats, lessons: Feedback) -> None:
        if len(due):
            self._lessons.append((due, lessons))
            self.next = min(self.next, float(due.min()))

    def due(self, now: float) -> Iterator[Rounds]:
        if now < self.next:
            return
        waiting, self._lessons, self.next = self._lessons, [], np.inf
        for due, lessons in waiting:
            ready = due <= now
            if ready.all():
                yield Rounds(lessons)
                continue
            self.add(due[~ready], lessons.take(~ready))
            if ready.any():
                yield Rounds(lessons.take(ready))


class _Tally:
    """Counts of a replay as it goes."""

    def __init__(self, actions: Sequence[str], floor: float) -> None:
        K = len(actions)
        self._actions, self._floor = actions, floor
        self._offered = np.zeros((2, K))  # visits where each action could be shown, and squares of what rows stand for
        self._inverse = np.zeros((3, K))  # sums of 1/p, (1/p - 1)^2 - 1 and 1/p^2 over what shows each action
        self._decimals = 0
        self._rows = self._matched = self._accepted = self._clipped = 0
        self._visits = self._visits_squared = self._crossed = 0.0
        self._weight = self._weight_squared = self._reward = 0.0
        self._logged = np.zeros(K, np.int64)
        self._support = np.zeros(K, np.int64)
        self._first_seen = np.full(K, np.nan)
        self._met: list[Any] = []  # (action, user) of accepted rows

    def add(self, part: Rows, matched: Booleans, accepted: Booleans) -> None:
        feedback, chosen = part.feedback, part.feedback.chosen[accepted]
        counts = _counts(part)
        weights = np.maximum(1.0, self._floor / _a_visit(part)[accepted])
        self._rows += len(part)
        self._visits += float(counts.sum())
        self._visits_squared += float(counts @ counts)
        self._crossed += float(weights @ counts[accepted])
        self._matched += int(matched.sum())
        self._accepted += len(chosen)
        self._clipped += int((weights > 1.0).sum())
        self._weight += float(weights.sum())
        self._weight_squared += float(weights @ weights)
        self._reward += float(weights @ feedback.rewards[accepted])
        self._logged += np.bincount(feedback.chosen, minlength=len(self._logged))
        self._support += np.bincount(chosen, minlength=len(self._support))
        self._check(feedback, counts)
        _note_first(self._first_seen, feedback.decisions.times, feedback.decisions.available)
        if part.users is not None:
            self._met.append(np.column_stack([chosen.astype(np.uint64), part.users[accepted]]))

    def _check(self, feedback: Feedback, counts: Floats) -> None:
        """Note how often each action was shown, could be shown, and should be by its propensities."""
        p, K = feedback.propensities, len(self._logged)
        self._offered += np.stack([counts, counts**2]) @ feedback.decisions.available
        parts = counts / p, counts**2 * ((1 / p - 1) ** 2 - 1), counts / p**2
        self._inverse += [np.bincount(feedback.chosen, each, K) for each in parts]
        self._decimals = rounding.decimals(p, self._decimals)

    def _implied(self) -> Floats:
        """(K,) in how many rows each action could be shown, less what rounding explains."""
        once, _, twice = self._inverse
        mean = np.divide(twice, once, out=np.ones(len(once)), where=once > 0)
        forgiven = [rounding.share(self._decimals, each, self._rows) for each in mean]
        implied: Floats = once * (1 - np.array(forgiven))
        return implied

    def _users(self) -> Integers:
        if not self._met:
            return self._support.copy()
        pairs = np.unique(np.concatenate(self._met), axis=0)
        return np.bincount(pairs[:, 0].astype(np.int64), minlength=len(self._support))

    def report(self) -> Replay:
        total = self._weight
        excess = total - self._visits * self._floor
        spread = self._spread()
        z = excess / np.sqrt(spread) if spread > 0 else np.sign(excess) * np.inf if excess else 0.0
        return Replay(
            rows=self._rows,
            visits=self._visits,
            matched=self._matched,
            accepted=self._accepted,
            floor=self._floor,
            clipped=self._clipped,
            effective_sample_size=total**2 / self._weight_squared if total else 0.0,
            value=self._reward / total if total else float("nan"),
            z=float(z),
            logged=self._logged.copy(),
            support=self._support.copy(),
            first_seen=self._first_seen.copy(),
            users=self._users(),
            actions=self._actions,
            offered=self._offered[0].copy(),
            implied=self._implied(),
            implied_error=np.sqrt(np.maximum(self._offered[1] + self._inverse[1], 0.0)),
        )

    def _spread(self) -> float:
        """Variance of the accepted weight less what the propensities imply."""
        n, c = max(self._rows, 1), self._floor
        if self._visits_squared != self._rows:  # thinned out: no two rows alike
            return self._weight_squared - 2 * c * self._crossed + c**2 * self._visits_squared
        return self._weight_squared - self._weight**2 / n if self._clipped else n * c * (1 - c)


def _smallest(log: LoggedFeedback) -> float:
    """The smallest propensity of the log, of a visit where rows stand for several."""
    if next(log.parts(1)).weights is None:
        return log.smallest_propensity
    return min(float(_a_visit(part).min()) for part in log.parts())


def _a_visit(part: Rows) -> Floats:
    """(n,) propensities, divided among the visits that a row stands for."""
    return part.feedback.propensities / _counts(part)


def _counts(part: Rows) -> Floats:
    return np.ones(len(part)) if part.weights is None else part.weights


def _next_refresh(known: Floats, refresh: float) -> Floats:
    """When rewards known at these times reach the policy."""
    if refresh == 0:
        return known
    due: Floats = np.maximum(np.ceil(known / refresh) * refresh, known)
    return due


@njit(cache=True)
def _answer(drawn: Any, chosen: Any, kept: Any, times: Any, due: Any, start: int, matched: Any) -> Any:
    """Compare rows from `start` on, as far as no lesson of their own falls due: their number, and those accepted."""
    earliest = np.inf
    accepted = []
    answered = len(drawn)
    for i in range(len(drawn)):
        row = start + i
        if times[row] >= earliest:
            answered = i
            break
        matched[row] = drawn[i] == chosen[row]
        if matched[row] and kept[row]:
            accepted.append(row)
            earliest = min(earliest, due[row])
    return answered, np.array(accepted, dtype=np.int64)


@njit(cache=True)
def _mixed(key: Any, rows: Any) -> Any:
    ids = np.empty(len(rows), np.uint64)
    for i in range(len(rows)):
        ids[i] = streams.mix(key, rows[i])
    return ids


@njit(cache=True)
def _note_first(first: Any, times: Any, available: Any) -> None:
    for k in range(len(first)):
        if np.isnan(first[k]):
            for i in range(len(times)):
                if available[i, k]:
                    first[k] = times[i]
                    break
