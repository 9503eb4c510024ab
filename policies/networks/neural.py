"""What the neural policies share: a recipe, something trained by it as feedback comes, and how they are saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from policies.networks.learning import Learner, Model
from policies.networks.recipe import Recipe
from policies.policy import Feedback, Problem
from policies.saving import Saveable


@dataclass(kw_only=True, eq=False)
class NeuralPolicy(Recipe, Saveable, ABC):
    """A policy on what a recipe trains; its fields are its settings."""

    problem: Problem = field(kw_only=False)
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.learner = Learner(
            self.problem, self.made(), capacity=self.capacity, first=self.batch, train_every=self.train_every
        )

    @abstractmethod
    def made(self) -> Model:
        """What is trained."""

    def learn(self, feedback: Feedback) -> None:
        """Remember the rows; train when enough are new."""
        self.learner.learn(feedback)

    def settings(self) -> dict[str, Any]:
        """The keyword arguments that make this policy anew; what was pretrained is in its weights by then."""
        return {**super().settings(), "pretrained": None}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Rows, weights and optimiser."""
        return self.learner.state()

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue exactly where the policy with this state stopped."""
        self.learner.set_state(state)
