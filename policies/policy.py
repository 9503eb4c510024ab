"""The words: what a policy is asked, what it answers, what it is told.

Everything is a batch: n decisions between which nothing happens that the policy could learn from. One visitor is n = 1.
K is the number of actions (products), d of context features, a of action features, L the length of a history.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Integers: TypeAlias = npt.NDArray[np.integer[Any]]
Booleans: TypeAlias = npt.NDArray[np.bool_]


class PolicyError(ValueError):
    """A policy, a setting or an answer that cannot be used; the message is one line for the person who typed it."""


@dataclass(frozen=True, slots=True)
class ContextFeature:
    """What a column of contexts is called, and how it reads in its own unit: mean + scale * x."""

    name: str
    mean: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Problem:
    """What a policy knows before its first decision."""

    n_actions: int  # K
    n_context_features: int  # d
    n_action_features: int = 0  # a
    history_length: int = 0  # L
    # K and d of these, or none where they are not known; what a problem is called does not change it
    action_names: tuple[str, ...] = field(default=(), compare=False)
    context: tuple[ContextFeature, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Problem:
        """Back from `asdict`, by way of JSON."""
        context = tuple(ContextFeature(**feature) for feature in plain.get("context", ()))
        return cls(**{**plain, "action_names": tuple(plain.get("action_names", ())), "context": context})


@dataclass(slots=True, eq=False)
class Decisions:
    """The questions: n visits, each to be answered with one available action. Treat as read-only."""

    times: Floats  # (n,) days since the start
    contexts: Floats  # (n, d); of every environment and log one column is a constant 1: no policy adds an intercept
    actions: Floats  # (K, a) what each product looks like now; (K, 0) where there are no action features
    available: Booleans  # (n, K)
    histories: Integers | None = None  # (n, L) actions last seen by the user, oldest first, -1 where there is none
    ids: npt.NDArray[np.uint64] | None = None  # (n,) the same id meets the same luck, whoever decides
    question: object = None  # the same object, not None: all is as it was, but for what is available (a slate's slots)

    def __len__(self) -> int:
        return len(self.contexts)

    def take(self, rows: Any) -> Decisions:
        """The decisions of these rows (indices, mask or slice)."""
        return Decisions(
            self.times[rows],
            self.contexts[rows],
            self.actions,
            self.available[rows],
            None if self.histories is None else self.histories[rows],
            None if self.ids is None else self.ids[rows],
        )


@dataclass(slots=True, eq=False)
class Feedback:
    """The lesson, and the log rows: what was decided, with which chance, and what came of it."""

    decisions: Decisions
    chosen: Integers  # (n,) action taken
    propensities: Floats  # (n,) probability with which it was taken
    rewards: Floats  # (n,)

    def __len__(self) -> int:
        return len(self.chosen)

    def take(self, rows: Any) -> Feedback:
        """The feedback of these rows (indices, mask or slice)."""
        return Feedback(self.decisions.take(rows), self.chosen[rows], self.propensities[rows], self.rewards[rows])


class Policy(Protocol):
    """What decides."""

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) chance of each action: rows sum to 1, 0 where unavailable. Changes nothing."""

    def learn(self, feedback: Feedback) -> None:
        """Take in rounds whose rewards have become known, in any order and any grouping."""
