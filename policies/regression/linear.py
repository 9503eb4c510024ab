"""Ridge regressions, one an action, kept solved lesson by lesson: what the linear policies share.

Action k has the precision matrix `A = ridge I + sum x x'` and the coefficients `theta = inverse(A) sum r x` over the
lessons (x, r) in which it was shown. One row of `solved` holds theta (d); then, to ask, the lower triangle of
inverse(A) row by row with its off-diagonal entries doubled (d (d + 1) / 2), so that the squared width x' inverse(A) x
is a dot product with the lower triangle of x x'; then, to learn, inverse(A) itself (d d). It is one array, because
each array passed to a kernel costs as much as a small product. Every (context, action) is summed in the same order
whatever the batch, so one at a time and a batch agree to the last bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from policies import selection, settings
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem

NOISES = ["unit", "estimated"]  # 1, or what the lessons so far say
_NOTHING: tuple[Any, float, Any] = (None, 0.0, None)  # the question, with which alpha, its answer
_SUMS_MAY_BE_REORDERED = {"reassoc", "contract"}  # lets the compiler use vector units for dot products


class Ridge:
    """One ridge regression an action, each lesson a Sherman-Morrison update.

    Args:
        problem: gives K and d.
        ridge: positive; the weight of the pull towards zero.
    """

    def __init__(self, problem: Problem, ridge: float) -> None:
        if problem.n_context_features < 1:
            raise PolicyError(f"n_context_features must be positive, got {problem.n_context_features}")
        self.ridge = settings.positive("ridge", ridge)
        K, d = problem.n_actions, problem.n_context_features
        self.solved = np.zeros((K, d + d * (d + 1) // 2 + d * d))
        self._set(np.zeros((K, d)), np.tile(np.eye(d) / ridge, (K, 1, 1)))
        self.lessons = 0
        self.squares = 0.0  # sum of (r - theta . x)^2 and, over the actions, of ridge |theta|^2
        self._asked = _NOTHING

    def _set(self, thetas: Floats, inverses: Floats) -> None:
        """Write (K, d) coefficients and (K, d, d) inverses into `solved`."""
        K, d = thetas.shape
        rows, columns = np.tril_indices(d)
        triangles = inverses[:, rows, columns] * np.where(rows == columns, 1.0, 2.0)
        self.solved[:] = np.concatenate([thetas, triangles, inverses.reshape(K, d * d)], axis=1)

    def scores(self, contexts: Floats, alpha: float) -> Floats:
        """(n, K) `theta . x + alpha sqrt(x' inverse(A) x)`."""
        scores = np.empty((len(contexts), len(self.solved)))
        _scores(self.solved, contexts, alpha, scores)
        return scores

    def probabilities(self, decisions: Decisions, alpha: float, epsilon: float = 0.0) -> Floats:
        """(n, K) epsilon spread over all available actions, the rest on the best score.

        A slate asks the same question several times between lessons: the answer to the last one is remembered.
        """
        available, question = decisions.available, decisions.question
        asked, with_alpha, scores = self._asked
        if question is not None and asked is question and with_alpha == alpha:
            return selection.epsilon_greedy(scores, available, epsilon)
        scores = np.empty(available.shape)
        probabilities = np.empty(available.shape)
        _scores_and_best(self.solved, decisions.contexts, alpha, available, epsilon, scores, probabilities)
        self._asked = (question, alpha, scores)
        return probabilities

    def predictions(self, decisions: Decisions) -> tuple[Floats, Floats]:
        """(n, K) means `theta . x` and (n, K) widths `sqrt(x' inverse(A) x)`; the last question's are remembered."""
        asked, _, answer = self._asked
        if decisions.question is None or asked is not decisions.question:
            means = self.scores(decisions.contexts, 0.0)
            answer = means, self.scores(decisions.contexts, 1.0) - means
            self._asked = (decisions.question, np.nan, answer)
        predicted: tuple[Floats, Floats] = answer
        return predicted

    def noise(self) -> float:
        """Standard deviation of rewards around the regressions, pooled over actions; 1 while all rewards were 0."""
        return math.sqrt(self.squares / self._weight()) if self.squares > 0.0 else 1.0

    def _weight(self) -> float:
        return self.lessons

    def learn(self, feedback: Feedback) -> None:
        """Take in lessons; their order does not matter beyond rounding."""
        self.squares += _learn(self.solved, feedback.decisions.contexts, feedback.chosen, feedback.rewards)
        self.lessons += len(feedback.chosen)
        self._asked = _NOTHING

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All that was learned."""
        return {"solved": self.solved, "lessons": np.array(self.lessons), "squares": np.array(self.squares)}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue where the regressions of this state stopped."""
        self.solved = state["solved"]
        self.lessons = int(state["lessons"])
        self.squares = float(state["squares"])
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
        d = problem.n_context_features
        self.moments = np.zeros((problem.n_actions, d, d + 1))  # sum w x x', and in the last column sum w r x
        self.sums = np.zeros(2)  # sum w, sum w r^2
        self.latest = -np.inf  # days

    def learn(self, feedback: Feedback) -> None:
        """Take in lessons; their order does not matter beyond rounding."""
        if not len(feedback):
            return
        times = feedback.decisions.times
        latest = max(self.latest, float(times.max()))
        left = self.forgetting ** (latest - self.latest) if np.isfinite(self.latest) else 0.0
        self.latest = latest
        weights = self.forgetting ** (latest - times)
        self.moments *= left
        self.sums *= left
        self.sums += weights.sum(), weights @ feedback.rewards**2
        _add_moments(self.moments, feedback.decisions.contexts, feedback.chosen, feedback.rewards, weights)
        self._solve()
        self.lessons += len(feedback.chosen)
        self._asked = _NOTHING

    def _solve(self) -> None:
        d = self.moments.shape[1]
        inverses = np.linalg.inv(self.moments[:, :, :d] + self.ridge * np.eye(d))
        thetas = np.einsum("kij,kj->ki", inverses, self.moments[:, :, d])
        self._set(thetas, inverses)
        self.squares = float(self.sums[1] - np.sum(thetas * self.moments[:, :, d]))

    def _weight(self) -> float:
        return float(self.sums[0])

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All that was learned."""
        return {**super().state(), "moments": self.moments, "sums": self.sums, "latest": np.array(self.latest)}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue where the regressions of this state stopped."""
        super().set_state(state)
        self.moments, self.sums = state["moments"], state["sums"]
        self.latest = float(state["latest"])


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


@njit(cache=True, fastmath=_SUMS_MAY_BE_REORDERED)
def _scores(solved: Any, contexts: Any, alpha: float, scores: Any) -> None:
    """One action after the other through the same instructions, so that actions that learned the same tie exactly."""
    n, d = contexts.shape
    x = np.empty(d)
    products = np.empty(d * (d + 1) // 2)
    for i in range(n):
        x[:] = contexts[i]
        _products(x, products)
        for k in range(len(solved)):
            mean = 0.0
            for j in range(d):
                mean += solved[k, j] * x[j]
            square = 0.0
            for j in range(len(products)):
                square += solved[k, d + j] * products[j]
            scores[i, k] = mean + alpha * np.sqrt(max(square, 0.0))


@njit(cache=True)
def _scores_and_best(
    solved: Any, contexts: Any, alpha: float, available: Any, epsilon: float, scores: Any, probabilities: Any
) -> None:
    """Both in one call: for a single visitor the call is half the work."""
    _scores(solved, contexts, alpha, scores)
    selection.fill_epsilon_greedy(scores, available, epsilon, probabilities)


@njit(cache=True, fastmath=_SUMS_MAY_BE_REORDERED)
def _learn(solved: Any, contexts: Any, chosen: Any, rewards: Any) -> float:
    """Sherman & Morrison (1950): with v = inverse(A) x, inverse(A + x x') = inverse(A) - v v' / (1 + x . v).

    Answers what the lessons add to the least of `sum (r - theta . x)^2 + ridge |theta|^2`: the sum of squared recursive
    residuals (Brown, Durbin & Evans 1975).
    """
    d = contexts.shape[1]
    squares = 0.0
    x, v = np.empty(d), np.empty(d)
    for i in range(len(chosen)):
        row = solved[chosen[i]]
        inverse = row[d + d * (d + 1) // 2 :].reshape(d, d)
        x[:] = contexts[i]
        for r in range(d):
            product = 0.0
            for c in range(d):
                product += inverse[r, c] * x[c]
            v[r] = product
        mean = 0.0
        square = 0.0
        for j in range(d):
            mean += row[j] * x[j]
            square += v[j] * x[j]
        gain = 1.0 / (1.0 + square)
        step = (rewards[i] - mean) * gain
        squares += (rewards[i] - mean) * step
        for r in range(d):
            row[r] += step * v[r]
            scaled = gain * v[r]
            for c in range(d):
                inverse[r, c] -= scaled * v[c]
    for k in range(len(solved)):
        for i in range(len(chosen)):
            if chosen[i] == k:
                _fold(solved[k], d)
                break
    return squares


@njit(cache=True)
def _fold(row: Any, d: int) -> None:
    """Write the triangle of a row anew from the inverse behind it."""
    inverse = row[d + d * (d + 1) // 2 :].reshape(d, d)
    entry = d
    for r in range(d):
        for c in range(r):
            row[entry + c] = 2.0 * inverse[r, c]
        entry += r
        row[entry] = inverse[r, r]
        entry += 1


@njit(cache=True)
def _add_moments(moments: Any, contexts: Any, chosen: Any, rewards: Any, weights: Any) -> None:
    d = contexts.shape[1]
    for i in range(len(chosen)):
        k = chosen[i]
        for r in range(d):
            weighted = weights[i] * contexts[i, r]
            for c in range(d):
                moments[k, r, c] += weighted * contexts[i, c]
            moments[k, r, d] += weighted * rewards[i]
