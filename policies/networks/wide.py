"""The wide part beside deep networks: regressions of every row there ever was, with the networks as their prior."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from policies.networks import scoring
from policies.networks.recipe import Recipe
from policies.networks.replay import ReplayBuffer
from policies.networks.training import TrainedNetworks, bootstrap_weights
from policies.policy import Decisions, Feedback, Floats, Integers, Problem
from policies.regression.linear import regressions

_VISITS = 256  # remembered ones, to whom each product is shown in thought
_ROWS = 8_192  # remembered ones, that say to whom each product really was shown
_AT_ONCE = 1_024  # of them: what lies between the layers still stays in the processor's cache
_LEAST = 1e-6  # of a feature's square: features that always go together share what they say


class WideAndDeep(TrainedNetworks):
    """Networks, and beside each a ridge regression of every action on the contexts (Cheng et al. 2016, "Wide & deep").

    A network is trained on a sample of the rows; the sums of x x' and r x of a regression forget none. Of what the
    network answers for action k, f(x, k), the part that is linear in the context, g_k . x, is the mean of the prior of
    the regression's weights: N(g_k, s^2 / ridge I). The rest, f(x, k) - g_k . x, is added to what the regression
    answers. So an action without lessons is judged by the network alone, one with many by its lessons and by what the
    network knows that is not linear. Of several networks each has regressions of its own bootstrap.

    Args:
        problem, recipe, seed, members: as of `TrainedNetworks`.
        ridge: lessons of an action that the prior is worth.
        bounded: whether `scores` tells standard deviations too; of one network alone.
    """

    def __init__(
        self, problem: Problem, recipe: Recipe, *, seed: int, ridge: float, members: int = 1, bounded: bool = False
    ) -> None:
        super().__init__(problem, recipe, seed=seed, members=members)
        K, d = problem.n_actions, max(problem.n_context_features, 1)
        linear = replace(problem, n_context_features=d)
        self.regressions = [regressions(linear, ridge, recipe.forgetting) for _ in range(members)]
        self.priors = np.zeros((members, K, d))  # g
        self._bounded = bounded
        self._seen = 0  # rows
        self._shown = np.zeros(K, bool)
        self._features = np.zeros((K, problem.n_action_features))  # as the actions looked when they were last shown
        self._visits: tuple[Any, Any] = (np.zeros((0, problem.n_context_features)), np.zeros((0, 0), np.int32))

    def observe(self, feedback: Feedback) -> bool:
        """Take in rows; answers change."""
        chosen, actions = feedback.chosen, feedback.decisions.actions
        self._features[chosen] = actions[chosen]
        new = np.unique(chosen[~self._shown[chosen]])
        self._shown[new] = True
        if self.plain is not None:
            for k in new:
                self._imagine(np.array([k]), 0.0, 0.0)
        self._regress(
            replace(feedback, decisions=replace(feedback.decisions, contexts=_regressors(feedback.decisions.contexts)))
        )
        self._seen += len(feedback)
        return True

    def _regress(self, feedback: Feedback) -> None:
        if self._members == 1:
            self.regressions[0].learn(feedback)
            return
        rows = np.arange(len(feedback))
        times = bootstrap_weights(self._seed, self._seen + rows, self._members).astype(int)
        for member, regression in enumerate(self.regressions):
            regression.learn(feedback.take(np.repeat(rows, times[:, member])))

    def fit(self, buffer: ReplayBuffer) -> None:
        """Train the networks, and find anew what in their answers is linear."""
        super().fit(buffer)
        weights = buffer.weights(self._recipe.forgetting)
        places = np.searchsorted(np.cumsum(weights), (np.arange(_VISITS) + 0.5) / _VISITS * weights.sum())
        self._visits = (buffer["contexts"][places], buffer["histories"][places])
        squares, moments = self._as_shown(buffer, weights)
        self._imagine(np.flatnonzero(self._shown), squares, moments)

    def _as_shown(self, buffer: ReplayBuffer, weights: Floats) -> tuple[Floats, Floats]:
        """(k, d, d) sums of x x' and (m, k, d) of f x over remembered rows, of the actions ever shown."""
        members, K, d = self.priors.shape
        some = slice(None, None, -(-len(buffer) // _ROWS))
        x, chosen = _regressors(buffer["contexts"][some]), buffer["chosen"][some]
        answers = self._pairs(buffer["contexts"][some], buffer["histories"][some], buffer["features"][some], chosen)
        squares, moments = np.zeros((K, d, d)), np.zeros((members, K, d))
        for k in np.unique(chosen):
            rows = chosen == k
            weighted = x[rows] * weights[some][rows, None]
            squares[k] = weighted.T @ x[rows]
            moments[:, k] = answers[:, rows] @ weighted
        return squares[self._shown], moments[:, self._shown]

    def _imagine(self, ids: Integers, squares: Any, moments: Any) -> None:
        """Fit what is linear to these sums and, for one visit's worth, to the remembered visits, whoever was shown."""
        x = _regressors(self._visits[0])
        items = self.items(self._features[ids], ids)
        answers = self.rewards(scoring.scores(self.plain, self.users(*self._visits), items))
        squares = squares + x.T @ x / len(x)
        diagonal = np.einsum("...dd->...d", squares)
        squares = squares + (_LEAST * diagonal + 1e-12)[..., None] * np.eye(x.shape[1])
        moments = moments + np.einsum("mvk,vd->mkd", answers, x) / len(x)
        self.priors[:, ids] = np.linalg.solve(squares[None], moments[..., None])[..., 0]

    def _pairs(self, contexts: Floats, histories: Integers, features: Floats, chosen: Integers) -> Floats:
        """(m, n) the networks' answers to n rows, each of one item."""
        output, answers = self.plain.dense[-1], np.empty((self._members, len(chosen)))
        for start in range(0, len(chosen), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            user = self.users(contexts[some], histories[some])
            hidden = scoring.last_layer(self.plain, user, self.items(features[some], chosen[some]))
            answers[:, some] = (hidden @ output.weight.swapaxes(1, 2))[..., 0] + output.bias
        return self.rewards(answers)

    def rewards(self, answers: Any) -> Floats:
        """What the networks' answers, of any shape, are in rewards."""
        centre, scale = self._scales["targets"]
        told = np.asarray(answers, float)
        rewards: Floats = centre + scale * (expit(told) if self._step.loss == "bce" else told)
        return rewards

    def scores(self, decisions: Decisions, ids: Any) -> Any:
        """(m, n, k) expected rewards of the visits and these items; standard deviations below them if bounded."""
        answers, x = self.rewards(super().scores(decisions, ids)), _regressors(decisions.contexts)
        for member, regression in enumerate(self.regressions):
            beyond = regression.coefficients(self.priors[member])[ids] - self.priors[member, ids]
            answers[member] += (x[:, None] @ beyond.T)[:, 0]  # each visit on its own: alike alone and with others
        if not self._bounded:
            return answers
        deviations = self.regressions[0].noise() * self.regressions[0].widths(x)[:, ids]
        return np.concatenate([answers, deviations[None]])

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Of the networks, and of the regressions."""
        own = {"priors": self.priors, "seen_by_all": np.array(self._seen), "shown": self._shown}
        own |= {"looks": self._features, "visits": self._visits[0], "visits_before": self._visits[1]}
        for member, regression in enumerate(self.regressions):
            own |= {f"regression_{member}_{name}": array for name, array in regression.state().items()}
        return super().state() | own

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from there."""
        super().set_state(state)
        self.priors, self._seen, self._shown = state["priors"], int(state["seen_by_all"]), state["shown"]
        self._features, self._visits = state["looks"], (state["visits"], state["visits_before"])
        for member, regression in enumerate(self.regressions):
            prefix = f"regression_{member}_"
            regression.set_state({name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)})


def _regressors(contexts: Floats) -> Floats:
    """What the regressions see: the contexts, or a constant where there are none."""
    return contexts if contexts.shape[1] else np.ones((len(contexts), 1))
