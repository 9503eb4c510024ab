"""The best seller, by hand."""

from __future__ import annotations

import numpy as np

from policies.policy import Decisions, Feedback, Problem
from policies.popularity import Popularity


def shown(chosen: list[int], rewards: list[float], times: list[float]) -> Feedback:
    n = len(chosen)
    decisions = Decisions(np.array(times), np.empty((n, 0)), np.empty((3, 0)), np.ones((n, 3), bool))
    return Feedback(decisions, np.array(chosen), np.ones(n), np.array(rewards))


def asked(available: list[bool]) -> Decisions:
    return Decisions(np.zeros(1), np.empty((1, 0)), np.empty((3, 0)), np.array([available]))


def test_the_best_seller_is_by_reward_per_showing_not_by_total() -> None:
    policy = Popularity(Problem(3, 0), epsilon=0.3)
    policy.learn(shown([0, 0, 0, 0, 1], [1, 1, 0, 0, 0.9], [0, 1, 2, 3, 4]))
    np.testing.assert_allclose(policy.probabilities(asked([True, True, True])), [[0.1, 0.8, 0.1]])
    np.testing.assert_allclose(policy.probabilities(asked([True, False, True])), [[0.85, 0, 0.15]])


def test_a_half_life_lets_yesterdays_best_seller_go() -> None:
    """Rates 4/5 and 3/5 without decay; with a half-life of 1 day 1.75 / 2.75 and 2.25 / 2.75."""
    chosen = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    rewards = [1, 1, 1, 1, 0, 1, 0, 0, 1, 1]
    times = [0, 0, 0, 2, 2, 0, 0, 0, 2, 2]
    for half_life, best in ((None, 0), (1.0, 1)):
        policy = Popularity(Problem(3, 0), half_life=half_life, epsilon=0.0)
        policy.learn(shown(chosen, rewards, times))
        assert policy.probabilities(asked([True, True, True]))[0, best] == 1


def test_late_lessons_count_by_when_they_were_shown() -> None:
    chosen, rewards, times = [0, 1, 0, 2, 1, 1], [1.0, 2.0, 0.0, 0.5, 1.0, 0.0], [0.0, 7.0, 3.0, 9.0, 8.5, 1.0]
    everything = shown(chosen, rewards, times)
    in_order, late = (Popularity(Problem(3, 0), half_life=2.0) for _ in range(2))
    in_order.learn(everything)
    for i in (3, 0, 5, 1, 4, 2):
        late.learn(everything.take(slice(i, i + 1)))
    weights = 0.5 ** ((9.0 - np.array(times)) / 2.0)
    expected = np.bincount(chosen, weights * rewards)
    for policy in (in_order, late):
        np.testing.assert_allclose(policy.state()["rewards"], expected, rtol=1e-12)
        np.testing.assert_allclose(policy.state()["showings"], np.bincount(chosen, weights), rtol=1e-12)


def test_nothing_known_is_a_tie() -> None:
    np.testing.assert_allclose(Popularity(Problem(3, 0)).probabilities(asked([True, False, True])), [[0.5, 0, 0.5]])


def test_a_rate_of_less_than_one_faded_showing_is_still_a_rate() -> None:
    """At a half-life of a day, product 0 has 1/8 of a showing that brought all of it: 1; product 1 brought 0.5 of 1."""
    policy = Popularity(Problem(3, 0), half_life=1.0, epsilon=0.0)
    policy.learn(shown([0, 1, 1], [1.0, 0.5, 0.5], [0.0, 3.0, 3.0]))
    assert policy.probabilities(asked([True, True, True]))[0].tolist() == [1, 0, 0]


def test_what_was_learned_fades_by_the_time_between_the_newest_lessons() -> None:
    policy = Popularity(Problem(3, 0), half_life=2.0)
    policy.learn(shown([0], [4.0], [1.0]))
    policy.learn(shown([1], [1.0], [5.0]))
    np.testing.assert_allclose(policy.state()["rewards"], [1.0, 1.0, 0.0])
    np.testing.assert_allclose(policy.state()["showings"], [0.25, 1.0, 0.0])
    assert policy.state()["latest"] == 5.0


def test_without_a_half_life_nothing_fades() -> None:
    policy = Popularity(Problem(3, 0))
    policy.learn(shown([0, 1], [4.0, 1.0], [1.0, 50.0]))
    np.testing.assert_array_equal(policy.state()["rewards"], [4.0, 1.0, 0.0])


def test_a_twentieth_is_spread_by_default() -> None:
    policy = Popularity(Problem(3, 0))
    policy.learn(shown([0], [1.0], [0.0]))
    np.testing.assert_allclose(policy.probabilities(asked([True, True, False])), [[0.975, 0.025, 0]])
