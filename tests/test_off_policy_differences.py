"""One policy against another on the same rows: paired, adjusted, and ordered by what they are worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.off_policy import Evaluation, evaluate
from benchmarks.off_policy.differences import _verdict, difference, differences, ranked
from benchmarks.off_policy.passes import InMemory
from policies.policy import Decisions, Feedback, Floats, PolicyError

WORTH = np.array([0.2, 0.4, 0.6])


def log_of(n: int, seed: int = 0) -> Feedback:
    """Three actions shown at random that earn 0.2, 0.4 and 0.6."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, 3, n)
    decisions = Decisions(np.arange(n) * 1.0, np.ones((n, 1)), np.empty((3, 0)), np.ones((n, 3), dtype=bool))
    return Feedback(decisions, chosen, np.full(n, 1 / 3), (rng.random(n) < WORTH[chosen]) * 1.0)


def judged(log: Feedback, chances: list[float], *estimators: str) -> Evaluation:
    answers: Floats = np.tile(chances, (len(log), 1))
    return evaluate(InMemory(log, answers), estimators or ("ips", "snips"), placebo=False)


FIRST, SECOND, THIRD = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]


def test_the_difference_is_the_paired_one() -> None:
    """Many tame rows: Student's interval of w r of the one less w r of the other, row by row."""
    log = log_of(20_000)
    found = difference(judged(log, THIRD).accumulators["ips"], judged(log, SECOND).accumulators["ips"])
    one, other = (3 * np.array(chances)[log.chosen] * log.rewards for chances in (THIRD, SECOND))
    known = stats.ttest_rel(one, other).confidence_interval(0.95)
    assert found[0] == pytest.approx(np.mean(one - other))
    assert found[1:] == pytest.approx((known.low, known.high), abs=0.03 * (known.high - known.low))


@pytest.mark.parametrize("estimator", ["ips", "snips", "dr"])
def test_turned_round_it_is_the_mirror(estimator: str) -> None:
    log = log_of(2_000)
    one, other = (judged(log, chances, estimator).accumulators[estimator] for chances in (THIRD, FIRST))
    value, lower, upper = difference(one, other)
    assert difference(other, one) == pytest.approx((-value, -upper, -lower))
    assert lower < value < upper


def test_paired_is_narrower_than_apart() -> None:
    """Two policies that nearly always agree: what the log's luck did to both is in neither."""
    log = log_of(4_000)
    one, other = (judged(log, chances).accumulators["ips"] for chances in ([0.1, 0.1, 0.8], [0.1, 0.11, 0.79]))
    _, lower, upper = difference(one, other)
    alone = one.interval()
    assert upper - lower < 0.25 * (alone[1] - alone[0])


def test_the_interval_of_a_difference_holds() -> None:
    """250 logs of 600 rows; 0.8 x (0.6 - 0.4) + 0.1 x (0.4 - 0.6) = 0.14."""
    held = 0
    for seed in range(250):
        log = log_of(600, seed)
        _, lower, upper = difference(judged(log, THIRD).accumulators["ips"], judged(log, SECOND).accumulators["ips"])
        held += lower <= 0.14 <= upper
    assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / 250) < held / 250


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((0.3, 0.2, 0.4), "better"),
        ((-0.3, -0.4, -0.2), "worse"),
        ((0.3, -0.1, 0.7), "cannot tell"),
        ((0.3, np.nan, np.nan), "cannot tell"),
    ],
)
def test_the_interval_of_a_difference_decides_its_verdict(found: tuple[float, float, float], verdict: str) -> None:
    log = log_of(2_000)
    assert _verdict(judged(log, THIRD), judged(log, FIRST), "ips", found)[0] == verdict


def test_other_rows_cannot_be_compared() -> None:
    with pytest.raises(PolicyError, match="judged on the same rows"):
        difference(judged(log_of(100), FIRST).accumulators["ips"], judged(log_of(101), FIRST).accumulators["ips"])


def test_a_policy_better_than_the_log_may_be_far_below_another() -> None:
    log = log_of(6_000)
    evaluations = {"middling": judged(log, [0.1, 0.5, 0.4]), "best": judged(log, THIRD), "worst": judged(log, FIRST)}
    assert evaluations["middling"].table().loc["ips", "verdict"] == "deploy-worthy"
    assert ranked(evaluations) == ["best", "middling", "worst"]
    found = differences(evaluations).set_index("policy")
    assert (found.baseline == "best").all()
    assert list(found.index) == ["middling", "worst"]
    assert list(found.verdict) == ["worse", "worse"]
    against = differences(evaluations, "worst").set_index("policy")
    assert list(against.index) == ["best", "middling"]
    assert list(against.verdict) == ["better", "better"]
    with pytest.raises(PolicyError, match="baseline must be one of middling, best, worst, got 'newest'"):
        differences(evaluations, "newest")


def test_more_comparisons_make_wider_intervals() -> None:
    log = log_of(1_000)
    two = {"a": judged(log, FIRST), "b": judged(log, THIRD)}
    few, many = differences(two, "b"), differences(two | {name: judged(log, SECOND) for name in "cdef"}, "b")
    alone, among = few.iloc[0], many[many.policy == "a"].iloc[0]
    level = 1 - 0.05 / 5
    known = difference(*(one.accumulators[among.estimator] for one in two.values()), level)
    assert among.lower < alone.lower < alone.upper < among.upper
    assert (among.lower, among.upper) == pytest.approx(known[1:])


def test_what_the_log_refuses_comes_last_and_is_compared_with_nothing() -> None:
    log = log_of(3_000)
    log = log.take(log.chosen < 2)
    log.propensities[:] = 0.5
    evaluations = {"unseen": judged(log, THIRD), "poor": judged(log, [0.9, 0.1, 0.0])}
    assert ranked(evaluations) == ["poor", "unseen"]
    row = differences(evaluations).iloc[0]
    assert row.verdict == "refuse"
    assert "80.0% of the policy's choices" in row.reason


def test_a_policy_and_its_copy_cannot_be_told_apart() -> None:
    log = log_of(1_000)
    assert differences({"one": judged(log, THIRD), "copy": judged(log, THIRD)}).iloc[0].verdict == "cannot tell"


def test_a_model_alone_does_not_tell_policies_apart() -> None:
    log = log_of(6_000)
    row = differences({"a": judged(log, FIRST, "dm"), "b": judged(log, THIRD, "dm")}).iloc[0]
    assert (row.policy, row.verdict) == ("a", "cannot tell")
    assert "in no interval" in row.reason


def test_twenty_policies_without_effect_seldom_have_one_that_is_said_to_be_better() -> None:
    """40 logs: without adjustment a third of them had one; together 5% may, up to three binomial standard errors."""
    rng = np.random.default_rng(1)
    n, plain, adjusted = 800, 0, 0
    decisions = Decisions(np.arange(n) * 1.0, np.ones((n, 1)), np.empty((6, 0)), np.ones((n, 6), dtype=bool))
    for _ in range(40):
        log = Feedback(decisions, rng.integers(0, 6, n), np.full(n, 1 / 6), (rng.random(n) < 0.3) * 1.0)
        found = [
            evaluate(InMemory(log, np.tile(rng.dirichlet(np.ones(6)), (n, 1))), ("snips",), placebo=False)
            for _ in range(20)
        ]
        plain += any((one.table().verdict == "deploy-worthy").any() for one in found)
        adjusted += any((one.table(comparisons=20).verdict == "deploy-worthy").any() for one in found)
    assert plain / 40 > 0.15
    assert adjusted / 40 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40)
