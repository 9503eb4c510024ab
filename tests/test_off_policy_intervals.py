"""Intervals against other implementations, the paper's arithmetic, and the coverage each one promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.off_policy import intervals
from benchmarks.off_policy.estimators import Terms
from benchmarks.off_policy.sums import GROUPS, Sums
from policies.policy import Floats


def sums_of(weights: Floats, rewards: Floats, direct: Floats | None = None) -> Sums:
    sums = Sums()
    sums.add(Terms(np.zeros(len(rewards)) if direct is None else direct, weights, rewards, rewards), 0)
    return sums


@pytest.fixture
def skewed() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    return rng.lognormal(sigma=0.7, size=120), rng.binomial(1, 0.3, 120) * 2.0


def test_student_t_is_the_textbook_interval(skewed: tuple[Floats, Floats]) -> None:
    weights, rewards = skewed
    known = stats.ttest_1samp(weights * rewards, 0.0).confidence_interval(0.9)
    assert intervals.student_t(sums_of(weights, rewards), False, 0.9) == pytest.approx((known.low, known.high))


def test_the_relative_interval_pairs_rows(skewed: tuple[Floats, Floats]) -> None:
    weights, rewards = skewed
    known = stats.ttest_rel(weights * rewards, rewards).confidence_interval(0.95)
    found = intervals.student_t(sums_of(weights, rewards), False, relative=True)
    assert found == pytest.approx((known.low, known.high))


def test_the_ratio_has_the_variance_of_its_linearisation(skewed: tuple[Floats, Floats]) -> None:
    """Cochran (1977), eq. 6.13: sum w^2 (r - R)^2 / (n - 1) / n / mean(w)^2."""
    weights, rewards = skewed
    ratio = weights @ rewards / weights.sum()
    n = len(weights)
    expected = np.sqrt(np.sum((weights * (rewards - ratio)) ** 2) / (n - 1) / n) / weights.mean()
    assert intervals.standard_error(sums_of(weights, rewards), True) == pytest.approx(expected)


@pytest.mark.parametrize("self_normalised", [False, True])
def test_the_bootstrap_agrees_with_scipy(skewed: tuple[Floats, Floats], self_normalised: bool) -> None:
    """Both are BCa; 20,000 replicates leave about 2% of the width to luck."""
    weights, rewards = skewed

    def statistic(w: Floats, r: Floats, axis: int = -1) -> Floats:
        return np.asarray((w * r).sum(axis) / (w.sum(axis) if self_normalised else w.shape[axis]))

    known = stats.bootstrap(
        skewed, statistic, paired=True, method="BCa", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    lower, upper = intervals.bootstrap(sums_of(weights, rewards), self_normalised, replicates=20_000)
    width = known.high - known.low
    assert lower == pytest.approx(known.low, abs=0.05 * width)
    assert upper == pytest.approx(known.high, abs=0.05 * width)


def test_the_bootstrap_over_groups_keeps_the_width_of_rows() -> None:
    """With many rows BCa and Student's t agree; 100,000 rows make 16,381 groups."""
    rng = np.random.default_rng(2)
    weights, rewards = rng.exponential(size=100_000), rng.normal(1.0, 1.0, 100_000)
    sums = sums_of(weights, rewards)
    assert np.count_nonzero(sums.groups[:, 0]) == GROUPS
    for self_normalised in (False, True):
        lower, upper = intervals.bootstrap(sums, self_normalised, replicates=4_000)
        low, high = intervals.student_t(sums, self_normalised)
        assert upper - lower == pytest.approx(high - low, rel=0.05)


def test_empirical_bernstein_by_hand() -> None:
    """1,000 terms 0 and 2 by turns: mean 1, variance 1000 / 999, range 0 to 2 x 1.5 = 3, ln(4 / 0.05) = 4.382:
    sqrt(2 x 1.001 x 4.382 / 1000) + 7 x 3 x 4.382 / (3 x 999) = 0.0937 + 0.0307."""
    sums = sums_of(np.full(1_000, 2.0), np.tile([0.0, 1.0], 500))
    lower, upper = intervals.empirical_bernstein(sums, False, reward_range=(0.0, 1.5))
    log = np.log(80.0)
    assert upper - 1.0 == pytest.approx(np.sqrt(2 * 1_000 / 999 * log / 1_000) + 7 * 3 * log / (3 * 999))
    assert 1.0 - lower == pytest.approx(upper - 1.0)


@pytest.mark.parametrize("relative", [False, True])
def test_no_interval_with_a_range_leaves_it(relative: bool) -> None:
    """40 rows with weights up to 50 say next to nothing, but rewards are 0 and 1: -1 to 1 for a difference."""
    sums = sums_of(np.tile([0.1, 50.0, 0.5, 1.0], 10), np.tile([0.0, 1.0, 1.0, 0.0], 10))
    least = -1.0 if relative else 0.0
    for method in (intervals.gamma, intervals.empirical_bernstein, intervals.confidence_sequence):
        lower, upper = method(sums, False, relative=relative, reward_range=(0.0, 1.0))
        assert least <= lower <= upper <= 1.0


@pytest.mark.parametrize("method", ["empirical_bernstein", "confidence_sequence"])
def test_only_a_log_that_was_thinned_out_has_no_interval_of_finite_samples(method: str) -> None:
    sums = sums_of(np.full(100, 2.0), np.tile([0.0, 1.0], 50))
    assert not intervals.unfit(method, sums, False)
    sums.weighted = True
    assert "thinned out" in intervals.unfit(method, sums, False)


def test_a_ratio_has_no_empirical_bernstein_interval() -> None:
    assert np.isnan(intervals.empirical_bernstein(sums_of(np.ones(5), np.arange(5.0)), True)).all()


def test_a_wider_range_gives_a_wider_guarantee(skewed: tuple[Floats, Floats]) -> None:
    sums = sums_of(*(np.tile(column, 40) for column in skewed))
    narrow = intervals.empirical_bernstein(sums, False, reward_range=(0.0, 2.0), largest_weight=10.0)
    wide = intervals.empirical_bernstein(sums, False, reward_range=(0.0, 4.0), largest_weight=10.0)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_the_confidence_sequence_is_where_the_mixture_meets_villes_bound() -> None:
    """At the lower end the mixture over 40 bets, computed row by row, is worth 2 / 0.05 = 40."""
    rng = np.random.default_rng(3)
    weights, rewards = rng.choice([0.2, 1.8], 2_000), rng.binomial(1, 0.6, 2_000) * 1.0
    lower, _ = intervals.confidence_sequence(sums_of(weights, rewards), False, reward_range=(0.0, 1.0))
    apart = weights * rewards - lower
    bets = np.geomspace(1e-5, 0.95, 40)
    worth = [np.exp(np.sum(bet * apart + (np.log1p(-bet) + bet) * apart**2)) for bet in bets]
    assert np.mean(worth) == pytest.approx(40.0, rel=1e-3)


@pytest.mark.parametrize("modelled", [False, True])
def test_the_confidence_sequence_holds_at_all_times_at_once(modelled: bool) -> None:
    """Looked at after every 100 rows: at most 5% of 100 runs may ever miss; it shrinks all the same."""
    rng = np.random.default_rng(4)
    missed = 0
    for _ in range(100):
        weights, sums = rng.choice([0.1, 0.1, 2.8], 1_000), Sums()  # mean 1
        rewards = rng.binomial(1, 0.3 + 0.2 * (weights > 1)) * 1.0  # value 0.3 + 0.2 x 2.8 / 3
        truth = 0.3 + 0.2 * 2.8 / 3
        model = np.full(1_000, 0.4 if modelled else 0.0)
        ever = False
        for start in range(0, 1_000, 100):
            rows = slice(start, start + 100)
            sums.add(Terms(model[rows], weights[rows], rewards[rows] - model[rows], rewards[rows]), start)
            lower, upper = intervals.confidence_sequence(sums, False, reward_range=(0.0, 1.0), largest_weight=2.8)
            ever = ever or not lower <= truth <= upper
        missed += ever
    assert missed <= 5
    assert upper - lower < 0.5


@pytest.mark.parametrize("relative", [False, True])
def test_finite_sample_intervals_cover(relative: bool) -> None:
    """200 logs of 300 rows with rare, heavy terms: at least 95% up to three binomial standard errors."""
    rng = np.random.default_rng(5)
    truth = 0.05 - relative * 0.05
    hits = dict.fromkeys((intervals.empirical_bernstein, intervals.confidence_sequence), 0)
    for _ in range(200):
        weights = rng.choice([0.0, 10.0], 300, p=[0.9, 0.1])
        sums = sums_of(weights, rng.binomial(1, 0.05, 300) * 1.0)
        for method in hits:
            lower, upper = method(sums, False, relative=relative, reward_range=(0.0, 1.0), largest_weight=10.0)
            hits[method] += lower <= truth <= upper
    for count in hits.values():
        assert count / 200 > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200)


def test_more_rows_give_narrower_intervals(skewed: tuple[Floats, Floats]) -> None:
    weights, rewards = skewed
    few, many = sums_of(weights, rewards), sums_of(np.tile(weights, 9), np.tile(rewards, 9))
    for method in (
        intervals.gamma,
        intervals.bootstrap,
        intervals.student_t,
        intervals.empirical_bernstein,
        intervals.confidence_sequence,
    ):
        narrow, wide = method(many, False), method(few, False)
        assert narrow[1] - narrow[0] < 0.6 * (wide[1] - wide[0])


def test_one_row_has_no_bootstrap_interval() -> None:
    assert np.isnan(intervals.bootstrap(sums_of(np.ones(1), np.ones(1)), False)).all()


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_the_gamma_interval_of_counts_is_garwoods(count: int) -> None:
    """Garwood (1936): half the 2.5% quantile of chi-square with 2x degrees, half the 97.5% quantile with 2x + 2.

    A million rows, so that counts are Poisson; of 0 counts only the upper limit, 3.69, is left.
    """
    n = 1_000_000
    rewards = np.zeros(n)
    rewards[:count] = 1.0
    lower, upper = intervals.gamma(sums_of(np.ones(n), rewards), False, reward_range=(0.0, 1.0))
    assert n * lower == pytest.approx(stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0, abs=0.002 * max(count, 1))
    assert n * upper == pytest.approx(stats.chi2.ppf(0.975, 2 * count + 2) / 2, rel=0.002)


def test_the_gamma_interval_is_students_where_terms_are_many_and_tame() -> None:
    rng = np.random.default_rng(6)
    sums = sums_of(np.ones(10_000), rng.normal(1.0, 1.0, 10_000))
    assert intervals.gamma(sums, False) == pytest.approx(intervals.student_t(sums, False), abs=0.001)


def test_mirrored_rewards_have_the_mirrored_gamma_interval() -> None:
    rng = np.random.default_rng(7)
    rewards = rng.binomial(1, 0.02, 500) * 1.0
    lower, upper = intervals.gamma(sums_of(np.ones(500), rewards), False)
    low, high = intervals.gamma(sums_of(np.ones(500), 1.0 - rewards), False)
    assert (1.0 - high, 1.0 - low) == pytest.approx((lower, upper))


def test_rewards_that_never_vary_have_no_gamma_interval() -> None:
    assert np.isnan(intervals.gamma(sums_of(np.ones(50), np.zeros(50)), False)).all()


@pytest.mark.parametrize(("self_normalised", "relative"), [(False, False), (True, False), (False, True)])
def test_the_gamma_interval_holds_where_rewards_are_a_handful(self_normalised: bool, relative: bool) -> None:
    """300 logs of 1,000 rows, 13 actions, 3% rewards: 2.3 rewarded rows speak for the policy. Student's t misses often;
    gamma holds the truth at least 95% of the time, up to three binomial standard errors."""
    rng = np.random.default_rng(8)
    truth = 0.0 if relative else 0.03
    hits = {intervals.gamma: 0, intervals.student_t: 0}
    for _ in range(300):
        sums = sums_of(rng.choice([0.0, 13.0], 1_000, p=[12 / 13, 1 / 13]), rng.binomial(1, 0.03, 1_000) * 1.0)
        for method in hits:
            lower, upper = method(sums, self_normalised, relative=relative)
            hits[method] += lower <= truth <= upper
    assert hits[intervals.gamma] / 300 > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)
    assert hits[intervals.student_t] / 300 < 0.92


def test_rows_of_one_user_count_as_one() -> None:
    """Each of 100 users' rewards told ten times: the same intervals as told once, not sqrt(10) narrower."""
    rng = np.random.default_rng(9)
    weights, rewards = rng.exponential(size=100), rng.normal(1.0, 1.0, 100)
    users = np.tile(np.arange(100, dtype=np.uint64), 10) + np.uint64(2**60)
    often = Sums()
    often.add(Terms(np.zeros(1_000), np.tile(weights, 10), np.tile(rewards, 10), np.tile(rewards, 10)), 0, users)
    for self_normalised in (False, True):
        once = intervals.student_t(sums_of(weights, rewards), self_normalised)
        assert intervals.student_t(often, self_normalised) == pytest.approx(once)
        apart = intervals.student_t(sums_of(np.tile(weights, 10), np.tile(rewards, 10)), self_normalised)
        assert once[1] - once[0] > 3.0 * (apart[1] - apart[0])


def test_events_are_the_number_of_equal_counts() -> None:
    """Nine rewarded rows and the one that may be missing are ten."""
    rewards = np.zeros(1_000_000)
    rewards[:9] = 1.0
    assert intervals.events(sums_of(np.ones(1_000_000), rewards), False) == pytest.approx(10.0, rel=5e-3)


def holds(share: float, logs: int) -> bool:
    """Whether so many of the logs held the truth as 95% intervals should, up to three binomial standard errors."""
    return share > 0.95 - 3 * np.sqrt(0.95 * 0.05 / logs)


@pytest.mark.parametrize(("rows", "buys"), [(10, 1.0), (50, 0.5)])
def test_the_gamma_interval_holds_where_few_users_buy_often(rows: int, buys: float) -> None:
    """250 logs of 1,000 users, four of whom buy, at 10 or 25 of their visits; another policy earns as much."""
    rng = np.random.default_rng(10)
    users = np.repeat(np.arange(1, 1_001, dtype=np.uint64), rows)
    held = {False: 0, True: 0}
    for _ in range(250):
        weights = rng.choice([0.0, 2.0], len(users))
        bought = np.repeat(rng.random(1_000) < 0.004, rows) & (rng.random(len(users)) < buys)
        sums = Sums()
        sums.add(Terms(np.zeros(len(users)), weights, bought * 1.0, bought * 1.0), 0, users)
        for relative in held:
            lower, upper = intervals.gamma(sums, False, relative=relative, reward_range=(0.0, 1.0))
            held[relative] += lower <= (0.0 if relative else 0.004 * buys) <= upper
    assert holds(held[False] / 250, 250)
    assert holds(held[True] / 250, 250)


@pytest.mark.parametrize("users", [2, 3, 10])
@pytest.mark.parametrize("method", [intervals.gamma, intervals.student_t])
def test_a_handful_of_users_gets_the_interval_of_a_handful(users: int, method: Any) -> None:
    """250 logs of 600 rows by so many users, whose buying differs: 30%, give or take 10%."""
    rng = np.random.default_rng(11)
    held = 0
    who = np.arange(600, dtype=np.uint64) % np.uint64(users) + np.uint64(1)
    for _ in range(250):
        likes = rng.normal(0.3, 0.1, users + 1)
        rewards = (rng.random(600) < likes[who]) * 1.0
        sums = Sums()
        sums.add(Terms(np.zeros(600), np.ones(600), rewards, rewards), 0, who)
        lower, upper = method(sums, False)
        held += lower <= 0.3 <= upper
    assert holds(held / 250, 250)


def test_a_log_without_ids_has_the_interval_of_a_log_of_strangers(skewed: tuple[Floats, Floats]) -> None:
    weights, rewards = skewed
    nobody = Sums()
    nobody.add(Terms(np.zeros(120), weights, rewards, rewards), 0, np.zeros(120, np.uint64))
    for method in (intervals.gamma, intervals.student_t, intervals.bootstrap):
        assert method(nobody, False) == method(sums_of(weights, rewards), False)


@pytest.mark.parametrize(("self_normalised", "relative"), [(False, False), (True, False), (True, True)])
def test_the_acceleration_is_that_of_the_jackknife(self_normalised: bool, relative: bool) -> None:
    """Efron (1987), eq. 6.6: sum of cubes of (mean of leave-one-outs less each) / 6 (sum of squares)^1.5."""
    rng = np.random.default_rng(12)
    weights, rewards = rng.lognormal(sigma=0.4, size=400), rng.binomial(1, 0.2, 400) * 1.0

    def estimate_without(i: int) -> float:
        w, r = np.delete(weights, i), np.delete(rewards, i)
        return float(w @ r / (w.sum() if self_normalised else len(w)) - relative * r.mean())

    left_out = np.array([estimate_without(i) for i in range(400)])
    apart = left_out.mean() - left_out
    known = np.sum(apart**3) / (6 * np.sum(apart**2) ** 1.5)
    found = intervals._acceleration(intervals.influence(sums_of(weights, rewards), self_normalised, relative))
    assert found == pytest.approx(known, rel=0.05)
    assert abs(known) > 0.005


def test_the_bootstrap_interval_is_efrons_of_its_replicates() -> None:
    """Efron (1987), eq. 2.3, with scipy's normal distribution, of the same 1,000 replicates."""
    rng = np.random.default_rng(13)
    weights, rewards = rng.lognormal(sigma=0.8, size=60), rng.exponential(size=60)
    sums = sums_of(weights, rewards)
    drawn = sums.resampled(1_000, 0)[:, 1]
    z = stats.norm.ppf(np.mean(drawn < (weights * rewards).mean()))
    apart = weights * rewards - (weights * rewards).mean()
    a = np.sum(apart**3) / (6 * np.sum(apart**2) ** 1.5)
    levels = [stats.norm.cdf(z + (z + q) / (1 - a * (z + q))) for q in stats.norm.ppf([0.05, 0.95])]
    assert intervals.bootstrap(sums, False, 0.9) == pytest.approx(np.quantile(drawn, levels))


def test_the_acceleration_is_a_sixth_of_the_skewness_and_never_more_than_a_sixth() -> None:
    assert intervals._acceleration(np.array([100.0] + [-1.0] * 100)) == pytest.approx(100 / 6 / 100, rel=0.05)
    assert intervals._acceleration(np.array([3.0, -1.0, -1.0, -1.0])) == pytest.approx((27 - 3) / 12**1.5 / 6)
    assert intervals._acceleration(np.array([1e3, *np.zeros(5)])) == pytest.approx(1 / 6)
    assert intervals._acceleration(np.zeros(3)) == 0.0


def test_the_heaviest_user_is_worth_so_many_rows() -> None:
    """The farthest row weighs 4; a user who bought for 10 is worth 2.5 of them, nobody less than one."""
    assert intervals._heaviest(np.array([10.0, -3.0]), (-1.0, 4.0)) == 2.5
    assert intervals._heaviest(np.array([-10.0, 3.0]), (-4.0, 1.0)) == 2.5
    assert intervals._heaviest(np.array([2.0]), (-1.0, 4.0)) == 1.0
    assert intervals._heaviest(np.array([2.0]), (0.0, 0.0)) == 1.0


def test_a_quantile_of_few_users_is_students() -> None:
    assert intervals._students_due(4.0, 0.975) == pytest.approx(2.776445 / 1.959964, rel=1e-5)


def test_the_farthest_row_of_a_difference_by_hand() -> None:
    """Weights 0.5 to 3, rewards 0 and 1: w r - r is at least -0.5 and at most 2, its mean (3 - 1) / 3 aside."""
    sums = sums_of(np.array([0.5, 3.0, 1.0]), np.array([0.0, 1.0, 0.0]))
    low, high = intervals._farthest(sums, False, True, None, None)
    assert (low, high) == pytest.approx((-0.5 - 2 / 3, 2.0 - 2 / 3))
    low, high = intervals._farthest(sums, False, False, (0.0, 2.0), 5.0)
    assert (low, high) == pytest.approx((0.0 - 1.0, 10.0 - 1.0))
