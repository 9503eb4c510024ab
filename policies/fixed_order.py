"""Show products in an order that somebody fixed beforehand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from policies import selection, settings
from policies.policy import Decisions, Feedback, Floats, Problem
from policies.saving import Saveable


class FixedOrder(Saveable):
    """The first available product of a list; learns nothing.

    Args:
        problem: any.
        order: actions by number or by name, as in ["Mens E-Mail", "No E-Mail"], first choice first; those left out
            follow by number. None is the order of the catalogue.
        epsilon: chance spread over all that is available.
        seed: not needed, nothing is random.
    """

    def __init__(
        self, problem: Problem, *, order: Sequence[int | str] | None = None, epsilon: float = 0.0, seed: int = 0
    ) -> None:
        self.problem = problem
        self.order = None if order is None else selection.numbered("order", order, problem)
        self.epsilon = settings.between("epsilon", epsilon, 0, 1)
        self.seed = seed
        listed = self.order or []
        everyone = listed + [action for action in range(problem.n_actions) if action not in listed]
        self._ranks = np.argsort(everyone)

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) epsilon spread, the rest on the first available of the order."""
        return selection.epsilon_first(self._ranks, decisions.available, self.epsilon)

    def learn(self, feedback: Feedback) -> None:
        """Nothing to learn."""
