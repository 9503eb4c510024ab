"""Predict each product's sales with a neural network and show the best: the article's answer, with a small epsilon."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy.typing as npt

from policies import selection
from policies.learning import Learner
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem
from policies.saving import Saveable
from policies.training import Recipe, TrainedNetworks


class NeuralArgmax(Saveable):
    """Greedy on predicted rewards, with epsilon spread over all that is available; uniform before the first training.

    The default epsilon is not 0: a purely greedy policy logs propensities of 1, from which nothing else can be judged.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        epsilon: float = 0.05,
        widths: tuple[int, ...] = (64, 64),
        activation: str = "relu",
        embedding: int = 8,
        memory: int = 16,
        loss: str = "bce",
        optimiser: str = "adam",
        learning_rate: float = 0.001,
        shrinkage: float = 0.01,
        batch: int = 64,
        epochs: int = 1,
        min_steps: int = 200,
        train_every: int = 1_000,
        capacity: int = 50_000,
        validation: float = 0.0,
        patience: int = 2,
        pretrained: str | None = None,
    ) -> None:
        if not 0.0 <= epsilon <= 1.0:
            raise PolicyError(f"epsilon must be in [0, 1], got {epsilon}")
        self.problem = problem
        self.seed = seed
        self.epsilon = epsilon
        self.recipe = Recipe(
            widths=widths,
            activation=activation,
            embedding=embedding,
            memory=memory,
            loss=loss,
            optimiser=optimiser,
            learning_rate=learning_rate,
            shrinkage=shrinkage,
            batch=batch,
            epochs=epochs,
            min_steps=min_steps,
            train_every=train_every,
            capacity=capacity,
            validation=validation,
            patience=patience,
            pretrained=pretrained,
        )
        self._networks = TrainedNetworks(problem, self.recipe, seed=seed)
        self._learner = Learner(problem, self._networks, capacity=capacity, first=batch, train_every=train_every)

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) epsilon-greedy on the predicted rewards."""
        scores = self._learner.scores(decisions)
        if scores is None:
            return selection.uniform(decisions.available)
        return selection.epsilon_greedy(scores[0], decisions.available, self.epsilon)

    def learn(self, feedback: Feedback) -> None:
        """Remember the rows; train when enough are new."""
        self._learner.learn(feedback)

    def settings(self) -> dict[str, Any]:
        """The keyword arguments that make this policy anew; what was pretrained is in its weights by then."""
        return {"seed": self.seed, "epsilon": self.epsilon, **asdict(replace(self.recipe, pretrained=None))}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Rows, weights and optimiser."""
        return {**self._learner.state(), **self._networks.state()}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue exactly where the policy with this state stopped."""
        self._learner.set_state(state)
        self._networks.set_state(state)
