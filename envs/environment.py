"""What every environment offers: a problem, and rounds that come when their rewards are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from policies.policy import Decisions, Feedback, Floats, Integers, Problem


@dataclass(slots=True, eq=False)
class Choices:
    """The answers to n decisions."""

    chosen: Integers  # (n,) actions
    propensities: Floats  # (n,) probability with which each was chosen


@dataclass(slots=True, eq=False)
class Rounds:
    """n finished rounds: what the policy may learn from, and beside it what only reports may see."""

    feedback: Feedback
    truth: Floats | None = None  # (n, K) expected reward of each action, 0 for none; known to simulations only


def with_constant(contexts: Floats) -> Floats:
    """(n, 1 + d) contexts behind a column of ones, or as they are where one of them is 1 throughout.

    No policy adds an intercept: every environment's contexts carry it, as those of a simulated season do.
    """
    if len(contexts) > 1 and (contexts == 1.0).all(axis=0).any():
        return contexts
    return np.column_stack([np.ones(len(contexts)), contexts])


class Environment(Protocol):
    """What asks. A fresh run is a fresh object. Of its contexts one column is a constant 1."""

    problem: Problem

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        """Ask `choose` for every decision; yield each in exactly one round, as soon as its reward is known."""
