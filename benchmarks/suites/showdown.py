"""Policies as papers wrote them, where ours are short of one: played beside ours, to meet published totals."""

from __future__ import annotations

import numpy as np

from policies.policy import Decisions, Feedback, Floats, Problem


class FullPosterior:
    """Linear Thompson sampling that draws the noise too, "LinFullPost" of Riquelme, Tucker & Snoek (2018), section 3.

    Each action has a Bayesian linear regression of its own, with a normal inverse gamma prior: noise variance ~
    IG(a0, b0), weights ~ N(0, variance / precision I). A decision draws both once and takes the best action, so its
    probability is not known: rows answer 1 for it. Every action is shown `pulls` times first, in turn.

    Args:
        problem: needs contexts with a constant.
        seed: of the draws.
        shape: a0.
        rate: b0.
        precision: of the prior of the weights, "lambda".
        pulls: of each action before anything is drawn.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        shape: float = 6.0,
        rate: float = 6.0,
        precision: float = 0.25,
        pulls: int = 2,
    ) -> None:
        K, d = problem.n_actions, problem.n_context_features
        self._random = np.random.default_rng(seed)
        self._forced = np.repeat(np.arange(K)[None], pulls, axis=0).ravel()
        self._asked = 0
        self._rate = rate
        self._inverse = np.tile(np.eye(d) / precision, (K, 1, 1))  # of each action's precision matrix
        self._root = np.tile(np.eye(d) / np.sqrt(precision), (K, 1, 1))  # a Cholesky factor of it
        self._moments = np.zeros((K, d))  # sum of x r
        self._squares = np.zeros(K)  # sum of r r
        self._means = np.zeros((K, d))
        self._shapes = np.full(K, shape)
        self._rates = np.full(K, rate)

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) 1 for the action drawn."""
        answer = np.zeros(decisions.available.shape)
        for i, x in enumerate(decisions.contexts):
            answer[i, self._choose(x)] = 1.0
        return answer

    def _choose(self, x: Floats) -> int:
        self._asked += 1
        if self._asked <= len(self._forced):
            return int(self._forced[self._asked - 1])
        noise = np.sqrt(self._rates / self._random.standard_gamma(self._shapes))
        drawn = self._random.standard_normal(self._means.shape)
        return int(np.argmax(self._means @ x + noise * np.einsum("kij,kj,i->k", self._root, drawn, x)))

    def learn(self, feedback: Feedback) -> None:
        """Sherman and Morrison's update of the inverse, then its factor."""
        for x, k, reward in zip(feedback.decisions.contexts, feedback.chosen, feedback.rewards, strict=True):
            turned = self._inverse[k] @ x
            self._inverse[k] -= np.outer(turned, turned) / (1.0 + x @ turned)
            self._root[k] = np.linalg.cholesky(self._inverse[k])
            self._moments[k] += reward * x
            self._squares[k] += reward * reward
            self._means[k] = self._inverse[k] @ self._moments[k]
            self._shapes[k] += 0.5
            spread = 0.5 * (self._squares[k] - self._means[k] @ self._moments[k])
            self._rates[k] = self._rate + max(spread, 0.0)
