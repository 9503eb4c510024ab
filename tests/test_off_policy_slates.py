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
    decisions = Decisions(np.zeros(4), np.ones((4, 1)), np.empty((2, 0)), np.ones((4, 2), dtype=bool))
    rows = (WEIGHTS, Feedback(decisions, np.zeros(4, int), np.ones(4), np.zeros(4)), SLATES, POSITIONS)
    assert independent(*rows).tolist() == [3.0, 2.0, 0.5, 4.0]
    assert cascade(*rows).tolist() == [3.0, 6.0, 2.0, 4.0]
    assert whole(*rows).tolist() == [6.0, 6.0, 2.0, 2.0]


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


LOGGED, WANTED = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])  # of an item on top; below, of what is left
WORTH = np.array([[0.1, 0.5], [0.4, 0.2], [0.2, 0.9]])  # (item, slot), whatever else is on the page


def conditional(first: np.ndarray, above: int | None) -> np.ndarray:
    """Chances of a slot, given what is above it."""
    left = np.where(np.arange(3) == above, 0.0, first)
    return left / left.sum()


def without_repeats() -> tuple[Feedback, np.ndarray, np.ndarray, np.ndarray, float]:
    """Every page of two of three items as often as the logging policy shows it, each paid what it is worth; the truth
    of the wanted policy is the sum over pages of its chance of a page times the worth of its items."""
    rows, truth = [], 0.0
    for top in range(3):
        for below in np.flatnonzero(np.arange(3) != top):
            chance, wanted = (p[top] * conditional(p, top)[below] for p in (LOGGED, WANTED))
            rows += [(top, int(below))] * round(4_200 * chance)
            truth += wanted * (WORTH[top, 0] + WORTH[below, 1])
    n = len(rows)
    chosen = np.array(rows).ravel()
    above = [None if slot == 0 else page[0] for page in rows for slot in range(2)]
    available = np.array([np.arange(3) != item for item in above])
    logged, wanted = (np.array([conditional(p, item) for item in above]) for p in (LOGGED, WANTED))
    decisions = Decisions(np.arange(2.0 * n), np.ones((2 * n, 1)), np.empty((3, 0)), available)
    rewards = WORTH[chosen, np.tile([0, 1], n)]
    feedback = Feedback(decisions, chosen, logged[np.arange(2 * n), chosen], rewards)
    return feedback, wanted, np.repeat(np.arange(n), 2), np.tile([1, 2], n), truth


def test_slots_by_themselves_weigh_by_marginal_chances_where_no_item_comes_twice() -> None:
    """All pages told one by one: where a slot's worth is free of the page above, every kind finds the truth."""
    feedback, wanted, slates, positions, truth = without_repeats()
    table = estimate_slates(feedback, wanted, slates, positions)
    assert table["value"].to_numpy() == pytest.approx(truth, rel=2e-3)
    assert len(slates) // 2 == 4_200
    worth = table["effective_sample_size"]
    assert worth["independent"] > 1.1 * worth["cascade"]


def test_marginal_weights_of_a_slot_by_hand() -> None:
    """Item 2 in slot 2: wanted 0.1 x 6/9 + 0.3 x 6/7, logged 0.5 x 2/5 + 0.3 x 2/7, each over what is above."""
    feedback, wanted, slates, positions, _ = without_repeats()
    weights = wanted[np.arange(len(slates)), feedback.chosen] / feedback.propensities
    found = independent(weights, feedback, slates, positions)
    expected = (0.1 * 6 / 9 + 0.3 * 6 / 7) / (0.5 * 2 / 5 + 0.3 * 2 / 7)
    assert found[(positions == 2) & (feedback.chosen == 2)] == pytest.approx(expected, rel=2e-3)
    np.testing.assert_array_equal(found[positions == 1], weights[positions == 1])


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


def test_pages_are_worth_fewer_where_weights_differ_by_hand() -> None:
    """Weights 1.5, 1.5 | 0.75, 0.75 | ...: (sum)^2 / sum of squares over rows, times pages over rows; 50 are enough."""
    feedback, slates, positions = pages(100, 3)
    wanted = np.tile([0.5, 0.25, 0.25], (200, 1))
    table = estimate_slates(feedback, wanted, slates, positions, ("independent", "whole"))
    weights = wanted[np.arange(200), feedback.chosen] * 3
    assert table.loc["independent", "effective_sample_size"] == pytest.approx(
        weights.sum() ** 2 / (weights @ weights) * 100 / 200
    )
    product = weights.reshape(100, 2).prod(axis=1)
    assert table.loc["whole", "value"] == pytest.approx(product @ feedback.rewards.reshape(100, 2).sum(axis=1) / 100)
    assert table.loc["whole", "effective_sample_size"] == pytest.approx(product.sum() ** 2 / (product @ product))
    assert table["reason"].tolist() == ["", ""]
    few = estimate_slates(feedback.take(slice(0, 98)), wanted[:98], slates[:98], positions[:98], ("whole",))
    assert few.loc["whole", "reason"].startswith("worth only 3")


def test_pages_of_a_user_count_as_one() -> None:
    feedback, slates, positions = pages(200, 4)
    wanted = np.tile([0.5, 0.25, 0.25], (400, 1))
    apart = estimate_slates(feedback, wanted, slates, positions).loc["cascade"]
    users = np.repeat(np.arange(200) % 10 + 1, 2).astype(np.uint64)
    together = estimate_slates(feedback, wanted, slates, positions, users=users).loc["cascade"]
    assert together.value == pytest.approx(apart.value)
    assert together.upper - together.lower != pytest.approx(apart.upper - apart.lower, rel=0.02)


def test_a_policy_that_shows_none_of_the_log_is_worth_nothing() -> None:
    feedback, slates, positions = pages(60, 5)
    feedback = feedback.take(feedback.chosen < 9)
    feedback.chosen[:] = 0
    table = estimate_slates(feedback, np.tile([0.0, 0.5, 0.5], (120, 1)), slates, positions)
    assert table["effective_sample_size"].tolist() == [0.0] * 3
    assert table["reason"].str.startswith("worth only 0.0 pages").all()
