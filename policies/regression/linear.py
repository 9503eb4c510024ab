"""Ridge regressions, one an action, kept solved lesson by lesson: what the linear policies share.

Action k has the precision matrix `A = ridge I + sum x x'` and the coefficients `theta = inverse(A) sum r x` over the
lessons (x, r) in which it was shown. One row of `solved` holds theta (d); then, to ask, the lower triangle of
inverse(A) row by row with its off-diagonal entries doubled (d (d + 1) / 2), so that the squared width x' inverse(A) x
is a dot product with the lower triangle of x x'; then, to learn, inverse(A) itself (d d), `phi = inverse(A) sum x`,
which is what theta would be were every reward 1, and the sums of x x' (its lower triangle), r x and x, from which all
of it can be solved afresh. It is one array, because each array passed to a kernel costs as much as a small product.
Every (context, action) is summed in the same order whatever the batch, so one at a time and a batch agree to the last
bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from policies import selection, settings
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem
from policies.regression.solving import LARGE, invert

NOISES = ["unit", "estimated"]  # 1, or what the lessons so far say
_NOTHING: tuple[Any, float, Any] = (None, 0.0, None)  # the question, with which alpha, its answer
_SAME = 1e-12  # of what is missed: less is rounding
_BEFORE = 60.0  # lessons that the prior of the noise is worth
_TIMES = 10.0  # the variance of rewards is what they missed: the first ones may not have met what is rare and rich
SUMS_MAY_BE_REORDERED = {"reassoc", "contract"}  # lets the compiler use vector units for dot products


class Ridge:
    """One ridge regression an action, each lesson a Sherman-Morrison update.

    Where an update would lose digits, because a lesson outweighs all that was known of its direction (features of
    large scale), and whenever its lessons have doubled, an action is solved afresh.

    Args:
        problem: gives K and d.
        ridge: positive; the weight of the pull towards zero.
    """

    def __init__(self, problem: Problem, ridge: float) -> None:
        if problem.n_context_features < 1:
            raise PolicyError(f"n_context_features must be positive, got {problem.n_context_features}")
        self.ridge = settings.positive("ridge", ridge)
        K, d = problem.n_actions, problem.n_context_features
        self.solved = np.zeros((K, _sums(d) + d * (d + 1) // 2 + 2 * d))
        self.counts = np.zeros(K, np.int64)  # lessons of each action
        self.missed = np.zeros(3)  # see `spread`
        self.lessons = 0
        for row in self.solved:
            _solve(row, d, self.ridge)
        self._d = d
        self._asked = _NOTHING

    def scores(self, contexts: Floats, alpha: float, level: float = 0.0) -> Floats:
        """(n, K) `theta . x + alpha sqrt(x' inverse(A) x)`, theta of rewards less the level."""
        scores = np.empty((len(contexts), len(self.solved)))
        fill_scores(self.solved, contexts, alpha, level, scores)
        return scores

    def probabilities(self, decisions: Decisions, alpha: float, *, level: float = 0.0, epsilon: float = 0.0) -> Floats:
        """(n, K) epsilon spread over all available actions, the rest on the best score, seen from the level.

        A slate asks the same question several times between lessons: the answer to the last one is remembered.
        """
        available, question = decisions.available, decisions.question
        asked, with_alpha, scores = self._asked
        if question is not None and asked is question and with_alpha == alpha:
            return selection.epsilon_greedy(scores, available, epsilon)
        scores = np.empty(available.shape)
        probabilities = np.empty(available.shape)
        _scores_and_best(self.solved, decisions.contexts, alpha, level, available, epsilon, scores, probabilities)
        self._asked = (question, alpha, scores)
        return probabilities

    def predictions(self, decisions: Decisions, level: float = 0.0) -> tuple[Floats, Floats]:
        """(n, K) means `theta . x`, theta of rewards less the level, and (n, K) widths `sqrt(x' inverse(A) x)`; the
        last question's are remembered."""
        asked, _, answer = self._asked
        if decisions.question is None or asked is not decisions.question:
            answer = self.scores(decisions.contexts, 0.0, level), self.widths(decisions.contexts)
            self._asked = (decisions.question, np.nan, answer)
        predicted: tuple[Floats, Floats] = answer
        return predicted

    def widths(self, contexts: Floats) -> Floats:
        """(n, K) `sqrt(x' inverse(A) x)`."""
        return self.scores(contexts, 1.0) - self.scores(contexts, 0.0)

    def coefficients(self, means: Floats) -> Floats:
        """(K, d) theta where the prior of the coefficients has these (K, d) means, not 0: + ridge inverse(A) mean."""
        d = self._d
        inverse = self.solved[:, _sums(d) - d - d * d : _sums(d) - d].reshape(-1, d, d)
        found: Floats = self.solved[:, :d] + self.ridge * np.matvec(inverse, means)
        return found

    def noise(self) -> float:
        """Standard deviation of rewards around the regressions and a level of all, pooled over actions."""
        return spread(self.missed, self.missed + _explained(self.solved, self._d))

    def level(self) -> float:
        """The level of all, around which `noise` is."""
        return level(self.missed)

    def learn(self, feedback: Feedback) -> None:
        """Take in lessons; their order does not matter beyond rounding."""
        contexts, chosen, rewards = feedback.decisions.contexts, feedback.chosen, feedback.rewards
        _learn(self.solved, self.counts, self.ridge, contexts, chosen, rewards, self.missed)
        self.lessons += len(chosen)
        self._asked = _NOTHING

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All that was learned."""
        return {
            "solved": self.solved,
            "counts": self.counts,
            "missed": self.missed,
            "lessons": np.array(self.lessons),
        }

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue where the regressions of this state stopped."""
        self.solved, self.counts, self.missed = state["solved"], state["counts"], state["missed"]
        self.lessons = int(state["lessons"])
        self._asked = _NOTHING


class FadingRidge(Ridge):
    """Ridge regressions whose lessons fade: one that is t days older than the newest weighs forgetting ** t.

    Discounted ridge regression (Russac, Vernade & Cappe 2019), by the lessons' own times, so that late lessons count
    as old ones. All actions fade together: one that was not shown for long becomes uncertain again. The pull towards
    zero does not fade. Every learning solves all K regressions afresh: K d^3 operations, cheap a batch, dear a single
    lesson.
    """

    def __init__(self, problem: Problem, ridge: float, forgetting: float) -> None:
        super().__init__(problem, ridge)
        self.forgetting = settings.between("forgetting", forgetting, 0.0, 1.0)
        self.totals = np.zeros(3)  # sum w r^2, sum w r, sum w
        self.latest = -np.inf  # days

    def learn(self, feedback: Feedback) -> None:
        """Take in lessons; their order does not matter beyond rounding."""
        if not len(feedback):
            return
        times, rewards = feedback.decisions.times, feedback.rewards
        latest = max(self.latest, float(times.max()))
        left = self.forgetting ** (latest - self.latest) if np.isfinite(self.latest) else 0.0
        self.latest = latest
        weights = self.forgetting ** (latest - times)
        self.solved[:, _sums(self._d) :] *= left
        self.totals *= left
        self.totals += weights @ rewards**2, weights @ rewards, weights.sum()
        self.missed[:] = self.totals
        _refit(self.solved, self.ridge, feedback.decisions.contexts, feedback.chosen, rewards, weights, self.missed)
        self.lessons += len(feedback.chosen)
        self._asked = _NOTHING

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All that was learned."""
        return {**super().state(), "totals": self.totals, "latest": np.array(self.latest)}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue where the regressions of this state stopped."""
        super().set_state(state)
        self.totals = state["totals"]
        self.latest = float(state["latest"])


def spread(missed: Floats, totals: Floats) -> float:
    """Standard deviation of rewards around a regression and a level, from what the regression misses.

    `missed` holds <r, r>, <r, 1> and <1, 1>, where <y, z> is sum (y - theta_y . x) (z - theta_z . x) + ridge
    theta_y . theta_z. The least of <r - m, r - m> over the level m is <r, r> - <r, 1>^2 / <1, 1>: rewards that are all
    higher by 10 have the same noise. To it an inverse gamma prior of the variance, as of Riquelme et al. (2018), adds
    lessons that missed by more than rewards vary so far, whatever they are worth: else a regression that fits the
    first rewards exactly would explore no further. While all rewards were the same it is their size, or 1 where that
    is 0.

    Args:
        missed: (3,).
        totals: (3,) the same of no regression: sum r r, sum r, and the number of lessons, or what is left of them.
    """
    both, crossed, ones = missed
    if not both > 0.0:
        return 1.0
    around = both - crossed * crossed / ones
    squares, whole, weight = totals
    if not around > _SAME * both:
        return math.sqrt(both / weight)
    variance = max(squares - whole * whole / weight, 0.0) / weight
    return math.sqrt((around + _BEFORE * _TIMES * variance) / (weight + _BEFORE))


def level(missed: Floats) -> float:
    """The level m of `spread`, 0 before any lesson. Ridge pulls towards it what rewards of `r - m` are regressed by."""
    return float(missed[1] / missed[2]) if missed[2] > 0.0 else 0.0


def regressions(problem: Problem, ridge: float, forgetting: float) -> Ridge:
    """Regressions that remember everything (forgetting 1) or fade (below 1)."""
    return Ridge(problem, ridge) if forgetting == 1.0 else FadingRidge(problem, ridge, forgetting)


@njit(cache=True, inline="always")
def _products(x: Any, products: Any) -> None:
    """The lower triangle of x x', row by row."""
    entry = 0
    for i in range(len(x)):
        for j in range(i + 1):
            products[entry] = x[i] * x[j]
            entry += 1


@njit(cache=True, fastmath=SUMS_MAY_BE_REORDERED)
def fill_scores(solved: Any, contexts: Any, alpha: float, level: float, scores: Any) -> None:
    """Fill (n, K) scores: means plus alpha widths, in rewards.

    Of (K, d + d (d + 1) / 2) rows that begin as those of `solved` do, with coefficients and the triangle of the squared
    width; what follows in a row is read only where the level is not 0. One action after the other through the same
    instructions, so that actions that learned the same tie exactly.
    """
    n, d = contexts.shape
    x = np.empty(d)
    products = np.empty(d * (d + 1) // 2)
    ones = d + len(products) + d * d
    for i in range(n):
        for j in range(d):  # by numbers: numba takes seconds to compile what copies a slice
            x[j] = contexts[i, j]
        _products(x, products)
        for k in range(len(solved)):
            mean = 0.0
            for j in range(d):
                mean += solved[k, j] * x[j]
            if level != 0.0:
                shown = 0.0
                for j in range(d):
                    shown += solved[k, ones + j] * x[j]
                mean -= level * shown
            square = 0.0
            for j in range(len(products)):
                square += solved[k, d + j] * products[j]
            scores[i, k] = mean + alpha * np.sqrt(max(square, 0.0))


@njit(cache=True)
def _scores_and_best(
    solved: Any,
    contexts: Any,
    alpha: float,
    level: float,
    available: Any,
    epsilon: float,
    scores: Any,
    probabilities: Any,
) -> None:
    """Both in one call: for a single visitor the call is half the work."""
    fill_scores(solved, contexts, alpha, level, scores)
    selection.fill_epsilon_greedy(scores, available, epsilon, probabilities)


@njit(cache=True, inline="always")
def _sums(d: int) -> int:
    """Where the sums begin in a row."""
    return 2 * d + d * (d + 1) // 2 + d * d


@njit(cache=True, fastmath=SUMS_MAY_BE_REORDERED)
def _learn(solved: Any, counts: Any, ridge: float, contexts: Any, chosen: Any, rewards: Any, missed: Any) -> None:
    """Sherman & Morrison (1950): with v = inverse(A) x, inverse(A + x x') = inverse(A) - v v' / (1 + x . v).

    To `missed` go the products of recursive residuals (Brown, Durbin & Evans 1975): what each lesson adds to the least.
    """
    d = contexts.shape[1]
    x, v = np.empty(d), np.empty(d)
    inside, start = d + d * (d + 1) // 2, _sums(d)
    for i in range(len(chosen)):
        k = chosen[i]
        row = solved[k]
        inverse = row[inside : inside + d * d].reshape(d, d)
        ones = row[inside + d * d : start]
        for j in range(d):  # by numbers: numba takes seconds to compile what copies a slice
            x[j] = contexts[i, j]
        for r in range(d):
            product = 0.0
            for c in range(d):
                product += inverse[r, c] * x[c]
            v[r] = product
        mean = 0.0
        level = 0.0
        square = 0.0
        for j in range(d):
            mean += row[j] * x[j]
            level += ones[j] * x[j]
            square += v[j] * x[j]
        square = max(square, 0.0)
        gain = 1.0 / (1.0 + square)
        error, one = rewards[i] - mean, 1.0 - level
        missed[0] += error * error * gain
        missed[1] += error * one * gain
        missed[2] += one * one * gain
        _add(row[start:], x, rewards[i], 1.0)
        counts[k] += 1
        if square > LARGE or counts[k] & (counts[k] - 1) == 0:
            _solve(row, d, ridge)
            continue
        for r in range(d):
            row[r] += error * gain * v[r]
            ones[r] += one * gain * v[r]
            scaled = gain * v[r]
            for c in range(d):
                inverse[r, c] -= scaled * v[c]
    for k in range(len(solved)):
        for i in range(len(chosen)):
            if chosen[i] == k:
                _fold(solved[k], d)
                break


@njit(cache=True)
def _refit(solved: Any, ridge: float, contexts: Any, chosen: Any, rewards: Any, weights: Any, missed: Any) -> None:
    """Add lessons to the sums and solve every action; from `missed`, the totals, goes what the regressions explain."""
    d = contexts.shape[1]
    for i in range(len(chosen)):
        _add(solved[chosen[i], _sums(d) :], contexts[i], rewards[i], weights[i])
    for k in range(len(solved)):
        _solve(solved[k], d, ridge)
        _fold(solved[k], d)
    missed -= _explained(solved, d)


@njit(cache=True)
def _explained(solved: Any, d: int) -> Any:
    """(3,) by how much less is missed than there is: sums of theta . sum r x, phi . sum r x and phi . sum x."""
    explained = np.zeros(3)
    start = _sums(d)
    for k in range(len(solved)):
        row = solved[k]
        ones, told = row[start - d : start], row[-2 * d :]
        for j in range(d):
            explained[0] += row[j] * told[j]
            explained[1] += ones[j] * told[j]
            explained[2] += ones[j] * told[d + j]
    return explained


@njit(cache=True)
def _add(sums: Any, x: Any, reward: float, weight: float) -> None:
    d = len(x)
    told = sums[-2 * d :]
    entry = 0
    for r in range(d):
        weighted = weight * x[r]
        for c in range(r + 1):
            sums[entry + c] += weighted * x[c]
        entry += r + 1
        told[r] += weighted * reward
        told[d + r] += weighted


@njit(cache=True)
def _solve(row: Any, d: int, ridge: float) -> None:
    """A row anew from its sums."""
    inside = d + d * (d + 1) // 2
    sums, told = row[_sums(d) :], row[-2 * d :]
    inverse = row[inside : inside + d * d].reshape(d, d)
    ones = row[inside + d * d : _sums(d)]
    entry = 0
    for r in range(d):
        for c in range(r + 1):  # all that `invert` reads
            inverse[r, c] = sums[entry + c]
        inverse[r, r] += ridge
        entry += r + 1
    invert(inverse)
    for r in range(d):
        row[r] = 0.0
        ones[r] = 0.0
        for c in range(d):
            row[r] += inverse[r, c] * told[c]
            ones[r] += inverse[r, c] * told[d + c]
    _fold(row, d)


@njit(cache=True)
def _fold(row: Any, d: int) -> None:
    """Write the triangle of a row anew from the inverse behind it."""
    inside = d + d * (d + 1) // 2
    inverse = row[inside : inside + d * d].reshape(d, d)
    entry = d
    for r in range(d):
        for c in range(r):
            row[entry + c] = 2.0 * inverse[r, c]
        entry += r
        row[entry] = inverse[r, r]
        entry += 1
