"""What replays are worth: intervals with the degrees of freedom they have, and a refusal where users are too few."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from benchmarks.off_policy.judging import earned, observed
from benchmarks.replay import LOGGED, _between, _curve, replay
from envs.feedback import LoggedFeedback
from policies.policy import Decisions, Feedback, PolicyError, Problem


def log_of(n: int = 1_500, seed: int = 0, users: int = 0) -> LoggedFeedback:
    """Two items shown at random that earn 0.2 and 0.6; so many users, or nobody knows whom."""
    rng = np.random.default_rng(seed)
    decisions = Decisions(np.arange(n) / 100, np.ones((n, 1)), np.empty((2, 0)), np.ones((n, 2), bool))
    chosen = rng.integers(0, 2, n)
    feedback = Feedback(decisions, chosen, np.full(n, 0.5), (rng.random(n) < np.array([0.2, 0.6])[chosen]) * 1.0)
    who = np.arange(n, dtype=np.uint64) % np.uint64(users) + np.uint64(1) if users else None
    return LoggedFeedback(feedback, ["mug", "vase"], users=who)


def test_a_replay_tells_policies_apart_and_says_what_it_rests_on() -> None:
    found = replay(log_of(), ["fixed_order(order=[1, 0])", "uniform"], repeats=5)
    table = found.table
    assert list(table.index) == [LOGGED, "fixed_order(order=[1, 0])", "uniform"]
    best = table.loc["fixed_order(order=[1, 0])"]
    assert best.value == pytest.approx(0.6, abs=0.06)
    assert best.lower < best.value < best.upper
    assert best.lower > table.loc["uniform"].upper
    assert table.loc[LOGGED, ["value", "lower", "upper"]].tolist() == pytest.approx(observed(log_of()))
    assert table.loc["uniform"].matched == table.loc["uniform"].accepted == pytest.approx(750, abs=80)
    assert (table.reason == "").all()
    assert found.curves[found.curves.policy == "uniform"]["rows"].is_monotonic_increasing
    last = found.curves[found.curves.policy == "uniform"].iloc[-1]
    assert last.day == 15
    assert last["rows"] == table.loc["uniform"].accepted


def test_twenty_replays_hold_a_normal_truth_as_often_as_they_say() -> None:
    """A log's estimate is off by its own luck, and twenty bootstrap replays show how far such luck goes: Student's t
    with 19 degrees of freedom holds 95% of 2,000 truths; percentiles of twenty held 88%."""
    rng = np.random.default_rng(3)
    own = earned(log_of())
    held, percentiles = 0, 0
    for _ in range(2_000):
        estimate = 0.5 + rng.normal(0, 0.02)
        drawn = estimate + rng.normal(0, 0.02, 20)
        _, lower, upper = _between([estimate], list(drawn), own, 0.95)
        held += lower <= 0.5 <= upper
        low, high = np.quantile(drawn, [0.025, 0.975]) + estimate - drawn.mean()
        percentiles += low <= 0.5 <= high
    assert held / 2_000 == pytest.approx(0.95, abs=0.015)
    assert percentiles / 2_000 < 0.91


def test_the_interval_is_that_of_as_many_users_as_there_are() -> None:
    """Five users of equally many rows: four degrees of freedom, t = 2.776; twenty replays of many: 19, t = 2.093."""
    drawn = [0.4, 0.5, 0.6] * 7
    for users, t in ((5, 2.776), (0, 2.086)):
        _, lower, upper = _between([0.5], drawn, earned(log_of(users=users)), 0.95)
        assert upper - lower == pytest.approx(2 * t * np.std(drawn, ddof=1), rel=1e-3)


def test_no_interval_reaches_beyond_what_was_ever_paid() -> None:
    value, lower, upper = _between([0.9], [0.2, 1.0], earned(log_of()), 0.95)
    assert (value, lower, upper) == (0.9, 0.0, 1.0)
    assert np.isnan(_between([np.nan], [np.nan], earned(log_of()), 0.95)).all()


def test_a_handful_of_users_is_refused() -> None:
    table = replay(log_of(users=6), ["uniform"], repeats=2).table
    assert table.loc["uniform", "reason"] == "the rows are worth those of 6.0 users, fewer than 20"


def test_wrong_propensities_are_refused_by_the_logs_own_counts() -> None:
    log = log_of()
    feedback = log.feedback
    kept = feedback.take((feedback.chosen == 1) | (np.arange(1_500) % 3 == 0))
    reason = replay(LoggedFeedback(kept, ["mug", "vase"]), ["uniform"], repeats=2).table.loc["uniform", "reason"]
    assert reason.startswith("vase was shown")
    assert reason.endswith("standard errors): they are wrong")


def test_few_rewards_say_nothing() -> None:
    log = log_of(1_000)
    feedback = log.feedback
    feedback.rewards = (np.arange(1_000) < 9) * 1.0
    table = replay(LoggedFeedback(feedback), ["fixed_order"], repeats=2).table
    assert "accepted rows have a reward: fewer than 10 say nothing" in table.loc["fixed_order", "reason"]


class Fails:
    """Learns until it has had enough."""

    def __init__(self, problem: Problem, *, seed: int = 0) -> None: ...

    def probabilities(self, decisions: Decisions) -> np.ndarray:
        return decisions.available / decisions.available.sum(axis=1, keepdims=True)

    def learn(self, feedback: Feedback) -> None:
        raise RuntimeError("had enough")


def test_a_policy_that_fails_is_named_and_stops_no_other() -> None:
    found = replay(log_of(300), [f"{__name__}:Fails", "uniform"], repeats=2)
    assert list(found.table.index) == [LOGGED, "uniform"]
    (reason,) = found.failed.values()
    assert reason.startswith(f"{__name__}:Fails: learn failed")
    assert "RuntimeError: had enough" in reason
    with pytest.raises(PolicyError, match="had enough"):
        replay(log_of(300), [f"{__name__}:Fails"], repeats=2)


def test_a_curve_is_the_mean_so_far_give_or_take_students_t_of_the_replays() -> None:
    def accepted(*rewards: float) -> SimpleNamespace:
        return SimpleNamespace(times=np.array([0.1, 0.2, 1.5]), rewards=np.array(rewards))

    again = [accepted(k / 10, 0.0, 1.0) for k in range(10)]
    found = _curve("a", accepted(1.0, 0.0, 1.0), again, 0.9)
    spread = np.arange(10).std(ddof=1) / 10 / np.array([2, 3])
    assert found.reward.tolist() == [1.0, 2.0]
    np.testing.assert_allclose((found.lower + found.upper) / 2, [1 / 2, 2 / 3])
    np.testing.assert_allclose(found.upper - found.lower, 2 * stats.t.ppf(0.95, 9) * spread)
