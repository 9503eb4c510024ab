"""What every policy of the folder must do; a new file in it is enough to be tested here."""

from __future__ import annotations

import ast
from dataclasses import replace
from inspect import signature
from pathlib import Path

import numpy as np
import pytest

import policies
from benchmarks.runner import Draw
from policies.policy import Decisions, Feedback, Floats, Policy, PolicyError, Problem

PROBLEM = Problem(n_actions=4, n_context_features=3, n_action_features=2, history_length=5)
EACH = pytest.mark.parametrize("name", policies.names())


def questions(seed: int, n: int) -> Decisions:
    """Decisions with everything a policy may use; at least one action is available."""
    rng = np.random.default_rng(seed)
    available = rng.random((n, 4)) < 0.7
    available[np.arange(n), rng.integers(4, size=n)] = True
    return Decisions(
        times=np.sort(rng.random(n)) + seed,
        contexts=np.column_stack([np.ones(n), rng.normal(size=(n, 2))]),
        actions=np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.5], [0.2, 0.9]]),
        available=available,
        histories=rng.integers(-1, 4, size=(n, 5)),
        ids=np.arange(n, dtype=np.uint64) + np.uint64(1000 * seed),
    )


def lessons(seed: int, n: int = 400) -> Feedback:
    """Lessons by a uniform policy; action 2 sells most, and more to those with a high second feature."""
    rng = np.random.default_rng(seed + 500)
    decisions = questions(seed, n)
    chosen = np.array([rng.choice(np.flatnonzero(row)) for row in decisions.available])
    chance = np.array([0.1, 0.2, 0.6, 0.05])[chosen] + 0.3 * (decisions.contexts[:, 1] > 1)
    return Feedback(decisions, chosen, 1 / decisions.available.sum(axis=1), (rng.random(n) < chance).astype(float))


def taught(name: str) -> Policy:
    policy = policies.load(name, PROBLEM, seed=5)
    for seed in range(3):
        policy.learn(lessons(seed))
    return policy


@pytest.fixture(scope="module")
def known() -> dict[str, Policy]:
    """Policies taught once, for the tests that only ask."""
    return {name: taught(name) for name in policies.names()}


def assert_distributions(probabilities: Floats, decisions: Decisions) -> None:
    assert probabilities.shape == decisions.available.shape
    assert np.all(probabilities >= 0)
    assert np.all(probabilities[~decisions.available] == 0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@EACH
def test_answers_are_distributions_over_what_is_available(name: str, known: dict[str, Policy]) -> None:
    asked = questions(7, 300)
    assert_distributions(policies.load(name, PROBLEM, seed=5).probabilities(asked), asked)
    assert_distributions(known[name].probabilities(asked), asked)


@EACH
def test_asking_twice_gets_the_same_answer(name: str, known: dict[str, Policy]) -> None:
    asked = questions(8, 50)
    first = known[name].probabilities(asked).copy()
    known[name].probabilities(questions(9, 20))
    np.testing.assert_array_equal(known[name].probabilities(asked), first)


@EACH
def test_asking_changes_nothing_that_is_learned_later(name: str) -> None:
    asked_often, asked_never = (policies.load(name, PROBLEM, seed=5) for _ in range(2))
    for seed in range(3):
        for _ in range(3):
            asked_often.probabilities(questions(20 + seed, 40))
        asked_often.learn(lessons(seed))
        asked_never.learn(lessons(seed))
    asked = questions(10, 50)
    np.testing.assert_array_equal(asked_often.probabilities(asked), asked_never.probabilities(asked))


@EACH
def test_questions_and_lessons_are_left_as_they_were(name: str) -> None:
    policy, lesson, same = policies.load(name, PROBLEM, seed=5), lessons(1), lessons(1)
    policy.probabilities(lesson.decisions)
    policy.learn(lesson)
    for field in ("times", "contexts", "actions", "available", "histories"):
        np.testing.assert_array_equal(getattr(lesson.decisions, field), getattr(same.decisions, field))
    np.testing.assert_array_equal(lesson.chosen, same.chosen)
    np.testing.assert_array_equal(lesson.rewards, same.rewards)


@EACH
def test_one_at_a_time_is_answered_as_in_a_batch(name: str, known: dict[str, Policy]) -> None:
    asked = questions(11, 30)
    together = known[name].probabilities(asked)
    alone = np.concatenate([known[name].probabilities(asked.take(slice(i, i + 1))) for i in range(30)])
    np.testing.assert_allclose(alone, together, atol=1e-6)


@EACH
def test_the_only_available_action_is_certain(name: str, known: dict[str, Policy]) -> None:
    asked = questions(12, 4)
    asked.available = np.eye(4, dtype=bool)
    np.testing.assert_allclose(known[name].probabilities(asked), np.eye(4), atol=1e-6)


@EACH
def test_a_slate_is_the_same_question_with_the_chosen_made_unavailable(name: str, known: dict[str, Policy]) -> None:
    asked = questions(13, 40)
    asked.available = np.ones((40, 4), bool)
    asked.question = object()
    first = known[name].probabilities(asked)
    again = replace(asked, available=first < first.max(axis=1, keepdims=True))
    again.available[:, 0] |= ~again.available.any(axis=1)
    apart = replace(again, question=None)
    second = known[name].probabilities(again)
    assert_distributions(second, again)
    np.testing.assert_array_equal(second, known[name].probabilities(apart))


@EACH
@pytest.mark.parametrize("marked", [False, True])
def test_a_buffer_refilled_between_two_questions_is_asked_anew(
    name: str, marked: bool, known: dict[str, Policy]
) -> None:
    """Nothing but `question` says that it is the same question: the arrays may be the same objects."""
    buffer, other = questions(17, 40), questions(18, 40)
    expected = known[name].probabilities(other).copy()
    buffer.question = object() if marked else None
    known[name].probabilities(buffer)
    for field in ("times", "contexts", "available", "histories", "ids"):
        getattr(buffer, field)[:] = getattr(other, field)
    buffer.question = object() if marked else None
    np.testing.assert_array_equal(known[name].probabilities(buffer), expected)


@EACH
def test_lessons_may_come_late_out_of_order_and_in_any_grouping(name: str) -> None:
    policy = policies.load(name, PROBLEM, seed=5)
    everything = lessons(2)
    late = np.random.default_rng(0).permutation(len(everything))
    for rows in (late[:150], late[150:151], late[151:151], late[151:]):
        policy.learn(everything.take(rows))
    asked = questions(14, 60)
    assert_distributions(policy.probabilities(asked), asked)


@EACH
def test_draws_have_the_frequencies_of_the_propensities(name: str, known: dict[str, Policy]) -> None:
    asked = questions(15, 1)
    asked.available[:] = True
    row = np.asarray(known[name].probabilities(asked), float)
    n = 100_000
    many = Decisions(np.zeros(n), np.empty((n, 0)), np.empty((4, 0)), np.ones((n, 4), bool))

    class Same:
        def probabilities(self, decisions: Decisions) -> Floats:
            return np.repeat(row, n, axis=0)

        def learn(self, feedback: Feedback) -> None: ...

    choices = Draw(Same(), seed=4)(many)
    shares = np.bincount(choices.chosen, minlength=4) / n
    assert np.all(np.abs(shares - row[0]) <= 4.5 * np.sqrt(np.maximum(row[0] * (1 - row[0]), 0.0) / n) + 1e-6)
    np.testing.assert_array_equal(choices.propensities, row[0][choices.chosen])


@EACH
def test_a_restored_policy_continues_where_the_saved_one_stopped(name: str, tmp_path: Path) -> None:
    policy, asked = taught(name), questions(16, 50)
    policy.save(tmp_path / "policy.zip")  # type: ignore[attr-defined]
    then = policy.probabilities(asked).copy()
    restored = policies.restore(tmp_path / "policy.zip")
    np.testing.assert_array_equal(restored.probabilities(asked), then)
    for seed in (3, 4, 5):
        policy.learn(lessons(seed))
        restored.learn(lessons(seed))
    np.testing.assert_array_equal(restored.probabilities(asked), policy.probabilities(asked))
    np.testing.assert_array_equal(policies.restore(tmp_path / "policy.zip").probabilities(asked), then)


@EACH
def test_an_unknown_setting_is_one_line_that_lists_what_there_is(name: str) -> None:
    with pytest.raises(PolicyError, match=r"setting must be one of .*, got 'temprature'") as error:
        policies.load(name, PROBLEM, temprature=1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("epsilon_greedy", {"epsilon": 2}, "epsilon must be between 0 and 1, got 2"),
        ("epsilon_greedy", {"epsilon": float("nan")}, "epsilon must be between 0 and 1, got nan"),
        ("epsilon_greedy", {"model": "median"}, "model must be one of mean, ridge, got 'median'"),
        ("popularity", {"epsilon": "n/a"}, "epsilon must be between 0 and 1, got 'n/a'"),
        ("popularity", {"half_life": 0}, "half_life must be positive, got 0"),
        ("newest", {"epsilon": -0.1}, "epsilon must be between 0 and 1, got -0.1"),
        ("linucb", {"alpha": -1}, "alpha must be a number of at least 0, got -1"),
        ("linucb", {"ridge": 0}, "ridge must be positive, got 0"),
        ("linucb", {"forgetting": 1.5}, "forgetting must be between 0 and 1, got 1.5"),
        ("linucb_hybrid", {"shared": "all"}, "shared must be one of actions, outer, got 'all'"),
        ("linear_thompson", {"draws": 0.5}, "draws must be a whole number of at least 1, got 0.5"),
        ("linear_thompson", {"ridge": -4}, "ridge must be positive, got -4"),
        ("fixed_order", {"order": [0, 7]}, r"order must be a list of actions from 0 to 3, got \[0, 7\]"),
        ("fixed_order", {"order": 2}, "order must be a list of actions from 0 to 3, got 2"),
        ("fixed_order", {"order": [1, 1]}, r"order must name no action twice, got \[1, 1\]"),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_one_line(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        policies.load(name, PROBLEM, **settings)


def test_a_policy_loads_as_it_is_typed_on_the_command_line() -> None:
    assert policies.load("linucb(alpha=0.25)", PROBLEM).alpha == 0.25  # type: ignore[attr-defined]
    assert policies.load("linucb(alpha=0.25)", PROBLEM, ridge=4.0).ridge == 4.0  # type: ignore[attr-defined]
    with pytest.raises(PolicyError, match=r"linucb: alpha must be given once, got 0.25 and 3"):
        policies.load("linucb(alpha=0.25)", PROBLEM, alpha=3)


def test_an_error_names_the_policy() -> None:
    with pytest.raises(PolicyError, match=r"^epsilon_greedy: epsilon must be between 0 and 1, got 2$"):
        policies.load("epsilon_greedy", PROBLEM, epsilon=2)


@pytest.mark.parametrize("level", [10.0, -10.0, 1e4])
@pytest.mark.parametrize(
    "name", [name for name in policies.names() if "noise" in signature(policies.find(name)).parameters]
)
def test_with_estimated_noise_what_is_added_to_every_reward_changes_no_decision(name: str, level: float) -> None:
    one, other = (policies.load(name, PROBLEM, seed=5, noise="estimated") for _ in range(2))
    for seed in range(3):
        taught = lessons(seed)
        one.learn(taught)
        other.learn(replace(taught, rewards=taught.rewards + level))
        asked = questions(10 + seed, 200)
        np.testing.assert_allclose(one.probabilities(asked), other.probabilities(asked), atol=1e-9)


def test_an_unknown_policy_is_one_line_that_lists_what_there_is() -> None:
    with pytest.raises(PolicyError, match=r"policy must be one of .*linucb.*, got 'linucp'"):
        policies.load("linucp", PROBLEM)


@pytest.mark.parametrize("name", policies.names())
def test_a_policy_imports_no_other_policy(name: str) -> None:
    tree = ast.parse((Path(policies.__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    found = {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
    found |= {node.module for node in froms if node.module}
    found |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not found & {f"policies.{other}" for other in policies.names()}
