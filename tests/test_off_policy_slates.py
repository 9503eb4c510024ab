"""Slate estimates by hand on two pages, and against the truth where their assumption holds."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy.passes import InMemory
from benchmarks.off_policy.slates import cascade, estimate_slates, evaluate_slates, independent, whole
from benchmarks.off_policy.slates import pages as of_one_page
from envs.feedback import LogError, LoggedFeedback
from policies.policy import Decisions, Feedback, PolicyError

WEIGHTS = np.array([3.0, 2.0, 0.5, 4.0])  # rows out of order: page 7 has slots 1, 2; page 3 has slots 2, 1
SLATES = np.array([7, 7, 3, 3])
POSITIONS = np.array([1, 2, 2, 1])


def test_weights_of_two_pages_by_hand() -> None:
    """Page 7: 3, then 3 x 2. Page 3: slot 1 has 4, slot 2 has 4 x 0.5."""
    assert independent(WEIGHTS, SLATES, POSITIONS).tolist() == [3.0, 2.0, 0.5, 4.0]
    assert cascade(WEIGHTS, SLATES, POSITIONS).tolist() == [3.0, 6.0, 2.0, 4.0]
    assert whole(WEIGHTS, SLATES, POSITIONS).tolist() == [6.0, 6.0, 2.0, 2.0]


def pages(n: int, seed: int) -> tuple[Feedback, np.ndarray, np.ndarray]:
    """Two slots, three items chosen uniformly; the user clicks slot 2 only after slot 1: a cascade."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, 3, (n, 2))
    first = rng.random(n) < 0.2 + 0.3 * (chosen[:, 0] == 0)
    second = first & (rng.random(n) < 0.3 + 0.3 * (chosen[:, 1] == 0))
    decisions = Decisions(np.arange(2.0 * n), np.ones((2 * n, 1)), np.empty((3, 0)), np.ones((2 * n, 3), dtype=bool))
    rewards = np.stack([first, second], axis=1).ravel() * 1.0
    feedback = Feedback(decisions, chosen.ravel(), np.full(2 * n, 1 / 3), rewards)
    return feedback, np.repeat(np.arange(n), 2), np.tile([1, 2], n)


def test_the_cascade_is_unbiased_where_the_upper_slot_matters_and_independence_is_not() -> None:
    """Target shows item 0 with chance 0.8: clicks 0.44 on slot 1, then 0.44 x 0.54 on slot 2, 0.6776 together.

    Slots by themselves would credit slot 2 with the logged chance of a click above it: 0.3 x 0.54.
    """
    feedback, slates, positions = pages(20_000, 0)
    table = estimate_slates(feedback, np.tile([0.8, 0.1, 0.1], (40_000, 1)), slates, positions)
    assert table.loc["cascade", "value"] == pytest.approx(0.44 + 0.44 * 0.54, abs=0.025)
    assert table.loc["whole", "value"] == pytest.approx(0.44 + 0.44 * 0.54, abs=0.03)
    assert table.loc["independent", "value"] == pytest.approx(0.44 + 0.3 * 0.54, abs=0.02)
    assert table.loc["whole", "lower"] < table.loc["whole", "value"] < table.loc["whole", "upper"]
    worth = table["effective_sample_size"]
    assert worth["whole"] < worth["cascade"] < worth["independent"] < 20_000


def test_all_agree_for_the_policy_that_made_the_log() -> None:
    feedback, slates, positions = pages(200, 1)
    table = estimate_slates(feedback, np.full((400, 3), 1 / 3), slates, positions)
    assert table["value"].to_numpy() == pytest.approx(feedback.rewards.sum() / 200)
    assert table["n"].tolist() == [200] * 3


def test_an_unknown_kind_is_named() -> None:
    feedback, slates, positions = pages(5, 2)
    with pytest.raises(PolicyError, match=r"one of independent, cascade, whole, got 'page'"):
        estimate_slates(feedback, np.full((10, 3), 1 / 3), slates, positions, ("page",))


def test_rows_of_one_time_and_user_are_a_page() -> None:
    times = np.array([2.0, 1.0, 1.0, 2.0])
    assert of_one_page(times).tolist() == [1, 0, 0, 1]
    assert of_one_page(times, np.array([5, 5, 6, 5], np.uint64)).tolist() == [2, 0, 1, 2]


def test_a_log_with_slots_is_judged_page_by_page() -> None:
    """The logging policy itself: every weight is 1, so a page is worth what pages were worth."""
    feedback, _, positions = pages(50, 0)
    feedback.decisions.times = np.repeat(np.arange(50.0), 2)
    uniform = np.full((100, 3), 1 / 3)
    log = LoggedFeedback(feedback, positions=positions)
    later = InMemory(feedback.take(slice(20, None)), uniform[20:])
    table = evaluate_slates(log, later, first=20)
    assert table["n"].tolist() == [40, 40, 40]
    assert table["reason"].tolist() == ["worth only 40.0 pages; 50 are needed"] * 3
    assert table["value"].to_numpy() == pytest.approx(feedback.rewards[20:].sum() / 40)
    with pytest.raises(LogError, match="slates must have positions"):
        evaluate_slates(LoggedFeedback(feedback), later)
    feedback.decisions.times = np.arange(100.0)
    with pytest.raises(LogError, match="got 100 pages in 100 rows"):
        evaluate_slates(LoggedFeedback(feedback, positions=positions), InMemory(feedback, uniform))
