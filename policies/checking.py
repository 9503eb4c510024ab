"""Does a policy keep the rules that every environment counts on? Asked small questions, taught small lessons."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from policies.policy import Decisions, Feedback, Floats, Policy, PolicyError, Problem

_PROBLEMS = (Problem(4, 3, 2), Problem(3, 2), Problem(5, 3, 2, history_length=4))
_TOLERANCE = 1e-6  # of a row's sum, as in every run
_N = 12  # decisions of a question
_LESSONS = 4

Make = Callable[..., Any]


def check_policy(make: Make, name: str) -> list[str]:
    """The rules that hold, each in a few words.

    Args:
        make: called as `make(problem, seed=0)`, as often as a fresh policy is needed.
        name: what it is called in messages.

    Raises:
        PolicyError: the first rule that is broken, by what, and what to do.
    """
    for problem in _PROBLEMS:
        _held(make, name, problem)
    return [
        "answers have shape (n, K), rows sum to 1, 0 where an action is unavailable",
        "being asked changes nothing: the same question has the same answer",
        "questions and lessons are left as they are",
        "no visitors, or no lessons, are taken too",
        "the same seed and lessons lead to the same answers",
        "a visitor's answer is the same alone and among others",
    ]


def _held(make: Make, name: str, problem: Problem) -> None:
    policy, twin = make(problem, seed=0), make(problem, seed=0)
    for method in ("probabilities", "learn"):
        if not callable(getattr(policy, method, None)):
            raise PolicyError(f"{name} must have a method {method}, got an object of {type(policy).__name__}")
    rng = np.random.default_rng(0)
    for _ in range(_LESSONS):
        asked = _question(problem, rng, _N)
        answer = _asked(policy, asked, name)
        _alike(
            answer,
            _asked(policy, asked, name),
            name,
            "answer the same question twice in the same way: asking is no lesson",
        )
        _alike(
            answer, _asked(twin, asked, name), name, "draw from its seed alone: two made with seed 0 must answer alike"
        )
        alone = np.vstack([_asked(policy, asked.take(slice(row, row + 1)), name) for row in range(_N)])
        _alike(answer, alone, name, "answer a visitor alone as it does among others: no row may rest on another")
        lesson = _lesson(asked, answer, rng)
        for each in (policy, twin):
            _taught(each, lesson, name)
            _taught(each, lesson.take(slice(0, 0)), name)
        _asked(policy, asked.take(slice(0, 0)), name)


def _question(problem: Problem, rng: np.random.Generator, n: int) -> Decisions:
    K = problem.n_actions
    contexts = np.column_stack([np.ones(n), rng.normal(size=(n, problem.n_context_features - 1))])
    available = rng.random((n, K)) < 0.6
    available[np.arange(n), rng.integers(K, size=n)] = True
    seen = rng.integers(-1, K, size=(n, problem.history_length)) if problem.history_length else None
    actions = rng.normal(size=(K, problem.n_action_features))
    return Decisions(np.sort(rng.uniform(0, 1, n)), contexts, actions, available, seen, np.arange(n, dtype=np.uint64))


def _asked(policy: Policy, asked: Decisions, name: str) -> Floats:
    before = copy.deepcopy(asked)
    given: Any = policy.probabilities(asked)
    _untouched(before, asked, name, "probabilities")
    answer = np.asarray(given)
    if answer.shape != asked.available.shape or answer.dtype.kind not in "fiub":
        got = "None" if given is None else f"{answer.dtype} of shape {answer.shape}"
        raise PolicyError(f"{name}: probabilities must be numbers of shape {asked.available.shape}, got {got}")
    answer = answer.astype(float)
    for row, available in zip(answer, asked.available, strict=True):
        shown = np.array2string(row, precision=4, threshold=12)
        if not np.isfinite(row).all() or (row < 0).any():
            raise PolicyError(f"{name}: probabilities must be finite and not negative, got {shown}")
        if (row[~available] != 0).any():
            raise PolicyError(
                f"{name}: probabilities must be 0 where unavailable, got {shown} for {available.tolist()}"
            )
        if abs(row.sum() - 1) > _TOLERANCE:
            raise PolicyError(f"{name}: probabilities must sum to 1 in every row, got {shown}, sum {row.sum():.6g}")
    return answer


def _lesson(asked: Decisions, answer: Floats, rng: np.random.Generator) -> Feedback:
    chosen = np.array([rng.choice(answer.shape[1], p=row / row.sum()) for row in answer])
    return Feedback(
        asked, chosen, answer[np.arange(len(chosen)), chosen], rng.integers(0, 2, len(chosen)).astype(float)
    )


def _taught(policy: Policy, lesson: Feedback, name: str) -> None:
    before = copy.deepcopy(lesson)
    policy.learn(lesson)
    _untouched(before.decisions, lesson.decisions, name, "learn")
    for part in ("chosen", "propensities", "rewards"):
        if not np.array_equal(getattr(before, part), getattr(lesson, part)):
            raise PolicyError(
                f"{name}: learn must leave the lesson as it is, got changed {part}: copy before you change"
            )


def _untouched(before: Decisions, after: Decisions, name: str, method: str) -> None:
    for part in ("times", "contexts", "actions", "available", "histories", "ids"):
        one, other = getattr(before, part), getattr(after, part)
        if one is not None and not np.array_equal(one, other):
            raise PolicyError(
                f"{name}: {method} must leave the question as it is, got changed {part}: copy before you change"
            )


def _alike(one: Floats, other: Floats, name: str, rule: str) -> None:
    if not np.allclose(one, other, atol=1e-6):
        row = int(np.argmax(np.abs(one - other).max(axis=1)))
        shown = [np.array2string(answer[row], precision=4, threshold=12) for answer in (one, other)]
        raise PolicyError(f"{name} must {rule}, got {shown[0]} and {shown[1]}")
