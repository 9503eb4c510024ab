"""A neural network for what products and visitors are like, and a Bayesian last layer to know what is not known yet."""

from __future__ import annotations

from collections.abc import Sequence
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
from policies.policy import Decisions, Feedback, Floats, Problem

_SHARE = 500  # the part of all rows that is worth another update
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
        noise_shape, noise_rate: a0, b0 of the inverse gamma prior of the noise variance of standardised rewards: ten
            times what was seen, because the first rows may have missed what is rare and rich (1 and 1 in the paper).
        update_every: new rows between two updates of the posterior; in a long season a 500th of all rows.
        seed: of first weights, minibatches and draws. All other settings are those of `Recipe`.
    """

    draws: int = 100
    precision: float = 0.01
    noise_shape: float = 6.0
    noise_rate: float = 60.0
    update_every: int = 100
    widths: tuple[int, ...] = (32, 16)
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
        self.model = BayesianLastLayer(self.problem, self, seed=self.seed, prior=prior, every=self.update_every)
        return self.model

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) fraction of posterior draws that each action wins."""
        scores = self.learner.scores(decisions)
        if scores is None:
            return selection.uniform(decisions.available)
        draws = self.model.standard_draws(self.draws)
        return selection.normal_fraction_won(scores[0], scores[1], draws, decisions.available)


class BayesianLastLayer(TrainedNetworks):
    """A network and, beyond it, what is believable about each action."""

    def __init__(self, problem: Problem, recipe: Recipe, *, seed: int, prior: dict[str, float], every: int) -> None:
        super().__init__(problem, recipe, seed=seed)
        self.taken_in = 0  # rows seen, when the posterior last took some in
        self._prior = prior
        self._every = every
        self._waiting: list[tuple[Any, ...]] = []  # rows not taken in yet
        self._drawn: tuple[int, Floats] = (-1, np.empty((0, 0)))
        self._restart()

    def _restart(self) -> None:
        width = self._recipe.widths[-1] + self._recipe.embedding + 1  # and a constant
        self.posteriors = LastLayerPosteriors(self._problem.n_actions, width, **self._prior)

    def fit(self, buffer: ReplayBuffer) -> None:
        """Train the network, then regress all that is remembered on its last layer afresh."""
        super().fit(buffer)
        self._restart()
        self._waiting = []
        columns = [buffer[name] for name in ("contexts", "features", "histories", "chosen", "rewards")]
        self._take_in(columns, buffer.weights(self._recipe.forgetting))
        self.taken_in = buffer.seen

    def observe(self, feedback: Feedback) -> bool:
        """Update the posterior whenever enough rows are new, the same ones however they are grouped."""
        self._waiting += _single(feedback, self._problem.history_length)
        changed = False
        while len(self._waiting) >= (every := max(self._every, self.taken_in // _SHARE)):
            columns = [np.array(column) for column in zip(*self._waiting[:every], strict=True)]
            del self._waiting[:every]
            self._take_in(columns, np.ones(every))
            self.taken_in += every
            changed = True
        return changed

    def _take_in(self, columns: Sequence[Any], weights: Floats) -> None:
        contexts, features, histories, chosen, rewards = columns
        for start in range(0, len(chosen), _ROWS):
            some = slice(start, start + _ROWS)
            user = self.users(contexts[some], histories[some])
            rows, predicted = self._last_layer(user, self.items(features[some], chosen[some]))
            left = self.standardised("targets", rewards[some]) - predicted
            self.posteriors.add(rows, left, chosen[some], weights[some])
        self.posteriors.solve()

    def _last_layer(self, user: Any, item: Any) -> tuple[Floats, Floats]:
        """(..., h) last layer with a constant, and (...) the network's answers, of one network's towers."""
        hidden = scoring.last_layer(self.plain, user, item)[0]
        rows = np.ones((*hidden.shape[:-1], hidden.shape[-1] + 1))
        rows[..., :-1] = hidden
        output = self.plain.dense[-1]
        answers: Floats = rows[..., :-1] @ output.weight[0, 0] + output.bias[0, 0]
        return rows, answers

    def scores(self, decisions: Decisions, ids: Any) -> Any:
        """(2, n, k) location and scale of what is believable about each visit and item."""
        user = self.users(decisions.contexts, decisions.histories)
        item = self.items(decisions.actions[ids], ids)
        answers = np.empty((2, len(decisions), len(ids)))
        for start in range(0, len(decisions), scoring.VISITS):
            visits = slice(start, start + scoring.VISITS)
            rows, predicted = self._last_layer(user[:, visits, None], item[:, None])
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
        waiting = [np.array(column) for column in zip(*self._waiting, strict=True)]
        kept = {f"waiting_{number}": column for number, column in enumerate(waiting)}
        return {**super().state(), **self.posteriors.state(), "taken_in": np.array(self.taken_in), **kept}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from there."""
        super().set_state(state)
        self.posteriors.set_state(state)
        self.taken_in = int(state["taken_in"])
        if "waiting_0" in state:
            self._waiting = list(zip(*(state[f"waiting_{number}"] for number in range(5)), strict=True))


def _single(feedback: Feedback, length: int) -> list[tuple[Any, ...]]:
    """Rows one by one: context, features of the chosen item, history, item and reward."""
    decisions, chosen = feedback.decisions, feedback.chosen
    histories = np.empty((len(feedback), length), np.int64) if decisions.histories is None else decisions.histories
    columns = decisions.contexts, decisions.actions[chosen], histories, chosen, feedback.rewards
    return list(zip(*columns, strict=True))
