"""A neural network for what products and visitors are like, and a Bayesian last layer to know what is not known yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from policies import selection, settings
from policies.networks import scoring
from policies.networks.last_layer import LastLayerPosteriors
from policies.networks.learning import Model
from policies.networks.neural import NeuralPolicy
from policies.networks.recipe import Recipe
from policies.networks.replay import ReplayBuffer
from policies.networks.training import TrainedNetworks
from policies.policy import Decisions, Feedback, Floats, Integers, Problem

_NOBODY = np.zeros((1, 1, 1), np.float32)  # adds nothing: one visit to all items, for rows that are pairs already
_ROWS = 128  # at once: what lies between the layers stays in the processor's cache, and in one thread


@dataclass(kw_only=True, eq=False)
class NeuralLinear(NeuralPolicy):
    """Thompson sampling on the last layer of a network (Riquelme, Tucker & Snoek 2018, "NeuralLinear").

    The network predicts (squared error of standardised rewards). What is left of the rewards is a Bayesian linear
    regression of each action on the network's last layer: exact, conjugate, and started afresh on all that is
    remembered whenever the network was trained. In the paper the prior mean of an action's weights is 0; here it is
    the network's own output layer, so that a product without sales is judged by its features, with all uncertainty
    left. Probabilities are the fraction of posterior draws won; the draws belong to the seed and the lessons taken in.

    Args:
        problem: any.
        draws: m, from the posterior; probabilities are multiples of 1 / m.
        precision: lambda, of the weights' prior, in units of 1 / noise variance.
        noise_shape, noise_rate: a0, b0 of the inverse gamma prior of the noise variance of standardised rewards.
        update_every: new rows between two updates of the posterior.
        seed: of first weights, minibatches and draws. All other settings are those of `Recipe`.
    """

    draws: int = 100
    precision: float = 0.25
    noise_shape: float = 6.0
    noise_rate: float = 6.0
    update_every: int = 100
    widths: tuple[int, ...] = (64, 32)
    loss: str = field(default="mse", init=False)  # what the regression beyond the network goes on with

    def __post_init__(self) -> None:
        self.draws = settings.whole("draws", self.draws, 1)
        for name in ("precision", "noise_shape", "noise_rate"):
            setattr(self, name, settings.positive(name, getattr(self, name)))
        self.update_every = settings.whole("update_every", self.update_every, 1)
        super().__post_init__()

    def made(self) -> Model:
        """A network and the regressions beyond it."""
        prior = {"precision": self.precision, "shape": self.noise_shape, "rate": self.noise_rate}
        self.model = BayesianLastLayer(self.problem, self, seed=self.seed, prior=prior)
        return self.model

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) fraction of posterior draws that each action wins."""
        scores = self.learner.scores(decisions)
        if scores is None:
            return selection.uniform(decisions.available)
        draws = self.model.standard_draws(self.draws)
        return selection.normal_fraction_won(scores[0], scores[1], draws, decisions.available)

    def learn(self, feedback: Feedback) -> None:
        """Remember the rows; update the posterior, or train the network and then all of it, when enough are new."""
        self.learner.learn(feedback)
        while self.learner.trained_on and self.learner.buffer.seen - self.model.taken_in >= self.update_every:
            self.model.take_in(self.learner.buffer, self.update_every)
            self.learner.forget_answers()


class BayesianLastLayer(TrainedNetworks):
    """A network and, beyond it, what is believable about each action."""

    def __init__(self, problem: Problem, recipe: Recipe, *, seed: int, prior: dict[str, float]) -> None:
        super().__init__(problem, recipe, seed=seed)
        self.taken_in = 0  # rows seen, when the posterior last took some in
        self._prior = prior
        self._drawn: tuple[int, Floats] = (-1, np.empty((0, 0)))
        self._restart()

    def _restart(self) -> None:
        width = self._recipe.widths[-1] + 1  # and a constant
        self.posteriors = LastLayerPosteriors(self._problem.n_actions, width, **self._prior)

    def fit(self, buffer: ReplayBuffer) -> None:
        """Train the network, then regress all that is remembered on its last layer afresh."""
        super().fit(buffer)
        self._restart()
        self._add(buffer, np.arange(len(buffer)))
        self.taken_in = buffer.seen

    def take_in(self, buffer: ReplayBuffer, n: int) -> None:
        """Update the posterior with the next n rows."""
        self._add(buffer, buffer.places(self.taken_in + np.arange(n)))
        self.taken_in += n

    def _add(self, buffer: ReplayBuffer, places: Integers) -> None:
        for start in range(0, len(places), _ROWS):
            self._accumulate(buffer, places[start : start + _ROWS])
        self.posteriors.solve()

    def _accumulate(self, buffer: ReplayBuffer, places: Integers) -> None:
        chosen = buffer["chosen"][places]
        user = self.users(buffer["contexts"][places], buffer["histories"][places])
        rows, predicted = self._last_layer(_NOBODY, user + self.items(buffer["features"][places], chosen))
        left = self.standardised("targets", buffer["rewards"][places]) - predicted[0]
        self.posteriors.add(rows[0], left, chosen)

    def _last_layer(self, user: Any, item: Any) -> tuple[Floats, Floats]:
        """(n, k, h) last layer with a constant, and (n, k) the network's answers, of one network's towers."""
        hidden = scoring.last_layer(self.plain, user, item)[0]
        rows = np.ones((*hidden.shape[:2], hidden.shape[2] + 1))
        rows[:, :, :-1] = hidden
        output = self.plain.dense[-1]
        answers: Floats = rows[:, :, :-1] @ output.weight[0, 0] + output.bias[0, 0]
        return rows, answers

    def scores(self, decisions: Decisions, ids: Any) -> Any:
        """(2, n, k) location and scale of what is believable about each visit and item."""
        user = self.users(decisions.contexts, decisions.histories)
        item = self.items(decisions.actions[ids], ids)
        answers = np.empty((2, len(decisions), len(ids)))
        for start in range(0, len(decisions), scoring.VISITS):
            visits = slice(start, start + scoring.VISITS)
            rows, predicted = self._last_layer(user[:, visits], item)
            means, scales = self.posteriors.means_and_scales(rows, ids)
            answers[:, visits] = predicted + means, scales
        return answers

    def standard_draws(self, m: int) -> Floats:
        """(m, K) draws of Student's t with each action's degrees of freedom; the same until more rows are taken in."""
        if self._drawn[0] != self.taken_in:
            rng = np.random.default_rng([self._seed, self.taken_in])
            shapes = self.posteriors.shapes
            self._drawn = (self.taken_in, rng.standard_t(2.0 * shapes, (m, len(shapes))))
        return self._drawn[1]

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Network and posteriors."""
        return {**super().state(), **self.posteriors.state(), "taken_in": np.array(self.taken_in)}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from there."""
        super().set_state(state)
        self.posteriors.set_state(state)
        self.taken_in = int(state["taken_in"])
