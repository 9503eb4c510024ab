"""LinUCB: show what could be best, given how sure a linear model of each product is."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from policies import settings
from policies.policy import Decisions, Feedback, Floats, Problem
from policies.regression.linear import NOISES, regressions
from policies.saving import Saveable


class Linucb(Saveable):
    """Best upper confidence bound of a ridge regression per action (Li et al. 2010, algorithm 1, disjoint models).

    Contexts are used as they come: no intercept is added, so contexts should hold a constant 1 where rewards have a
    level of their own, and features should be of similar size, because ridge and bound treat them alike. Action
    features are not used.

    Args:
        problem: needs context features.
        alpha: width of the confidence bound, in the unit of `noise`; 0 is greedy.
        noise: "unit", alpha is in rewards, or "estimated", in standard deviations of rewards around the regressions, as
            the lessons so far show them: right whatever a reward is worth and however rare it is.
        alpha_decay: with t lessons learned the width is alpha / t ** alpha_decay; 0.5 gives alpha / sqrt(t).
        ridge: pull of the coefficients towards zero (1 in the paper).
        forgetting: weight left to a lesson after one day; 1 forgets nothing. See `linear.FadingRidge`.
        seed: not needed, nothing is random.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        alpha: float = 1.0,
        noise: str = "unit",
        alpha_decay: float = 0.0,
        ridge: float = 1.0,
        forgetting: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.problem = problem
        self.alpha = settings.at_least("alpha", alpha, 0)
        self.noise = settings.one_of("noise", noise, NOISES)
        self.alpha_decay = settings.at_least("alpha_decay", alpha_decay, 0)
        self.ridge = ridge
        self.forgetting = forgetting
        self.seed = seed
        self._regressions = regressions(problem, ridge, forgetting)

    def width(self) -> float:
        """The alpha of now in rewards, after the lessons learned so far."""
        width = self.alpha
        if self.noise == "estimated":
            width *= self._regressions.noise()
        if self.alpha_decay:
            width /= max(self._regressions.lessons, 1) ** self.alpha_decay
        return width

    def scores(self, contexts: Floats) -> Floats:
        """(n, K) upper confidence bounds."""
        return self._regressions.scores(contexts, self.width())

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) all on the highest bound; ties share."""
        return self._regressions.probabilities(decisions, self.width())

    def learn(self, feedback: Feedback) -> None:
        """Update the regression of each action shown."""
        self._regressions.learn(feedback)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The regressions."""
        return self._regressions.state()

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue with these regressions."""
        self._regressions.set_state(state)
