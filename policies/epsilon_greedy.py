"""Mostly show what looks best, sometimes anything: the simplest policy that explores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from policies import selection, settings
from policies.policy import Decisions, Feedback, Floats, Problem
from policies.regression.linear import Ridge
from policies.saving import Saveable


class EpsilonGreedy(Saveable):
    """Epsilon-greedy on an estimated mean per action, or on a ridge regression per action (Sutton & Barto 2018, 2.2).

    Args:
        problem: any; `model="ridge"` needs context features.
        epsilon: chance spread over all that is available.
        model: "mean", the average reward of each action (0 where never shown), or "ridge", linear in the contexts, to
            which no intercept is added.
        ridge: pull of the regression's coefficients towards zero; not used by "mean".
        seed: not needed, nothing is random.
    """

    def __init__(
        self, problem: Problem, *, epsilon: float = 0.1, model: str = "mean", ridge: float = 1.0, seed: int = 0
    ) -> None:
        self.problem = problem
        self.epsilon = settings.between("epsilon", epsilon, 0, 1)
        self.model = settings.one_of("model", model, ["mean", "ridge"])
        self.ridge = settings.positive("ridge", ridge)
        self.seed = seed
        self._estimate = _Means(problem) if model == "mean" else Ridge(problem, ridge)

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) epsilon spread over the available, the rest on the best estimate; ties share."""
        return self._estimate.probabilities(decisions, 0.0, epsilon=self.epsilon)

    def learn(self, feedback: Feedback) -> None:
        """Update the estimate of each action shown."""
        self._estimate.learn(feedback)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The estimates."""
        return self._estimate.state()

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue with these estimates."""
        self._estimate.set_state(state)


class _Means:
    """The average reward of each action: a `Ridge` without contexts or ridge."""

    def __init__(self, problem: Problem) -> None:
        self._showings = np.zeros(problem.n_actions)
        self._rewards = np.zeros(problem.n_actions)

    def probabilities(self, decisions: Decisions, alpha: float, epsilon: float) -> Floats:
        """(n, K) the same for every context; nothing is uncertain enough for an alpha."""
        means = self._rewards / np.maximum(self._showings, 1.0)
        return selection.epsilon_greedy(means[np.newaxis], decisions.available, epsilon)

    def learn(self, feedback: Feedback) -> None:
        np.add.at(self._showings, feedback.chosen, 1.0)
        np.add.at(self._rewards, feedback.chosen, feedback.rewards)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        return {"showings": self._showings, "rewards": self._rewards}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        self._showings, self._rewards = state["showings"], state["rewards"]
