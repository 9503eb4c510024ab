"""Does an environment keep the rules that every policy counts on? Played by one that chooses at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from envs.environment import Choices, Rounds
from policies.policy import Decisions, PolicyError, Problem

_MOST = 5_000  # decisions that are played


def check(make: Callable[[int], Any], name: str = "environment") -> list[str]:
    """The rules that hold, each in a few words.

    Args:
        make: seed -> a fresh environment.
        name: what it is called in messages.

    Raises:
        PolicyError: the first rule that is broken, and by what.
    """
    first, second = _Played(make(0), name), _Played(make(0), name)
    first.through()
    second.through()
    for one, other in zip(first.questions, second.questions, strict=False):
        if one.contexts.shape != other.contexts.shape or not np.array_equal(one.contexts, other.contexts):
            raise PolicyError(
                f"{name}: the same seed must bring the same visitors to whoever decides alike, got others"
            )
    told = ["problem, questions and rounds have the shapes they promise", "every visitor has something to be shown"]
    told += ["the same seed brings the same visitors"]
    ends = "every decision ends in exactly one round"
    return [*told, ends if first.ended else f"{ends} (of the first {_MOST:,}: not played to its end)"]


class _Played:
    """One environment, played by chance, each rule looked at as it goes."""

    def __init__(self, environment: Any, name: str) -> None:
        self._environment, self._name = environment, name
        problem = getattr(environment, "problem", None)
        if not isinstance(problem, Problem):
            raise PolicyError(f"{name} must have a problem (policies.policy.Problem), got {problem!r}")
        if not callable(getattr(environment, "play", None)):
            raise PolicyError(f"{name} must have a method play(choose)")
        self._problem: Problem = problem
        self._luck = np.random.default_rng(0)
        self._open = 0  # decisions that no round has told of yet
        self.questions: list[Decisions] = []
        self.ended = False

    def through(self) -> None:
        """Play until the end, or for so many decisions as suffice."""
        asked = 0
        for rounds in self._environment.play(self._choose):
            self._check_rounds(rounds)
            asked = sum(len(each) for each in self.questions)
            if asked > _MOST:
                return
        self.ended = True
        if not asked and not self.questions:
            raise PolicyError(f"{self._name}: play must ask something, got no question")
        if self._open:
            raise PolicyError(
                f"{self._name}: every decision must end in exactly one round, got {self._open} without one"
            )

    def _choose(self, decisions: Decisions) -> Choices:
        n, K, d = len(decisions), self._problem.n_actions, self._problem.n_context_features
        self._shaped("contexts", decisions.contexts, (n, d))
        self._shaped("times", decisions.times, (n,))
        self._shaped("available", decisions.available, (n, K))
        self._shaped("actions", decisions.actions, (K, self._problem.n_action_features))
        if self._problem.history_length:
            self._shaped("histories", decisions.histories, (n, self._problem.history_length))
        if np.asarray(decisions.available).dtype != bool:
            raise PolicyError(f"{self._name}: available must be bool, got {np.asarray(decisions.available).dtype}")
        if not decisions.available.any(axis=1).all():
            raise PolicyError(f"{self._name}: every visitor must have something to be shown, got a row without any")
        if not np.isfinite(decisions.contexts).all():
            raise PolicyError(f"{self._name}: contexts must be finite")
        if n > 1 and not (decisions.contexts == 1.0).all(axis=0).any():
            rule = "contexts must have a column that is a constant 1 (envs.environment.with_constant)"
            raise PolicyError(f"{self._name}: {rule}: no policy adds an intercept")
        self.questions.append(decisions)
        self._open += n
        chances = decisions.available / decisions.available.sum(axis=1, keepdims=True)
        chosen = np.array([self._luck.choice(K, p=row) for row in chances], np.int64)
        return Choices(chosen, chances[np.arange(n), chosen])

    def _check_rounds(self, rounds: Rounds) -> None:
        feedback = rounds.feedback
        n = len(feedback)
        self._open -= n
        if self._open < 0:
            raise PolicyError(
                f"{self._name}: every decision must end in exactly one round, got more rounds than decisions"
            )
        self._shaped("rewards", feedback.rewards, (n,))
        self._shaped("propensities", feedback.propensities, (n,))
        if not np.isfinite(feedback.rewards).all():
            raise PolicyError(f"{self._name}: rewards must be finite")
        if n and not feedback.decisions.available[np.arange(n), feedback.chosen].all():
            raise PolicyError(
                f"{self._name}: what was chosen must have been available, got a round that tells otherwise"
            )
        if rounds.truth is not None:
            self._shaped("truth", rounds.truth, (n, self._problem.n_actions))

    def _shaped(self, what: str, value: Any, shape: tuple[int, ...]) -> None:
        got = np.shape(value)
        if got != shape:
            raise PolicyError(f"{self._name}: {what} must have shape {shape}, got {got}")
