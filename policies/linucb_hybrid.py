"""Hybrid LinUCB: what one product teaches about another through the features they share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from policies import selection, settings
from policies.policy import Decisions, Feedback, Floats, PolicyError
from policies.regression.policy import RidgePolicy


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
        self._shared_inverse = np.eye(p) / ridge  # inverse(A_0)
        self._beta = np.zeros(p)
        self._inverses = np.tile(np.eye(d) / ridge, (K, 1, 1))  # inverse(A_k)
        self._couplings = np.zeros((K, d, p))  # C_k
        self._alone = np.zeros((K, d))  # inverse(A_k) b_k; theta_k = this - C_k beta
        self._sums = np.zeros(2)  # lessons, and the least of sum (r - prediction)^2 + ridge |coefficients|^2
        self._asked: tuple[Any, Any] = (None, None)  # the question, its scores

    def width(self) -> float:
        """The alpha of now, in rewards."""
        lessons, squares = self._sums
        estimated = self.noise == "estimated" and squares > 0.0
        return self.alpha * math.sqrt(squares / lessons) if estimated else self.alpha

    def scores(self, decisions: Decisions) -> Floats:
        """(n, K) upper confidence bounds; those of the last question are remembered."""
        question, remembered = self._asked
        if question is not None and question is decisions.question:
            scored: Floats = remembered
            return scored
        scores = np.empty((len(decisions.contexts), len(self._inverses)))
        outer = self.shared == "outer"
        _scores(*self._arrays(), decisions.contexts, decisions.actions, outer, self.width(), scores)
        self._asked = (decisions.question, scores)
        return scores

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) all on the highest bound; ties share."""
        return selection.greedy(self.scores(decisions), decisions.available)

    def learn(self, feedback: Feedback) -> None:
        """Update the shared regression and that of each action shown."""
        decisions = feedback.decisions
        outer = self.shared == "outer"
        told = decisions.contexts, decisions.actions, outer, feedback.chosen, feedback.rewards
        self._sums += len(feedback), _learn(*self._arrays(), *told)
        self._asked = (None, None)

    def _arrays(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        return self._shared_inverse, self._beta, self._inverses, self._couplings, self._alone

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The regressions, solved."""
        names = ("shared_inverse", "beta", "inverses", "couplings", "alone")
        return {**dict(zip(names, self._arrays(), strict=True)), "sums": self._sums}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue with these regressions."""
        self._shared_inverse, self._beta = state["shared_inverse"], state["beta"]
        self._inverses, self._couplings, self._alone = state["inverses"], state["couplings"], state["alone"]
        self._sums = state["sums"]
        self._asked = (None, None)


@njit(cache=True)
def _shared_features(x: Any, features: Any, outer: bool, z: Any) -> None:
    if not outer:
        z[:] = features
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


@njit(cache=True)
def _scores(
    shared_inverse: Any,
    beta: Any,
    inverses: Any,
    couplings: Any,
    alone: Any,
    contexts: Any,
    actions: Any,
    outer: bool,
    alpha: float,
    scores: Any,
) -> None:
    """Mean beta . u + alone . x; squared width (the paper's s) u' inverse(A_0) u + x' inverse(A_k) x."""
    x, v = np.empty(contexts.shape[1]), np.empty(contexts.shape[1])
    u, w = np.empty(len(beta)), np.empty(len(beta))
    for i in range(len(contexts)):
        x[:] = contexts[i]
        for k in range(len(inverses)):
            _shared_features(x, actions[k], outer, u)
            _residual(x, couplings[k], u)
            square = _product(shared_inverse, u, w) + _product(inverses[k], x, v)
            mean = 0.0
            for j in range(len(u)):
                mean += beta[j] * u[j]
            for j in range(len(x)):
                mean += alone[k, j] * x[j]
            scores[i, k] = mean + alpha * np.sqrt(max(square, 0.0))


@njit(cache=True)
def _learn(
    shared_inverse: Any,
    beta: Any,
    inverses: Any,
    couplings: Any,
    alone: Any,
    contexts: Any,
    actions: Any,
    outer: bool,
    chosen: Any,
    rewards: Any,
) -> float:
    """Answers what the lessons add to the least of `sum (r - prediction)^2 + ridge |coefficients|^2`."""
    squares = 0.0
    x, v = np.empty(contexts.shape[1]), np.empty(contexts.shape[1])
    u, w = np.empty(len(beta)), np.empty(len(beta))
    for i in range(len(chosen)):
        k = chosen[i]
        x[:] = contexts[i]
        _shared_features(x, actions[k], outer, u)
        _residual(x, couplings[k], u)
        gain = 1.0 / (1.0 + _product(inverses[k], x, v))
        shared_gain = gain / (1.0 + gain * _product(shared_inverse, u, w))
        error = rewards[i]
        for j in range(len(x)):
            error -= alone[k, j] * x[j]
        shared_error = error
        for j in range(len(u)):
            shared_error -= beta[j] * u[j]
        squares += shared_gain * shared_error * shared_error
        for j in range(len(u)):
            beta[j] += shared_gain * shared_error * w[j]
            for m in range(len(u)):
                shared_inverse[j, m] -= shared_gain * w[j] * w[m]
        for j in range(len(x)):
            alone[k, j] += gain * error * v[j]
            for m in range(len(u)):
                couplings[k, j, m] += gain * v[j] * u[m]
            for m in range(len(x)):
                inverses[k, j, m] -= gain * v[j] * v[m]
    return squares
