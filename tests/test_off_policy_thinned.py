"""Logs of which only some rows were kept: what is left, weighted, says what the whole log says."""

from __future__ import annotations

import numpy as np
import pytest

import policies
from benchmarks.off_policy import estimate, evaluate
from benchmarks.off_policy.evaluation import Accumulator
from benchmarks.off_policy.evidence import Evidence
from benchmarks.off_policy.judging import earned, judge
from benchmarks.off_policy.logging_model import LoggingModel
from benchmarks.off_policy.passes import InMemory, Streamed, lessons
from benchmarks.runner import run
from envs.feedback import LogError, LoggedFeedback
from envs.logged import Logged
from policies.policy import Decisions, Feedback, Floats

PLAIN = ("ips", "snips", "dm", "dr", "sndr", "switch_dr", "dros")


def shop(n: int, seed: int) -> tuple[Feedback, Floats]:
    """Three items shown unevenly, bought 5, 10 and 20 times in 100; a policy that shows the last one most."""
    rng = np.random.default_rng(seed)
    contexts = np.column_stack([np.ones(n), rng.normal(size=n)])
    chances = np.array([0.5, 0.3, 0.2])
    chosen = rng.choice(3, n, p=chances)
    rewards = (rng.random(n) < np.array([0.05, 0.1, 0.2])[chosen]) * 1.0
    decisions = Decisions(np.arange(n) * 0.01, contexts, np.empty((3, 0)), np.ones((n, 3), bool))
    wanted = 0.5 / (1 + np.exp(-contexts[:, 1]))
    answers = np.column_stack([wanted / 2, wanted / 2, 1 - wanted])
    return Feedback(decisions, chosen, chances[chosen], rewards), answers


def thinned(feedback: Feedback, seed: int, rate: float = 0.1) -> tuple[np.ndarray, Floats]:
    """Every purchase is kept and one in ten of the rest: their rows, and what each stands for."""
    kept = (feedback.rewards > 0) | (np.random.default_rng(seed).random(len(feedback)) < rate)
    return np.flatnonzero(kept), np.where(feedback.rewards > 0, 1.0, 1 / rate)[kept]


def test_a_row_of_weight_three_is_three_rows() -> None:
    """Every estimate, mean weight, support and calibration of the log written out row by row."""
    feedback, answers = shop(300, 0)
    counts = np.random.default_rng(1).integers(1, 4, 300)
    predictions = np.random.default_rng(2).random((300, 3))
    again = np.repeat(np.arange(300), counts)
    weighted = evaluate(InMemory(feedback, answers, predictions, counts=counts * 1.0), PLAIN, placebo=False)
    written = evaluate(InMemory(feedback.take(again), answers[again], predictions[again]), PLAIN, placebo=False)
    for name in PLAIN:
        one, other = weighted.accumulators[name], written.accumulators[name]
        assert one.value() == pytest.approx(other.value(), rel=1e-12)
        assert one.value(relative=True) == pytest.approx(other.value(relative=True), abs=1e-12)
    one, other = weighted.health(), written.health()
    same = ("observed", "mean_weight", "calibration_slope", "model_bias", "unsupported")
    assert [getattr(one, name) for name in same] == pytest.approx([getattr(other, name) for name in same], rel=1e-9)
    assert one.clipping[2.0] == pytest.approx(other.clipping[2.0], rel=1e-12)
    np.testing.assert_allclose(weighted.diagnosis.visits, written.diagnosis.shown)
    assert one.n == 300


@pytest.mark.parametrize("method", ["gamma", "student_t", "bootstrap"])
def test_only_the_ratio_of_the_weights_counts(method: str) -> None:
    feedback, answers = shop(8_000, 3)
    rows, counts = thinned(feedback, 4, 0.5)
    one, other = (
        estimate(feedback.take(rows), answers[rows], ("snips",), method=method, counts=counts * scale)
        for scale in (1.0, 0.25)
    )
    columns = ["value", "lower", "upper", "effective_sample_size"]
    assert one.loc["snips", columns].tolist() == pytest.approx(other.loc["snips", columns].tolist(), rel=1e-9)
    assert one.loc["snips", "verdict"] == other.loc["snips", "verdict"] == "deploy-worthy"


def test_spread_and_effective_sample_by_hand() -> None:
    """Weights 1 and 3 of rewards 1 and 0: mean 1/4; (1 x 3/4)^2 + (3 x 1/4)^2 over 4^2, times 2 / 1; 16 / 10 rows."""
    one = Accumulator("ips")
    nothing = np.zeros(2)
    one.add(Evidence(np.ones(2), np.array([1.0, 0.0]), nothing, nothing, None, np.array([1.0, 3.0])), 0)
    assert one.value() == 0.25
    assert one.sums.moments.error(3) ** 2 == pytest.approx(2 * (0.75**2 + 0.75**2) / 16)
    assert one.effective_sample_size() == pytest.approx(1.6)
    assert one.sums.independent == pytest.approx(1.6)
    assert one.sums.largest_count == 3.0


def test_thinned_logs_are_unbiased_and_their_intervals_hold_the_truth() -> None:
    """200 shops of 2,000 visits, purchases and a tenth of the rest kept: without weights the value is far too high."""
    values, held, naive = [], 0, 0
    _, answers = shop(200_000, 99)
    truth = float((answers @ [0.05, 0.1, 0.2]).mean())
    for seed in range(200):
        feedback, answers = shop(2_000, seed)
        rows, counts = thinned(feedback, 1_000 + seed)
        row = estimate(feedback.take(rows), answers[rows], ("ips",), counts=counts).loc["ips"]
        values.append(row.value)
        held += row.lower <= truth <= row.upper
        if seed < 20:
            naive += estimate(feedback.take(rows), answers[rows], ("ips",)).loc["ips", "lower"] > 2 * truth
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / np.sqrt(200))
    assert held >= 184  # of 190 due, 2 standard errors
    assert naive == 20


def test_subsamples_of_one_log_average_to_what_the_whole_log_says() -> None:
    feedback, answers = shop(3_000, 7)
    users = np.random.default_rng(8).integers(1, 600, 3_000).astype(np.uint64)
    whole = estimate(feedback, answers, ("snips", "dr"), users=users)
    found = []
    for seed in range(100):
        rows, counts = thinned(feedback, seed)
        found.append(estimate(feedback.take(rows), answers[rows], ("snips", "dr"), counts=counts, users=users[rows]))
    for name in ("snips", "dr"):
        values = np.array([table.loc[name, "value"] for table in found])
        assert values.mean() == pytest.approx(whole.loc[name, "value"], abs=4 * values.std() / 10 + 1e-3)
        wider = np.array([table.loc[name, "upper"] - table.loc[name, "lower"] for table in found])
        assert (wider > whole.loc[name, "upper"] - whole.loc[name, "lower"]).all()


def test_the_logging_policy_is_learned_from_visits_not_from_what_was_kept() -> None:
    """Purchases are all kept, so the rows overrate the item that sells: .2 of what was shown, .29 of the rows."""
    feedback, _ = shop(20_000, 5)
    rows, counts = thinned(feedback, 6)
    kept = feedback.take(rows)
    assert np.mean(kept.chosen == 2) > 0.28
    found = LoggingModel(kept, counts=counts).probabilities(kept.decisions)
    assert found.mean(axis=0) == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_a_thinned_log_on_disk_is_judged_as_in_memory(tmp_path) -> None:
    feedback, _ = shop(4_000, 9)
    rows, counts = thinned(feedback, 10)
    LoggedFeedback(feedback.take(rows), weights=counts).write(tmp_path / "log.parquet")
    log = LoggedFeedback.read(tmp_path / "log.parquet")
    uniform = np.full((len(rows), 3), 1 / 3)
    streamed = evaluate(Streamed(log, policies.load("uniform", log.problem)), ("snips", "dr", "mrdr")).table()
    memory = evaluate(InMemory(feedback.take(rows), uniform, counts=counts), ("snips", "dr", "mrdr")).table()
    columns = ["value", "lower", "upper"]
    np.testing.assert_allclose(streamed[columns].to_numpy(float), memory[columns].to_numpy(float), rtol=1e-9)
    assert streamed.loc["dr", "value"] == pytest.approx((0.05 + 0.1 + 0.2) / 3, abs=0.03)
    assert earned(log).value() == pytest.approx(np.average(feedback.take(rows).rewards, weights=counts))


def test_policies_learn_a_thinned_log_as_it_was_before() -> None:
    """A tenth of what was not bought is kept; lessons are as many as rows, and as often bought as visits were."""
    feedback, _ = shop(20_000, 11)
    rows, counts = thinned(feedback, 12)
    log = LoggedFeedback(feedback.take(rows), weights=counts)
    first = len(log) // 2
    taught = list(lessons(log, first, 100))
    rewards = np.concatenate([lesson.rewards for lesson in taught])
    half = log.weights[:first]
    assert len(rewards) == pytest.approx(first, abs=1)
    assert rewards.mean() == pytest.approx(np.average(log.feedback.rewards[:first], weights=half), abs=2e-2)
    times = np.concatenate([lesson.decisions.times for lesson in taught])
    assert (np.diff(times) >= 0).all()
    often = np.array([(times == time).sum() for time in log.feedback.decisions.times[:first]])
    assert (np.abs(often - half / half.mean()) < 1).all()


def test_lessons_of_a_whole_log_are_its_rows() -> None:
    feedback, _ = shop(50, 0)
    taught = np.concatenate([lesson.rewards for lesson in lessons(LoggedFeedback(feedback), 30, 7)])
    np.testing.assert_array_equal(taught, feedback.rewards[:30])


def test_replay_of_a_thinned_log_earns_what_the_shop_would_have() -> None:
    """The last item sells to 20 of 100. Of the rows kept 2 of 3 bought; each visit is accepted with chance .2 / 10."""
    feedback, _ = shop(60_000, 13)
    rows, counts = thinned(feedback, 14)
    log = LoggedFeedback(feedback.take(rows), weights=counts)
    values, scores = [], []
    for seed in range(8):
        environment = Logged(log, seed)
        run(policies.load("fixed_order", log.problem, order=[2, 1, 0]), environment, seed)
        report = environment.report()
        values.append(report.value)
        scores.append(report.z)
        assert report.floor == pytest.approx(0.2 / 10)
        assert report.accepted == pytest.approx(0.02 * report.visits, abs=5 * np.sqrt(0.02 * report.visits))
        assert report.refusal() is None
    assert np.mean(values) == pytest.approx(0.2, abs=0.03)
    assert np.abs(scores).max() < 3.3


def test_the_count_of_accepted_rows_of_thinned_logs_varies_as_its_test_says() -> None:
    """z over 200 logs, each thinned by itself, has spread 1."""
    scores = []
    for seed in range(200):
        feedback, _ = shop(3_000, 100 + seed)
        rows, counts = thinned(feedback, 500 + seed)
        environment = Logged(LoggedFeedback(feedback.take(rows), weights=counts), seed)
        for _ in environment.play(lambda d: _third(d)):
            pass
        scores.append(environment.report().z)
    assert np.mean(scores) == pytest.approx(0, abs=0.25)
    assert np.std(scores) == pytest.approx(1, abs=0.2)


def _third(decisions: Decisions):
    from envs.environment import Choices

    return Choices(np.full(len(decisions), 2), np.ones(len(decisions)))


@pytest.mark.parametrize("method", ["empirical_bernstein", "confidence_sequence"])
def test_intervals_for_a_known_number_of_visits_are_refused_in_one_line(method: str) -> None:
    feedback, answers = shop(6_000, 15)
    rows, counts = thinned(feedback, 16)
    row = estimate(feedback.take(rows), answers[rows], ("ips",), method=method, counts=counts).loc["ips"]
    assert np.isnan([row.lower, row.upper]).all()
    assert "thinned out" in row.reason
    assert "number of its visits is estimated" in row.reason


def test_pages_of_a_thinned_log_are_refused_in_one_line() -> None:
    feedback, _ = shop(60, 17)
    log = LoggedFeedback(feedback, weights=np.full(60, 2.0), positions=np.arange(60) % 2)
    with pytest.raises(LogError, match=r"slates must have all rows of their pages, got a log that was thinned out"):
        judge(log, "uniform", ["ips"], slates=True)
