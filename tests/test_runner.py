"""The one loop: draws follow the probabilities, and answers that are no distribution are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from benchmarks.runner import Draw, run
from envs.environment import Choices, Rounds
from policies.policy import Decisions, Feedback, PolicyError, Problem


class Fixed:
    """Answers every decision with the same row."""

    def __init__(self, row: list[float]) -> None:
        self.row = np.array(row)
        self.lessons = 0

    def probabilities(self, decisions: Decisions) -> np.ndarray:
        return np.tile(self.row, (len(decisions), 1))

    def learn(self, feedback: Feedback) -> None:
        self.lessons += len(feedback)


def decisions(n: int, K: int, available: list[bool] | None = None) -> Decisions:
    mask = np.ones((n, K), bool) if available is None else np.tile(available, (n, 1))
    return Decisions(np.arange(n) / 100, np.ones((n, 1)), np.empty((K, 0)), mask)


class Coins:
    """Three actions worth 1, 2 and 4; the last is sold out in every second round."""

    problem = Problem(3, 1)
    worth = np.array([1.0, 2.0, 4.0])

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        for batch in range(4):
            asked = decisions(5, 3, [True, True, batch % 2 == 0])
            asked.times = asked.times + batch
            choices = choose(asked)
            rewards = self.worth[choices.chosen]
            feedback = Feedback(asked, choices.chosen, choices.propensities, rewards)
            yield Rounds(feedback, np.tile(self.worth, (5, 1)))


def test_draws_have_the_frequencies_of_the_probabilities() -> None:
    draw = Draw(Fixed([0.1, 0.0, 0.6, 0.3]), seed=3)
    n = 100_000
    choices = draw(decisions(n, 4))
    shares = np.bincount(choices.chosen, minlength=4) / n
    deviations = np.sqrt(np.array([0.09, 0.0, 0.24, 0.21]) / n)
    assert np.all(np.abs(shares - [0.1, 0.0, 0.6, 0.3]) <= 4 * deviations)


def test_propensity_is_the_probability_of_the_drawn_action() -> None:
    choices = Draw(Fixed([0.2, 0.8]), seed=1)(decisions(200, 2))
    np.testing.assert_array_equal(choices.propensities, np.array([0.2, 0.8])[choices.chosen])


def test_the_same_id_meets_the_same_luck_in_any_order_and_batch() -> None:
    asked = decisions(50, 3)
    asked.ids = np.arange(50, dtype=np.uint64)
    policy = Fixed([0.3, 0.3, 0.4])
    together = Draw(policy, seed=7)(asked).chosen
    backwards = Draw(policy, seed=7)
    alone = [backwards(asked.take(slice(i, i + 1))).chosen[0] for i in reversed(range(50))]
    np.testing.assert_array_equal(together, alone[::-1])


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ([0.5, 0.4, 0.0], "sum to 1"),
        ([1.2, -0.2, 0.0], "not negative"),
        ([np.nan, 1.0, 0.0], "finite"),
        ([0.5, 0.0, 0.5], "0 where unavailable"),
    ],
)
def test_an_answer_that_is_no_distribution_is_refused(row: list[float], rule: str) -> None:
    with pytest.raises(PolicyError, match=rule):
        Draw(Fixed(row), seed=0)(decisions(4, 3, [True, True, False]))


def test_an_answer_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"shape \(4, 3\), got \(4, 2\)"):
        Draw(Fixed([0.5, 0.5]), seed=0)(decisions(4, 3))


def test_every_round_is_learned_from_once() -> None:
    policy = Fixed([0.5, 0.5, 0.0])
    run(policy, Coins(), seed=0)
    assert policy.lessons == 20


def test_regret_is_against_the_best_available_and_shortfall_against_the_best_of_all() -> None:
    trace = run(Fixed([0.0, 1.0, 0.0]), Coins(), seed=0)
    np.testing.assert_array_equal(trace.regrets, np.repeat([2.0, 0.0, 2.0, 0.0], 5))
    np.testing.assert_array_equal(trace.shortfalls, np.repeat([0.0, 2.0, 0.0, 2.0], 5))
    np.testing.assert_array_equal(trace.best, np.repeat([2, 1, 2, 1], 5))


def test_the_trace_is_in_decision_order() -> None:
    trace = run(Fixed([1.0, 0.0, 0.0]), Coins(), seed=0)
    assert np.all(np.diff(trace.times) >= 0)
    assert len(trace) == 20
