"""Somebody's own policy or environment is held to every rule, and the one that is broken is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shop import Shop

import envs
import policies
from envs.environment import Choices, Rounds
from envs.simulated import Simulated
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem


class Even:
    """Equal chances."""

    def __init__(self, problem: Problem, *, seed: int = 0) -> None:
        self.asked = 0

    def probabilities(self, decisions: Decisions) -> Floats:
        return np.asarray(decisions.available / decisions.available.sum(axis=1, keepdims=True))

    def learn(self, feedback: Feedback) -> None: ...


class Blind(Even):
    def probabilities(self, decisions: Decisions) -> Floats:
        return np.full(decisions.available.shape, 1 / decisions.available.shape[1])


class Restless(Even):
    def probabilities(self, decisions: Decisions) -> Floats:
        self.asked += 1
        return _first(decisions) if self.asked % 2 else super().probabilities(decisions)


class Unseeded(Even):
    _made = 0

    def __init__(self, problem: Problem, *, seed: int = 0) -> None:
        Unseeded._made += 1
        self.odd = Unseeded._made % 2

    def probabilities(self, decisions: Decisions) -> Floats:
        return _first(decisions) if self.odd else super().probabilities(decisions)


class Herded(Even):
    def probabilities(self, decisions: Decisions) -> Floats:
        return super().probabilities(decisions) if len(decisions) > 1 else _first(decisions)


class Scribbling(Even):
    def learn(self, feedback: Feedback) -> None:
        feedback.rewards[:] = 9


class Silent(Even):
    def probabilities(self, decisions: Decisions) -> Floats:
        return None  # type: ignore[return-value]


class Mute:
    def __init__(self, problem: Problem, *, seed: int = 0) -> None: ...


def _first(decisions: Decisions) -> Floats:
    return np.eye(decisions.available.shape[1])[decisions.available.argmax(axis=1)]


@pytest.mark.parametrize("name", ["uniform", "linucb(alpha=0.5)", "popularity", "epsilon_greedy"])
def test_our_policies_keep_every_rule(name: str) -> None:
    assert len(policies.check(name)) == 6


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (Blind, "0 where unavailable"),
        (Restless, "the same question twice"),
        (Unseeded, "draw from its seed alone"),
        (Herded, "alone as it does among others"),
        (Scribbling, "leave the lesson as it is, got changed rewards"),
        (Silent, r"numbers of shape \(\d+, \d+\), got None"),
        (Mute, "must have a method probabilities"),
    ],
)
def test_a_broken_rule_is_named(broken: type, told: str) -> None:
    assert policies.check(Even)
    with pytest.raises(PolicyError, match=told):
        policies.check(broken)


def test_our_environments_keep_every_rule() -> None:
    assert envs.check(partial(Simulated, "spring_launch"))
    assert "in exactly one round" in envs.check(Shop)[-1]


class Losing(Shop):
    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        for day, rounds in enumerate(super().play(choose)):
            if day != 3:
                yield rounds


class Forgetful(Shop):
    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        rng = np.random.default_rng()

        def asked(decisions: Decisions) -> Choices:
            noise = np.column_stack([np.ones(len(decisions)), rng.normal(size=len(decisions))])
            return choose(Decisions(decisions.times, noise, decisions.actions, decisions.available))

        yield from super().play(asked)


class Empty(Shop):
    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        yield from ()


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (Losing, "got 60 without one"),
        (type("Wide", (Shop,), {"problem": Problem(4, 1)}), r"available must have shape \(60, 4\), got \(60, 3\)"),
        (type("Other", (Forgetful,), {"problem": Problem(3, 2)}), "the same seed must bring the same visitors"),
        (Empty, "must ask something"),
        (type("None_", (Shop,), {"problem": None}), "must have a problem"),
    ],
)
def test_a_rule_that_an_environment_breaks_is_named(broken: Any, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        envs.check(broken)


def test_a_policy_in_a_file_is_found_by_its_path_with_what_lies_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "my work"
    folder.mkdir()
    (folder / "beside_mine.py").write_text("CHANCE = 1.0\n")
    (folder / "mine.py").write_text(
        "from beside_mine import CHANCE\n"
        "class Mine:\n"
        "    def __init__(self, problem, *, seed=0, x=1): self.x = x * CHANCE\n"
        "    def probabilities(self, decisions): ...\n"
        "    def learn(self, feedback): ...\n"
    )
    made: Any = policies.load(f"{folder}/mine.py:Mine(x=3)", Problem(2, 1))
    assert made.x == 3
    with pytest.raises(PolicyError, match="holds no 'Mien', did you mean 'Mine'"):
        policies.load(f"{folder}/mine.py:Mien", Problem(2, 1))
    with pytest.raises(PolicyError, match="there is no file"):
        policies.load(f"{folder}/yours.py:Mine", Problem(2, 1))
