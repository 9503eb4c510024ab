"""Hybrid LinUCB: what one product teaches about another through the features they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from policies import selection, settings
from policies.policy import Decisions, Feedback, Floats, PolicyError
from policies.regression.linear import SUMS_MAY_BE_REORDERED, fill_scores, level, spread
from policies.regression.policy import RidgePolicy
from policies.regression.solving import LARGE, invert


@dataclass(kw_only=True, eq=False)
class LinucbHybrid(RidgePolicy):
    """Best upper confidence bound of one ridge regression with a shared part (Li et al. 2010, algorithm 2).

    The reward of action k is `beta . z + theta_k . x`: x is the context, z the action's features (as in the article's
    launches: a new product is known by its category and price before it has sold), or their outer product with the
    context. Algorithm 2 is ridge regression on the stacked features [z; 0 .. x .. 0], kept here with rank-one updates:
    with `v = inverse(A_k) x`, `g = 1 / (1 + x . v)` and the residual feature `u = z - C_k' x`, where `C_k =
    inverse(A_k) B_k`, a lesson adds `g u u'` to A_0 (lines 17 to 23 of the paper together) and `g v u'` to C_k.

    Contexts and action features are used as they come: no intercept is added, and features should be of similar size.

    Args:
        problem: needs context features and action features.
        alpha: width of the confidence bound, in the unit of `noise`; 0 is greedy.
        shared: "actions", z is the action's features, or "outer", its products with each context feature.
        seed: not needed, nothing is random. All other settings are those of `RidgePolicy`.
    """

    alpha: float = 1.0
    shared: str = "actions"

    def __post_init__(self) -> None:
        problem, ridge = self.problem, self.ridge
        for name in ("n_context_features", "n_action_features"):
            if getattr(problem, name) < 1:
                raise PolicyError(f"{name} must be positive for linucb_hybrid, got {getattr(problem, name)}")
        super().__post_init__()
        self.alpha = settings.at_least("alpha", self.alpha, 0)
        self.shared = settings.one_of("shared", self.shared, ["actions", "outer"])
        K, d = problem.n_actions, problem.n_context_features
        p = problem.n_action_features * (d if self.shared == "outer" else 1)
        self._learned: dict[str, Floats] = {  # where the last axis is 2, once for the rewards and once for rewards of 1
            "shared": ridge * np.eye(p),  # A_0
            "shared_inverse": np.eye(p) / ridge,
            "shared_sums": np.zeros((p, 2)),  # A_0 beta
            "beta": np.zeros((p, 2)),
            "own": np.tile(ridge * np.eye(d), (K, 1, 1)),  # A_k
            "inverses": np.tile(np.eye(d) / ridge, (K, 1, 1)),
            "couplings": np.zeros((K, d, p)),  # C_k
            "sums": np.zeros((K, d, 2)),  # b_k
            "alone": np.zeros((K, d, 2)),  # inverse(A_k) b_k; theta_k = this - C_k beta
            "missed": np.zeros(3),  # see `spread`
            "lessons": np.zeros(1),
        }
        self._forget()

    def _forget(self) -> None:
        """What was worked out before is of other lessons."""
        self._asked: tuple[Any, Any] = (None, None)  # the question, its scores
        self._solved: tuple[Any, Any] = (None, None)  # features of actions, their rows

    def width(self) -> float:
        """The alpha of now, in rewards."""
        if self.noise == "unit":
            return self.alpha
        return self.alpha * spread(self._learned["missed"], self._totals())

    def _totals(self) -> Floats:
        """(3,) what there was to miss: see `spread`."""
        alone, sums, beta, shared = (self._learned[name] for name in ("alone", "sums", "beta", "shared_sums"))
        explained = np.einsum("kdi,kdj->ij", alone, sums) + beta.T @ shared
        totals: Floats = self._learned["missed"] + explained[[0, 1, 1], [0, 0, 1]]
        return totals

    def scores(self, decisions: Decisions) -> Floats:
        """(n, K) upper confidence bounds, with estimated noise above the level of all; those of the last question are
        remembered."""
        question, remembered = self._asked
        if question is not None and question is decisions.question:
            scored: Floats = remembered
            return scored
        contexts = decisions.contexts
        if self.shared == "actions":
            contexts = np.hstack([contexts, np.ones((len(contexts), 1))])
        scores = np.empty((len(contexts), self.problem.n_actions))
        fill_scores(self._rows_of(decisions.actions), contexts, self.width(), 0.0, scores)
        self._asked = (decisions.question, scores)
        return scores

    def _rows_of(self, actions: Floats) -> Floats:
        """What `fill_scores` takes, worked out again after lessons and for other features of actions."""
        features, rows = self._solved
        if features is None or not np.array_equal(features, actions):
            seen_from = 0.0 if self.noise == "unit" else level(self._learned["missed"])
            known = (self._learned[name] for name in ("shared_inverse", "beta", "inverses", "couplings", "alone"))
            rows = _rows(*known, actions, self.shared == "outer", seen_from)
            self._solved = (actions.copy(), rows)
        solved: Floats = rows
        return solved

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) all on the highest bound; ties share."""
        return selection.greedy(self.scores(decisions), decisions.available)

    def learn(self, feedback: Feedback) -> None:
        """Update the shared regression and that of each action shown."""
        decisions = feedback.decisions
        outer = self.shared == "outer"
        told = decisions.contexts, decisions.actions, outer, feedback.chosen, feedback.rewards
        _learn(*self._learned.values(), *told)
        self._forget()

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The regressions: their sums, and solved."""
        return dict(self._learned)

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue with these regressions."""
        self._learned = {name: state[name] for name in self._learned}
        self._forget()


@njit(cache=True)
def _shared_features(x: Any, features: Any, outer: bool, z: Any) -> None:
    if not outer:
        for j in range(len(features)):  # by numbers: numba takes seconds to compile what copies a slice
            z[j] = features[j]
        return
    for i in range(len(x)):
        for j in range(len(features)):
            z[i * len(features) + j] = x[i] * features[j]


@njit(cache=True)
def _residual(x: Any, coupling: Any, z: Any) -> None:
    """z becomes u = z - C' x."""
    for i in range(len(x)):
        for j in range(len(z)):
            z[j] -= coupling[i, j] * x[i]


@njit(cache=True)
def _product(matrix: Any, vector: Any, product: Any) -> float:
    """product = matrix vector for a symmetric matrix; answers vector . product."""
    product[:] = 0.0
    for i in range(len(vector)):
        for j in range(len(vector)):
            product[j] += matrix[i, j] * vector[i]
    total = 0.0
    for i in range(len(vector)):
        total += product[i] * vector[i]
    return total


@njit(cache=True, fastmath=SUMS_MAY_BE_REORDERED)
def _rows(
    shared_inverse: Any,
    beta: Any,
    inverses: Any,
    couplings: Any,
    alone: Any,
    actions: Any,
    outer: bool,
    level: float,
) -> Any:
    """What `fill_scores` takes of each action, of the contexts or, where z does not go with the context, of these and
    an intercept.

    With u = M x, the mean beta . u + alone . x of rewards less the level is linear in x, and the squared width (the
    paper's s) u' inverse(A_0) u + x' inverse(A_k) x is a quadratic form: worked out once for all who ask.
    """
    K, d, p = couplings.shape
    e = d if outer else d + 1
    rows = np.empty((K, e + e * (e + 1) // 2))
    for k in range(K):  # one after the other, so that actions that learned the same tie exactly
        moved = np.zeros((e, p))  # M'
        for i in range(d):
            for j in range(p):
                moved[i, j] = -couplings[k, i, j]
        for j in range(actions.shape[1]):
            if outer:
                for i in range(d):
                    moved[i, i * actions.shape[1] + j] += actions[k, j]
            else:
                moved[d, j] = actions[k, j]
        known = np.dot(moved, shared_inverse)
        entry = e
        for i in range(e):
            mean = 0.0
            for m in range(p):
                mean += moved[i, m] * (beta[m, 0] - level * beta[m, 1])
            if i < d:
                mean += alone[k, i, 0] - level * alone[k, i, 1]
            rows[k, i] = mean
            for j in range(i + 1):
                square = 0.0
                for m in range(p):
                    square += known[i, m] * moved[j, m]
                if i < d:
                    square += inverses[k, i, j]
                rows[k, entry] = square if i == j else 2.0 * square
                entry += 1
    return rows


@njit(cache=True)
def _learn(
    shared: Any,
    shared_inverse: Any,
    shared_sums: Any,
    beta: Any,
    own: Any,
    inverses: Any,
    couplings: Any,
    sums: Any,
    alone: Any,
    missed: Any,
    lessons: Any,
    contexts: Any,
    actions: Any,
    outer: bool,
    chosen: Any,
    rewards: Any,
) -> None:
    """To `missed` goes what each lesson adds to the least, of rewards and of ones."""
    d, p = contexts.shape[1], len(beta)
    x, v = np.empty(d), np.empty(d)
    u, w = np.empty(p), np.empty(p)
    error, left = np.empty(2), np.empty(2)  # beyond the action's own part, and beyond both
    for i in range(len(chosen)):
        k = chosen[i]
        for j in range(d):
            x[j] = contexts[i, j]
        _shared_features(x, actions[k], outer, u)
        _residual(x, couplings[k], u)
        square = max(_product(inverses[k], x, v), 0.0)
        gain = 1.0 / (1.0 + square)
        shared_square = max(gain * _product(shared_inverse, u, w), 0.0)
        shared_gain = gain / (1.0 + shared_square)
        error[0], error[1] = rewards[i], 1.0
        for j in range(d):
            for t in range(2):
                error[t] -= alone[k, j, t] * x[j]
        left[0], left[1] = error[0], error[1]
        for j in range(p):
            for t in range(2):
                left[t] -= beta[j, t] * u[j]
        missed[0] += shared_gain * left[0] * left[0]
        missed[1] += shared_gain * left[0] * left[1]
        missed[2] += shared_gain * left[1] * left[1]
        lessons[0] += 1.0
        _update(shared, shared_inverse, shared_sums, beta, u, w, gain, shared_gain, shared_square, error, left)
        for j in range(d):
            for m in range(p):
                couplings[k, j, m] += gain * v[j] * u[m]
        told = rewards[i], 1.0
        _update(own[k], inverses[k], sums[k], alone[k], x, v, 1.0, gain, square, told, error)


@njit(cache=True)
def _update(
    matrix: Any,
    inverse: Any,
    sums: Any,
    solved: Any,
    x: Any,
    v: Any,
    weight: float,
    gain: float,
    square: float,
    told: Any,
    left: Any,
) -> None:
    """One regression after one more lesson: by a rank-one update, or afresh where that would lose digits."""
    n = len(x)
    for i in range(n):
        weighted = weight * x[i]
        for j in range(n):
            matrix[i, j] += weighted * x[j]
        for t in range(2):
            sums[i, t] += weighted * told[t]
    if square > LARGE:
        for i in range(n):
            for j in range(n):
                inverse[i, j] = matrix[i, j]
        invert(inverse)
        for i in range(n):
            for t in range(2):
                solved[i, t] = 0.0
                for j in range(n):
                    solved[i, t] += inverse[i, j] * sums[j, t]
        return
    for i in range(n):
        scaled = gain * v[i]
        for j in range(n):
            inverse[i, j] -= scaled * v[j]
        for t in range(2):
            solved[i, t] += scaled * left[t]
