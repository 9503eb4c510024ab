"""Show the best seller: the product that sold most per showing so far."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from policies import selection, settings
from policies.policy import Decisions, Feedback, Floats, Problem
from policies.saving import Saveable

_ALMOST_NONE = 1e-300  # showings, so that none make a rate of 0


class Popularity(Saveable):
    """Highest reward per showing, old showings counting less and less; a little exploration.

    A product never shown counts as 0, so that only epsilon lets a new launch become known: this is how best-seller
    lists work. Contexts are not used.

    Args:
        problem: any.
        half_life: days after which a showing and its reward count half, by the time of the showing; None counts all
            alike.
        epsilon: chance spread over all that is available, so that the log can judge other policies.
        seed: not needed, nothing is random.
    """

    def __init__(
        self, problem: Problem, *, half_life: float | None = None, epsilon: float = 0.05, seed: int = 0
    ) -> None:
        self.problem = problem
        self.half_life = None if half_life is None else settings.positive("half_life", half_life)
        self.epsilon = settings.between("epsilon", epsilon, 0, 1)
        self.seed = seed
        self._showings = np.zeros(problem.n_actions)
        self._rewards = np.zeros(problem.n_actions)
        self._latest = 0.0  # days, time of the newest showing learned from

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) epsilon spread, the rest on the best seller; ties share."""
        rates = self._rewards / np.maximum(self._showings, _ALMOST_NONE)
        return selection.epsilon_greedy(rates[np.newaxis], decisions.available, self.epsilon)

    def learn(self, feedback: Feedback) -> None:
        """Count showings and rewards."""
        weights = self._weights(feedback.decisions.times)
        np.add.at(self._showings, feedback.chosen, weights)
        np.add.at(self._rewards, feedback.chosen, weights * feedback.rewards)

    def _weights(self, times: Floats) -> Floats:
        """(n,) what each showing counts against the newest one known, to which all older ones are aged."""
        if self.half_life is None or not len(times):
            return np.ones(len(times))
        latest = max(self._latest, float(times.max()))
        aged = 0.5 ** ((latest - self._latest) / self.half_life)
        self._showings *= aged
        self._rewards *= aged
        self._latest = latest
        weights: Floats = 0.5 ** ((latest - times) / self.half_life)
        return weights

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Aged counts, and the time to which they are aged."""
        return {"showings": self._showings, "rewards": self._rewards, "latest": np.array(self._latest)}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue with these counts."""
        self._showings, self._rewards = state["showings"], state["rewards"]
        self._latest = float(state["latest"])
