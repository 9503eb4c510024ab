"""What the neural policies share: a recipe, something trained by it as feedback comes, and how they are saved."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy.typing as npt

from policies.networks.learning import Learner, Model
from policies.networks.training import Recipe
from policies.policy import Feedback, Problem
from policies.saving import Saveable


class NeuralPolicy(Saveable):
    """A policy on what one recipe trains; `own` names its settings beside those of the recipe and the seed."""

    own: tuple[str, ...] = ()

    def __init__(self, problem: Problem, recipe: Recipe, model: Model, *, seed: int) -> None:
        self.problem = problem
        self.seed = seed
        self.recipe = recipe
        self.learner = Learner(
            problem, model, capacity=recipe.capacity, first=recipe.batch, train_every=recipe.train_every
        )

    def learn(self, feedback: Feedback) -> None:
        """Remember the rows; train when enough are new."""
        self.learner.learn(feedback)

    def settings(self) -> dict[str, Any]:
        """The keyword arguments that make this policy anew; what was pretrained is in its weights by then."""
        recipe = asdict(replace(self.recipe, pretrained=None))
        return {"seed": self.seed, **{name: getattr(self, name) for name in self.own}, **recipe}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Rows, weights and optimiser."""
        return self.learner.state()

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue exactly where the policy with this state stopped."""
        self.learner.set_state(state)
