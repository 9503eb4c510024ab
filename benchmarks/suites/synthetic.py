"""The synthetic logs of Open Bandit Pipeline (Saito et al. 2021), number for number, without the package.

Contexts are standard normal; the chance of a reward is logistic in the context, the action and their product, with
coefficients uniform on [-1, 1]; the log chooses by a softmax of `beta` times these chances.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy import special

from policies.policy import Decisions, Feedback, Floats


class Logged(NamedTuple):
    """A log and the truth behind it."""

    feedback: Feedback
    truth: Floats  # (n, K) chances of a reward


@dataclass
class Synthetic:
    """`obp.dataset.SyntheticBanditDataset`, 0.5.2 to 0.5.5, with `logistic_reward_function` and binary rewards.

    Its habit is kept that every log of a seed draws its actions with the same luck. The tables that are printed are of
    these versions; 0.5.6 and later take mean / standard deviation off the logits instead of standardising them.

    Args:
        n_actions: K.
        dim_context: d, without a constant.
        beta: of the softmax that logs; the package's default of 1 is not uniform, 0 is.
        random_state: of coefficients, contexts, actions and rewards.
    """

    n_actions: int
    dim_context: int
    beta: float = 1.0
    random_state: int = 12345
    _random: np.random.RandomState = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = np.random.RandomState(self.random_state)

    def log(self, n: int) -> Logged:
        """The next log of n rounds."""
        contexts = self._random.normal(size=(n, self.dim_context))
        truth = self._chances(contexts)
        chances = special.softmax(self.beta * truth, axis=1)
        luck = np.random.RandomState(self.random_state).uniform(size=n)
        chosen = (chances.cumsum(axis=1) > luck[:, None]).argmax(axis=1)
        rewards = self._random.binomial(1, truth[np.arange(n), chosen]).astype(float)
        available = np.ones(chances.shape, bool)
        decisions = Decisions(np.arange(n, dtype=float), contexts, np.empty((self.n_actions, 0)), available)
        return Logged(Feedback(decisions, chosen, chances[np.arange(n), chosen], rewards), truth)

    def _chances(self, contexts: Floats) -> Floats:
        """(n, K) logistic in x'b + a'c + x'Ma, x and a with a constant before them, a one-hot."""
        x, a = (np.column_stack([np.ones(len(part)), part]) for part in (contexts, np.eye(self.n_actions)))
        random = np.random.RandomState(self.random_state)
        shapes = (x.shape[1],), (a.shape[1],), (x.shape[1], a.shape[1])
        of_context, of_action, of_both = (random.uniform(-1, 1, size=shape) for shape in shapes)
        logits = (x @ of_context)[:, None] + a @ of_action + x @ of_both @ a.T
        chances: Floats = special.expit((logits - logits.mean()) / logits.std())
        return chances
