"""Show the latest launch: what shops do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from policies import selection, settings
from policies.policy import Decisions, Feedback, Floats, Problem
from policies.saving import Saveable


class Newest(Saveable):
    """The available product that was launched last; of several, the first in the catalogue.

    A product counts as launched when a decision first had it available, as far as lessons tell; one that is available
    and was in no lesson yet is newer than all others.

    Args:
        problem: any.
        epsilon: chance spread over all that is available.
        seed: not needed, nothing is random.
    """

    def __init__(self, problem: Problem, *, epsilon: float = 0.0, seed: int = 0) -> None:
        self.problem = problem
        self.epsilon = settings.between("epsilon", epsilon, 0, 1)
        self.seed = seed
        self._launched = np.full(problem.n_actions, np.inf)  # days, inf where no lesson had it available

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) epsilon spread, the rest on the latest launch."""
        return selection.epsilon_first(-self._launched, decisions.available, self.epsilon)

    def learn(self, feedback: Feedback) -> None:
        """Note when each product was first available, in whatever order lessons come."""
        decisions = feedback.decisions
        seen = np.where(decisions.available, decisions.times[:, np.newaxis], np.inf)
        self._launched = np.minimum(self._launched, seen.min(axis=0, initial=np.inf))

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Launch times."""
        return {"launched": self._launched}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue with these launch times."""
        self._launched = state["launched"]
