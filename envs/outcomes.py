"""Rounds whose every reward is drawn beforehand: whoever decides, the same choice meets the same luck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from envs.environment import Choices, Rounds, with_constant
from policies.policy import Decisions, Feedback, Floats, Integers, Problem


class Outcomes:
    """An environment that reads rewards off a table; every action is always available, and time counts rounds.

    Args:
        contexts: (n, d); a constant is put before them where they have none.
        rewards: (n, K) what each action would bring.
        truth: (n, K) its expectation.
        batch: decisions asked at once; 1 teaches the policy after every round.
    """

    def __init__(self, contexts: Floats, rewards: Floats, truth: Floats, *, batch: int = 1) -> None:
        if batch < 1 or batch != int(batch):
            raise ValueError(f"batch must be a whole number of at least 1, got {batch!r}")
        K = rewards.shape[1]
        contexts = with_constant(contexts)
        self.problem = Problem(n_actions=K, n_context_features=contexts.shape[1])
        self.contexts = contexts
        self.rewards = rewards
        self.truth = truth
        self.batch = int(batch)

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        """Ask for each batch in turn and pay at once."""
        n, K = self.rewards.shape
        actions = np.empty((K, 0))
        everything = np.ones((self.batch, K), bool)
        times, ids = np.arange(n, dtype=float), np.arange(n, dtype=np.uint64)
        columns = (times, ids, self.contexts, self.rewards, self.truth)
        for when, who, contexts, outcomes, truth in zip(
            *(_batches(column, self.batch) for column in columns), strict=True
        ):
            available = everything if len(when) == self.batch else everything[: len(when)]
            decisions = Decisions(when, contexts, actions, available, None, who)
            choices = choose(decisions)
            rewards = _read_off(outcomes, choices.chosen)
            yield Rounds(Feedback(decisions, choices.chosen, choices.propensities, rewards), truth)


def _batches(column: npt.NDArray[Any], size: int) -> Iterator[npt.NDArray[Any]]:
    """Views of size rows each, the last of what is left; an iterator over a reshaped array is faster than slicing."""
    whole = len(column) // size * size
    rest = [column[whole:]] if whole < len(column) else []
    return chain(column[:whole].reshape(-1, size, *column.shape[1:]), rest)


def _read_off(outcomes: Floats, chosen: Integers) -> Floats:
    """(n,) what the chosen actions bring."""
    if len(chosen) == 1:
        return outcomes[:, chosen[0]]  # a view costs a third of a call into compiled code
    rewards = np.empty(len(chosen))
    _gather(outcomes, chosen, rewards)
    return rewards


@njit(cache=True)
def _gather(outcomes: Any, chosen: Any, rewards: Any) -> None:
    for i in range(len(chosen)):
        rewards[i] = outcomes[i, chosen[i]]
