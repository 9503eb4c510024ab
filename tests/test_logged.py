"""Replay: unbiased where the propensities are true, whatever the blocks, and a refusal where the log cannot say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import policies
from benchmarks.runner import Draw, run
from benchmarks.trace import Trace
from envs.environment import Choices
from envs.feedback import LogError, LoggedFeedback
from envs.logged import Logged
from envs.open_bandit import load
from policies.policy import Decisions, Feedback, Floats, Problem


class Best:
    """Always the last action available: in these catalogues the best one."""

    def probabilities(self, decisions: Decisions) -> Floats:
        last = decisions.available.shape[1] - 1 - np.argmax(decisions.available[:, ::-1], axis=1)
        return np.eye(decisions.available.shape[1])[last]

    def learn(self, feedback: Feedback) -> None:
        pass


def growing(n: int, seed: int) -> Feedback:
    """Uniform logging while the catalogue grows from 1 to 3 items that pay 3, 12 and 40 on average."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.random(n) * 3)
    offered = np.floor(times).astype(int) + 1
    chosen = rng.integers(0, offered)
    rewards = np.array([3.0, 12.0, 40.0])[chosen] + rng.normal(size=n)
    available = np.arange(3) < offered[:, None]
    decisions = Decisions(times, rng.normal(size=(n, 2)), np.zeros((3, 0)), available)
    return Feedback(decisions, chosen, 1 / offered, rewards)


def skewed(n: int, seed: int, K: int = 4) -> Feedback:
    """Logging that depends on the context and is far from uniform; the best action depends on the context too."""
    rng = np.random.default_rng(seed)
    contexts = rng.normal(size=(n, 2))
    scores = np.exp(contexts @ rng.normal(size=(2, K)) * 0.5)
    chances = 0.1 / K + 0.9 * scores / scores.sum(axis=1, keepdims=True)
    chosen = (rng.random((n, 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
    rewards = (rng.random(n) < 0.2 + 0.6 * (chosen == (contexts[:, 0] > 0))).astype(float)
    decisions = Decisions(np.linspace(0, 7, n), contexts, np.zeros((K, 0)), np.ones((n, K), bool))
    return Feedback(decisions, chosen, chances[np.arange(n), chosen], rewards)


def test_a_growing_catalogue_does_not_bias_replay_where_it_biases_plain_matching() -> None:
    """Truth (3 + 12 + 40) / 3 = 18.3; matching weighs days 1 : 1/2 : 1/3 and says (3 + 6 + 40/3) / (11/6) = 12.2."""
    feedback = growing(60_000, 1)
    environment = Logged(feedback, 0)
    trace = run(Best(), environment)
    matched = Best().probabilities(feedback.decisions)[np.arange(60_000), feedback.chosen] == 1
    assert feedback.rewards[matched].mean() == pytest.approx((3 + 6 + 40 / 3) / (11 / 6), abs=0.4)
    assert trace.rewards.mean() == pytest.approx(55 / 3, abs=0.5)  # 4 standard errors
    assert environment.report().value == pytest.approx(trace.rewards.mean())
    assert environment.report().accepted == pytest.approx(20_000, abs=4 * np.sqrt(20_000 * 2 / 3))
    assert environment.report().refusal() is None


def test_traffic_of_accepted_rows_is_the_traffic_of_the_log_at_all_times() -> None:
    trace = run(Best(), Logged(growing(60_000, 2), 0))
    days = np.bincount(trace.times.astype(int), minlength=3) / len(trace)
    np.testing.assert_allclose(days, 1 / 3, atol=0.015)


def test_unequal_propensities_do_not_bias_what_a_fixed_policy_earns() -> None:
    """Taking action 0 always pays 0.2 + 0.6 where the context is negative, half the time: 0.5. So does action 1."""
    feedback = skewed(60_000, 3)

    class First(Best):
        def probabilities(self, decisions: Decisions) -> Floats:
            return np.eye(4)[np.zeros(len(decisions), int)]

    environment = Logged(feedback, 0)
    trace = run(First(), environment)
    error = 0.5 / np.sqrt(len(trace))
    assert trace.rewards.mean() == pytest.approx(0.5, abs=4 * error)
    assert feedback.rewards[feedback.chosen == 0].mean() > 0.5 + 6 * error or (
        feedback.rewards[feedback.chosen == 0].mean() < 0.5 - 6 * error
    )


def accepted(environment: Logged, seed: int = 0) -> Trace:
    return run(policies.load("linucb", environment.problem, alpha=0.5), environment, seed)


@pytest.mark.parametrize("refresh", [0.0, 0.1, 3.0])
def test_blocks_change_nothing(refresh: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked in blocks of any size, or row by row, a policy that learns sees and earns the same."""
    traces = []
    for smallest, largest in ((1, 1), (16, 1 << 14), (7, 50)):
        monkeypatch.setattr("envs.logged._SMALLEST_BLOCK", smallest)
        monkeypatch.setattr("envs.logged._LARGEST_BLOCK", largest)
        traces.append(accepted(Logged(skewed(3000, 4), 1, refresh=refresh)))
    assert len(traces[0]) > 50
    for trace in traces[1:]:
        np.testing.assert_array_equal(trace.times, traces[0].times)
        np.testing.assert_array_equal(trace.chosen, traces[0].chosen)


class Told:
    """Uniform; keeps when it was asked last before each lesson, and the times of the lesson's decisions."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.lessons: list[tuple[int, list[float]]] = []

    def probabilities(self, decisions: Decisions) -> Floats:
        self.asked += decisions.times.tolist()
        return decisions.available / decisions.available.sum(axis=1, keepdims=True)

    def learn(self, feedback: Feedback) -> None:
        self.lessons.append((len(self.asked), feedback.decisions.times.tolist()))


def hourly(n: int, K: int = 2) -> Feedback:
    decisions = Decisions(np.arange(n) / 24, np.zeros((n, 1)), np.zeros((K, 0)), np.ones((n, K), bool))
    chosen = np.random.default_rng(0).integers(0, K, n)
    return Feedback(decisions, chosen, np.full(n, 1 / K), np.ones(n))


@pytest.mark.parametrize(("delay", "refresh"), [(0.0, 0.0), (0.0, 0.25), (1.5, 0.0), (1.5, 0.25)])
def test_a_lesson_comes_when_its_reward_is_known_and_a_refresh_is_due_not_earlier_not_later(
    delay: float, refresh: float
) -> None:
    feedback = hourly(24 * 8)
    known = feedback.decisions.times + delay
    policy = Told()
    trace = run(policy, Logged(LoggedFeedback(feedback, known=known), 0, refresh=refresh))
    taught = sorted(time for _, times in policy.lessons for time in times)
    np.testing.assert_array_equal(taught, trace.times)
    for asked, times in policy.lessons:
        for time in times:
            due = time + delay if not refresh else np.ceil((time + delay) / refresh - 1e-9) * refresh
            later = policy.asked[asked:]
            if later:  # asked again from the first row that may know the lesson
                assert later[0] >= due - 1e-9
                assert later[0] <= due + 1 / 24 + 1e-9


def test_every_accepted_row_is_taught_once_with_the_policys_own_chance() -> None:
    feedback = skewed(5000, 5)
    environment = Logged(feedback, 2)
    taught = [r.feedback for r in environment.play(lambda d: _always(d, 1))]
    assert sum(map(len, taught)) == environment.report().accepted > 100
    assert all((f.chosen == 1).all() and (f.propensities == 1.0).all() for f in taught)
    times = np.concatenate([f.decisions.times for f in taught])
    assert len(np.unique(times)) == len(times)


def _always(decisions: Decisions, action: int) -> Choices:
    n = len(decisions)
    return Choices(np.full(n, action), np.ones(n))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(1, 400))
def test_matched_rows_hold_the_accepted_ones_and_counts_add_up(seed: int, n: int) -> None:
    environment = Logged(skewed(n, seed), seed)
    trace = run(policies.load("uniform", environment.problem), environment, seed)
    report = environment.report()
    assert report.rows == n == report.logged.sum()
    assert len(trace) == report.accepted == report.support.sum() <= report.matched <= n
    assert report.effective_sample_size == report.accepted
    assert report.clipped == 0


def test_the_accepted_count_is_what_true_propensities_imply_and_false_ones_are_found_out() -> None:
    true, false = skewed(20_000, 6), skewed(20_000, 6)
    environment = Logged(true, 0)
    accepted(environment)
    assert abs(environment.report().z) < 3.3
    assert environment.report().refusal() is None
    false.propensities = np.full(20_000, 0.25)
    z = []
    for action in range(4):
        environment = Logged(false, 0)
        for _ in environment.play(lambda d, action=action: _always(d, action)):
            pass
        shown = (false.chosen == action).mean()
        expected = (shown - 0.25) * np.sqrt(20_000 / (0.25 * 0.75))  # every matched row is accepted
        assert environment.report().z == pytest.approx(expected)
        z.append(environment.report().z)
    assert max(np.abs(z)) > 3.3
    assert "standard errors" in str(environment.report().refusal())


def test_a_log_that_could_not_have_shown_anything_else_is_refused_to_those_who_would_have() -> None:
    """With propensity 1 every row must be accepted: half of them is beyond any chance."""
    feedback = hourly(1000)
    feedback.chosen[:] = 0
    feedback.propensities[:] = 1.0
    environment = Logged(feedback, 0)
    run(policies.load("uniform", environment.problem), environment)
    assert environment.report().z == -np.inf
    assert "fewer by inf standard errors" in str(environment.report().refusal())
    environment = Logged(feedback, 0)
    for _ in environment.play(lambda d: _always(d, 0)):
        pass
    assert environment.report().z == 0
    assert environment.report().refusal() is None


def test_a_log_that_never_shows_what_the_policy_wants_is_refused() -> None:
    feedback = hourly(4000, K=3)
    seen = feedback.chosen < 2
    feedback = feedback.take(seen)
    feedback.propensities[:] = 0.5
    environment = Logged(feedback, 0)
    for _ in environment.play(lambda d: _always(d, 2)):
        pass
    report = environment.report()
    assert report.accepted == 0
    assert "supports 0 rounds" in str(report.refusal())
    assert np.isnan(report.value)


def test_a_floor_accepts_more_rows_and_weighs_the_rare_ones() -> None:
    """With propensities 1/2 and 1/8 and floor 1/4, rare rows are always accepted and count 2 each."""
    n = 4000
    feedback = hourly(n)
    feedback.chosen = np.arange(n) % 2
    feedback.propensities = np.where(feedback.chosen == 0, 0.5, 0.125)
    environment = Logged(feedback, 0, floor=0.25)
    for _ in environment.play(lambda d: _always(d, 1)):
        pass
    report = environment.report()
    assert report.accepted == report.clipped == n // 2
    assert report.value == 1.0
    environment = Logged(feedback, 0, floor=0.25)
    run(policies.load("uniform", environment.problem), environment)
    report = environment.report()
    weights = np.repeat([1.0, 2.0], report.support)
    assert report.effective_sample_size == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert report.effective_sample_size < report.accepted


def test_the_same_seed_replays_the_same_and_another_seed_another() -> None:
    traces = [accepted(Logged(skewed(3000, 7), seed), seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(traces[0].times, traces[1].times)
    assert len(traces[0]) != len(traces[2]) or (traces[0].times != traces[2].times).any()


def test_the_luck_that_made_a_log_is_not_met_again_in_its_replay() -> None:
    """A log drawn with a seed and its ids, replayed with that seed: a third of the rows match, not all of them."""
    n = 30_000
    decisions = Decisions(
        np.arange(n) / 999, np.zeros((n, 1)), np.zeros((3, 0)), np.ones((n, 3), bool), ids=np.arange(n, dtype=np.uint64)
    )
    uniform = policies.load("uniform", Problem(3, 1))
    choices = Draw(uniform, 0)(decisions)
    environment = Logged(Feedback(decisions, choices.chosen, choices.propensities, np.ones(n)), 0)
    run(uniform, environment, 0)
    assert environment.report().matched == pytest.approx(n / 3, abs=4 * np.sqrt(n * 2 / 9))


def test_resampled_rows_keep_their_order_and_spread_as_the_mean_does() -> None:
    """Poisson bootstrap of a mean of 0/1 rewards with rate 1/2 has standard error sqrt(1/4 / n)."""
    n = 2000
    feedback = hourly(n, K=1)
    feedback.rewards = (np.arange(n) % 2).astype(float)
    means = []
    for seed in range(60):
        environment = Logged(feedback, seed, resample=True, refresh=1000.0)
        trace = run(policies.load("uniform", environment.problem), environment)
        assert (np.diff(trace.times) >= 0).all()
        means.append(trace.rewards.mean())
    assert np.std(means) == pytest.approx(np.sqrt(0.25 / n), rel=0.4)
    assert np.mean(means) == pytest.approx(0.5, abs=0.01)


def test_rows_of_a_user_are_drawn_together_and_rows_of_nobody_each_alone() -> None:
    """Ten users of 200 rows, whose mean is 0 or 1: the spread is that of ten, sqrt(1/4 / 10), not that of 2,000."""
    feedback = hourly(2_000, K=1)
    users = np.repeat(np.arange(1, 11), 200)
    feedback.rewards = (users % 2).astype(float)
    spread = {}
    for name, who in (("users", users), ("nobody", np.zeros(2_000))):
        log = LoggedFeedback(feedback, users=who.astype(np.uint64))
        means = []
        for seed in range(60):
            environment = Logged(log, seed, resample=True, refresh=1000.0)
            means.append(run(policies.load("uniform", environment.problem), environment).rewards.mean())
        spread[name] = np.nanstd(means)
    assert spread["users"] == pytest.approx(np.sqrt(0.25 / 10), rel=0.4)
    assert spread["nobody"] == pytest.approx(np.sqrt(0.25 / 2_000), rel=0.4)


def test_a_log_that_shows_an_item_more_often_than_its_chances_allow_is_refused() -> None:
    """Uniform cannot see it: logged as 1/2 each, shown 4 : 1, its accepted rows are as many as they should be."""
    refused = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        feedback = hourly(2_000)
        feedback.chosen = (rng.random(2_000) < 0.8) * 1
        environment = Logged(feedback, seed)
        run(policies.load("uniform", environment.problem), environment, seed)
        assert abs(environment.report().z) < 4
        refused += "1 was shown" in str(environment.report().refusal())
    assert refused == 20


def test_a_log_true_to_its_chances_is_not_refused_however_they_are_rounded() -> None:
    """80 logs of uneven chances that depend on the visit, some written with two decimals: at 0.1% none is refused."""
    for seed in range(80):
        feedback = skewed(1_000, seed)
        if seed % 2:
            feedback.propensities = np.round(feedback.propensities, 2)
        environment = Logged(feedback, seed)
        for _ in environment.play(lambda d: _always(d, 1)):
            pass
        assert environment.report()._contradiction(0.001) is None


def test_the_rows_an_item_implies_by_hand() -> None:
    """Item 1 is shown twice, with chances 1/2 and 1/8: 10 rows it could have been shown in, where there are 3."""
    feedback = hourly(3)
    feedback.chosen, feedback.propensities = np.array([1, 0, 1]), np.array([0.5, 0.5, 0.125])
    environment = Logged(feedback, 0)
    for _ in environment.play(lambda d: _always(d, 1)):
        pass
    report = environment.report()
    assert report.offered.tolist() == [3, 3]
    # three decimals: half a unit of 0.0005 at a chance of 1/8 or 1/2, weighted by 1 / chance, forgives 68 / 10 x 0.0005
    np.testing.assert_allclose(report.implied, [2 * (1 - 0.001 - 1e-6), 10 * (1 - 0.0034 - 1e-6)])
    # a row is off by 1 / chance - 1 where it shows the item, and by 1 where it shows the other
    np.testing.assert_allclose(report.implied_error**2, [(2 - 1) ** 2 + 2, (2 - 1) ** 2 + (8 - 1) ** 2 + 1])


def test_new_items_are_those_not_there_at_first() -> None:
    environment = Logged(growing(3000, 8), 0)
    run(Best(), environment)
    report = environment.report()
    assert report.new.tolist() == [False, True, True]
    np.testing.assert_allclose(report.first_seen, [0, 1, 2], atol=0.01)
    np.testing.assert_array_equal(report.users, report.support)


def test_users_behind_accepted_rows_are_counted_once() -> None:
    feedback = hourly(1000, K=1)
    environment = Logged(LoggedFeedback(feedback, users=np.arange(1000) % 7), 0)
    run(Best(), environment)
    assert environment.report().support.tolist() == [1000]
    assert environment.report().users.tolist() == [7]


def test_a_price_cut_is_seen_by_the_policy_when_it_happens() -> None:
    dear, cheap = hourly(48, K=1), hourly(48, K=1)
    cheap.decisions.times = cheap.decisions.times + 2
    dear.decisions.actions, cheap.decisions.actions = np.array([[9.0]]), np.array([[5.0]])
    seen = {}

    def choose(decisions: Decisions) -> Choices:
        seen.update({float(time): float(decisions.actions[0, 0]) for time in decisions.times})
        return _always(decisions, 0)

    lessons = [rounds.feedback for rounds in Logged(LoggedFeedback([dear, cheap]), 0).play(choose)]
    assert all(price == (9.0 if time < 2 else 5.0) for time, price in seen.items())
    assert {float(f.decisions.actions[0, 0]) for f in lessons} == {5.0, 9.0}


def test_settings_that_make_no_sense_are_told() -> None:
    with pytest.raises(LogError, match=r"floor must be above 0 and at most 1, got 1.5"):
        Logged(hourly(5), floor=1.5)
    with pytest.raises(LogError, match=r"refresh must be 0 or more days, got -1"):
        Logged(hourly(5), refresh=-1)


@pytest.mark.data
def test_uniform_on_the_open_bandit_log_matches_one_row_in_eighty(data: Path) -> None:
    log = load("random", "all", data / "open_bandit")
    environment = Logged(log, 0)
    run(policies.load("uniform", log.problem), environment)
    report = environment.report()
    assert report.floor == 1 / 80
    assert report.matched == report.accepted == pytest.approx(125, abs=4 * np.sqrt(125))
    thompson = load("bts", "all", data / "open_bandit")
    environment = Logged(thompson, 0)
    run(policies.load("uniform", thompson.problem), environment)
    assert "supports 0 rounds" in str(environment.report().refusal())
