"""LinUCB: show what could be best, given how sure a linear model of each product is."""

from __future__ import annotations

from dataclasses import dataclass

from policies import settings
from policies.policy import Decisions, Floats
from policies.regression.policy import DisjointPolicy


@dataclass(kw_only=True, eq=False)
class Linucb(DisjointPolicy):
    """Best upper confidence bound of a ridge regression per action (Li et al. 2010, algorithm 1, disjoint models).

    Contexts are used as they come: no intercept is added, so contexts should hold a constant 1 where rewards have a
    level of their own, and features should be of similar size, because ridge and bound treat them alike. Action
    features are not used.

    Args:
        problem: needs context features.
        alpha: width of the confidence bound, in the unit of `noise`; 0 is greedy.
        alpha_decay: with t lessons learned the width is alpha / t ** alpha_decay; 0.5 gives alpha / sqrt(t).
        seed: not needed, nothing is random. All other settings are those of `DisjointPolicy`.
    """

    alpha: float = 1.0
    alpha_decay: float = 0.0

    def __post_init__(self) -> None:
        self.alpha = settings.at_least("alpha", self.alpha, 0)
        self.alpha_decay = settings.at_least("alpha_decay", self.alpha_decay, 0)
        super().__post_init__()

    def width(self) -> float:
        """The alpha of now in rewards, after the lessons learned so far."""
        width = self.alpha * self.unit()[0]
        if self.alpha_decay:
            width /= max(self._regressions.lessons, 1) ** self.alpha_decay
        return width

    def scores(self, contexts: Floats) -> Floats:
        """(n, K) upper confidence bounds, with estimated noise above the level of all."""
        return self._regressions.scores(contexts, self.width(), self.unit()[1])

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) all on the highest bound; ties share."""
        return self._regressions.probabilities(decisions, self.width(), level=self.unit()[1])
