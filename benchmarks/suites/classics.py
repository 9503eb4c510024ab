"""Short policies as their papers have them, for problems whose numbers these papers print."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from policies.policy import Decisions, Feedback, Floats, Integers, Problem


class _Counts(ABC):
    """Successes and failures of each action, and the choice of the highest score."""

    def __init__(self, problem: Problem, *, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._won, self._lost = np.zeros((2, problem.n_actions))

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) 1 for the available action with the highest score."""
        answer = np.zeros(decisions.available.shape)
        size = int(decisions.available[0].sum())
        menus = np.nonzero(decisions.available)[1].reshape(-1, size)  # as many on offer in every row
        best = self._scores(menus, decisions.times).argmax(axis=1)
        rows = np.arange(len(menus))
        answer[rows, menus[rows, best]] = 1.0
        return answer

    @abstractmethod
    def _scores(self, menus: Integers, times: Floats) -> Floats:
        """(n, m) of the m actions on offer in each row."""

    def learn(self, feedback: Feedback) -> None:
        """Count."""
        np.add.at(self._won, feedback.chosen, feedback.rewards)
        np.add.at(self._lost, feedback.chosen, 1.0 - feedback.rewards)


class BetaThompson(_Counts):
    """Thompson sampling of Bernoulli rewards from a Beta(1, 1) prior: Chapelle & Li (2011), algorithm 2."""

    def _scores(self, menus: Integers, times: Floats) -> Floats:
        return self._random.beta(1.0 + self._won[menus], 1.0 + self._lost[menus])


class ChernoffUCB(_Counts):
    """k/m + sqrt(2 k/m log(1/delta) / m) + 2 log(1/delta) / m, delta = 1/sqrt(t): Chapelle & Li (2011), equation 1."""

    def _scores(self, menus: Integers, times: Floats) -> Floats:
        won, tried = self._won[menus], self._won[menus] + self._lost[menus]
        m, sure = np.maximum(tried, 1.0), 0.5 * np.log(np.maximum(times, 1.0))[:, None]
        bound = won / m + np.sqrt(2 * won * sure) / m + 2 * sure / m
        return np.where(tried > 0, bound, np.inf)


class DiscountedUCB:
    """D-UCB of Garivier & Moulines (2011), section 2: counts and rewards fade by gamma a round.

    Args:
        problem: K actions.
        seed: of nothing; it draws nothing.
        gamma: what is left of a lesson after a round; of T rounds the paper takes 1 - 1 / (4 sqrt(T)).
        xi: width of the bound.
        bound: B, the greatest reward.
    """

    def __init__(
        self, problem: Problem, *, seed: int = 0, gamma: float = 0.9975, xi: float = 0.6, bound: float = 1.0
    ) -> None:
        self._gamma, self._xi, self._bound = gamma, xi, bound
        self._counts, self._sums = np.zeros((2, problem.n_actions))

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) 1 for the highest bound."""
        counts = np.maximum(self._counts, 1e-12)
        width = 2 * self._bound * np.sqrt(self._xi * np.log(max(self._counts.sum(), 1.0)) / counts)
        scores = np.where(self._counts > 1e-9, self._sums / counts + width, np.inf)
        answer = np.zeros(decisions.available.shape)
        answer[:, np.where(decisions.available[0], scores, -np.inf).argmax()] = 1.0
        return answer

    def learn(self, feedback: Feedback) -> None:
        """One lesson after another."""
        for action, reward in zip(feedback.chosen.tolist(), feedback.rewards.tolist(), strict=True):
            self._counts *= self._gamma
            self._sums *= self._gamma
            self._counts[action] += 1
            self._sums[action] += reward


class EpochUCB:
    """The MNL bandit's own policy (Agrawal, Avadhanula, Goyal & Zeevi 2019, algorithm 1), all products worth 1.

    An assortment is offered until somebody buys nothing of it; how often a product was bought in such an epoch is an
    unbiased look at its v. Bounds on v add sqrt(48 v log(sqrt(N) l + 1) / T) and 48 log(sqrt(N) l + 1) / T. A slate is
    asked for slot by slot and taught whole; what is worth 1 is best offered by the greatest bounds.

    Args:
        problem: N products.
        seed: of the order among equal bounds.
        width: the paper's 48.
        slots: K, products in an assortment.
    """

    def __init__(self, problem: Problem, *, seed: int = 0, width: float = 48.0, slots: int = 4) -> None:
        N = problem.n_actions
        self._width, self._slots = width, slots
        self._random = np.random.default_rng(seed)
        self._epoch = 0
        self._sold, self._epochs, self._open = np.zeros((3, N))
        self._offer: Any = None
        self._next_epoch()

    def bounds(self) -> Floats:
        """(N,) upper bounds of v; infinite where never offered."""
        sure = self._width * np.log(np.sqrt(len(self._sold)) * self._epoch + 1)
        epochs = np.maximum(self._epochs, 1)
        v = self._sold / epochs
        return np.where(self._epochs > 0, v + np.sqrt(v * sure / epochs) + sure / epochs, np.inf)

    def _next_epoch(self) -> None:
        ties = self._random.random(len(self._sold))
        self._offer = np.lexsort((ties, -self.bounds()))[: self._slots]

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, N) 1 for the first product of the assortment that is not yet shown."""
        answer = np.zeros(decisions.available.shape)
        answer[np.arange(len(decisions)), self._offer[decisions.available[:, self._offer].argmax(axis=1)]] = 1.0
        return answer

    def learn(self, feedback: Feedback) -> None:
        """Whole visits of one assortment, in order: count what sells, and close the epoch after one without a sale."""
        for start in range(0, len(feedback), self._slots):
            chosen, rewards = (part[start : start + self._slots] for part in (feedback.chosen, feedback.rewards))
            self._open[chosen] += rewards
            if not rewards.any():
                self._sold[self._offer] += self._open[self._offer]
                self._epochs[self._offer] += 1
                self._open[:] = 0
                self._epoch += 1
                self._next_epoch()
