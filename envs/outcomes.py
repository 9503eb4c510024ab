"""Rounds whose every reward is drawn beforehand: whoever decides, the same choice meets the same luck."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from envs.environment import Choices, Rounds
from policies.policy import Decisions, Feedback, Floats, Problem


class Outcomes:
    """An environment that reads rewards off a table; every action is always available, and time counts rounds.

    Args:
        contexts: (n, d).
        rewards: (n, K) what each action would bring.
        truth: (n, K) its expectation.
        batch: decisions asked at once; 1 teaches the policy after every round.
    """

    def __init__(self, contexts: Floats, rewards: Floats, truth: Floats, *, batch: int = 1) -> None:
        if batch < 1 or batch != int(batch):
            raise ValueError(f"batch must be a whole number of at least 1, got {batch!r}")
        K = rewards.shape[1]
        self.problem = Problem(n_actions=K, n_context_features=contexts.shape[1])
        self.contexts = contexts
        self.rewards = rewards
        self.truth = truth
        self.batch = int(batch)

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        """Ask for each batch in turn and pay at once."""
        n, K = self.rewards.shape
        table = self.rewards.ravel()
        row_starts = np.arange(n) * K
        times = np.arange(n, dtype=float)
        ids = np.arange(n, dtype=np.uint64)
        actions = np.empty((K, 0))
        everything = np.ones((self.batch, K), bool)
        for start in range(0, n, self.batch):
            rows = slice(start, start + self.batch)
            contexts = self.contexts[rows]
            available = everything if len(contexts) == self.batch else everything[: len(contexts)]
            decisions = Decisions(times[rows], contexts, actions, available, None, ids[rows])
            choices = choose(decisions)
            rewards = table.take(row_starts[rows] + choices.chosen)
            yield Rounds(Feedback(decisions, choices.chosen, choices.propensities, rewards), self.truth[rows])
