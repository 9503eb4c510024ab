"""Ranges and choices: how they are read, what is searched by default, what becomes a call, what is refused."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from benchmarks.sweeps.ranges import Range
from benchmarks.tuning import space
from benchmarks.tuning.space import Choice
from policies.calls import parse
from policies.policy import PolicyError, Problem

PROBLEM = Problem(n_actions=4, n_context_features=3, n_action_features=2)


def test_a_range_is_whole_where_the_setting_is() -> None:
    read = space.read(["draws=10..200 log", "scale=1..2", "forgetting = 0.9 | 1"], "linear_thompson")
    assert read == {
        "draws": Range(10, 200, log=True, whole=True),
        "scale": Range(1, 2),
        "forgetting": Choice(("0.9", "1")),
    }


def test_choices_are_literals_or_bare_words() -> None:
    read = space.read(["widths=(64, 64)|[32]", "activation=relu|'tanh'", "pretrained=None"], "neural_argmax")
    assert read["widths"].points(9) == ["(64, 64)", "[32]"]
    assert read["activation"].points(2) == ["'relu'", "'tanh'"]
    assert read["pretrained"].points(2) == ["None"]


def test_a_call_keeps_what_it_says_and_gets_what_is_searched() -> None:
    searched = space.read(["alpha=0.1..3 log", "forgetting=0.9|1"], "linucb(ridge=4)")
    text = space.call("linucb(ridge=4, alpha=2)", searched, {"alpha": 0.123456, "forgetting": "1"})
    assert parse(text) == ("linucb", {"ridge": 4, "alpha": 0.1235, "forgetting": 1})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("alpha", "space must read like .* got 'alpha'"),
        ("alpha=", "space must read like .* got 'alpha='"),
        ("alpha=1..one", "space must have numbers at both ends, got 'alpha=1..one'"),
        ("alpha=f(2)", r"space must read like .* got 'alpha=f\(2\)'"),
        ("alpha=3..1", "low end below its high end, got 'alpha=3..1'"),
        ("alpha=0..nan", "low end below its high end, got 'alpha=0..nan'"),
        ("alpha=0..1 log", "with log must lie above 0, got 'alpha=0..1 log'"),
        ("beta=0..1", "name one of noise, ridge, forgetting, alpha, alpha_decay, got 'beta'"),
        ("seed=0..9", "name one of noise, ridge, forgetting, alpha, alpha_decay, got 'seed'"),
    ],
)
def test_what_cannot_be_searched_is_one_line(text: str, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        space.read([text], "linucb")


def test_a_setting_named_twice_is_refused() -> None:
    with pytest.raises(PolicyError, match="be given once, got 'alpha'"):
        space.read(["alpha=0..1", "alpha=1..2"], "linucb")


@pytest.mark.parametrize("name", sorted(set(policies.names()) - {"uniform"}))
def test_every_end_of_every_usual_range_makes_a_policy(name: str) -> None:
    usual = space.usual(name)
    for values in space.ends(usual):
        policies.load(name, PROBLEM, **parse(space.call(name, usual, values))[1])


def test_what_a_call_states_is_not_searched_by_default() -> None:
    assert "ridge" in space.usual("linucb")
    assert "ridge" not in space.usual("linucb(ridge=4)")


def test_a_policy_with_nothing_to_search_says_so() -> None:
    with pytest.raises(PolicyError, match="space must be given for uniform"):
        space.usual("uniform")


def test_somebody_elses_settings_are_searched_by_their_defaults() -> None:
    assert space.usual("test_tuning_space:Foreign") == {
        "warmth": Range(0.2, 20, log=True),
        "bold": Choice(("False", "True")),
        "kind": Choice(("'a'", "'b'")),
    }


class Foreign:
    """Somebody else's policy."""

    def __init__(
        self,
        problem: Problem,
        *,
        warmth: float = 2.0,
        bold: bool = False,
        kind: Literal["a", "b"] = "a",
        start: float = 0.0,
        seed: int = 0,
    ) -> None: ...


def test_a_grid_crosses_evenly_spread_points() -> None:
    searched = space.read(["alpha=0.01..1 log", "forgetting=0.9|1"], "linucb")
    found = space.grid(searched, 7)
    assert [(round(values["alpha"], 10), values["forgetting"]) for values in found] == [
        (alpha, forgetting) for alpha in (0.01, 0.1, 1.0) for forgetting in ("0.9", "1")
    ]


@given(st.integers(4, 200))
def test_a_grid_never_exceeds_its_trials_and_holds_the_corners(trials: int) -> None:
    searched = {"a": Range(1, 5, whole=True), "b": Range(0.1, 10, log=True)}
    found = space.grid(searched, trials)
    assert len(found) <= trials
    for corner in ({"a": 1.0, "b": 0.1}, {"a": 5.0, "b": 10.0}):
        assert corner in found


def test_a_grid_that_does_not_fit_is_refused() -> None:
    with pytest.raises(
        PolicyError, match="trials must be at least 17 for a grid over 4 settings and the default, got 8"
    ):
        space.grid(space.usual("linucb"), 7)
