"""Show every available product equally often: the yardstick of exploration, and the best logging policy there is."""

from __future__ import annotations

from policies import selection
from policies.policy import Decisions, Feedback, Floats, Problem
from policies.saving import Saveable


class Uniform(Saveable):
    """Equal chances for all that is available; learns nothing."""

    def __init__(self, problem: Problem, *, seed: int = 0) -> None:
        self.problem = problem
        self.seed = seed

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) 1 / number available."""
        return selection.uniform(decisions.available)

    def learn(self, feedback: Feedback) -> None:
        """Nothing to learn."""
