"""Estimates against hand arithmetic, closed forms and laws that hold for every log."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.off_policy import Accumulator, estimate, evaluate, evaluate_shards
from benchmarks.off_policy.evidence import weigh
from benchmarks.off_policy.passes import InMemory
from benchmarks.off_policy.reward_models import maker
from envs.feedback import LogError
from policies.policy import Decisions, Feedback, Floats, PolicyError

ALL = ("ips", "snips", "dm", "dr", "sndr", "switch_dr", "dros", "mrdr", "mips")
SIMPLE = ("ips", "snips", "dm", "dr", "sndr", "switch_dr", "dros")


def log_of(chosen: list[int], propensities: list[float], rewards: list[float], K: int) -> Feedback:
    n = len(chosen)
    decisions = Decisions(np.arange(n) * 1.0, np.ones((n, 1)), np.empty((K, 0)), np.ones((n, K), dtype=bool))
    return Feedback(decisions, np.array(chosen), np.array(propensities), np.array(rewards))


class World:
    """Logging and target policies are softmax in the context; rewards are linear in it for each action, or 0 and 1."""

    def __init__(self, seed: int = 0, K: int = 4, d: int = 2, *, binary: bool = True) -> None:
        self.rng = np.random.default_rng(seed)
        self.K, self.binary = K, binary
        self.logging, self.target, self.slopes = (self.rng.normal(size=(d, K)) for _ in range(3))
        self._many = np.random.default_rng(seed + 1).normal(size=(200_000, d))

    @cached_property
    def truth(self) -> float:
        return float(np.mean(np.sum(self.policy(self._many) * self.means(self._many), axis=1)))

    def policy(self, contexts: Floats) -> Floats:
        return softmax(contexts @ (0.3 * self.logging + 0.5 * self.target))

    def means(self, contexts: Floats) -> Floats:
        linear = contexts @ self.slopes + np.arange(self.K) / self.K
        return 1.0 / (1.0 + np.exp(-linear)) if self.binary else linear

    def log(self, n: int, rng: np.random.Generator) -> tuple[Feedback, Floats]:
        contexts = rng.normal(size=(n, self.logging.shape[0]))
        chances = 0.1 / self.K + 0.9 * softmax(contexts @ (0.6 * self.logging))
        chosen = (rng.random((n, 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
        means = self.means(contexts)[np.arange(n), chosen]
        rewards = (rng.random(n) < means) * 1.0 if self.binary else means + rng.normal(size=n)
        looks = np.repeat(np.eye(self.K // 2), 2, axis=0)
        decisions = Decisions(np.arange(n) * 1.0, contexts, looks, np.ones((n, self.K), dtype=bool))
        return Feedback(decisions, chosen, chances[np.arange(n), chosen], rewards), self.policy(contexts)


WORLD = World(1)


def softmax(scores: Floats) -> Floats:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


@pytest.fixture
def three() -> tuple[Feedback, Floats]:
    """Weights 0.5 / 0.25 = 2, 0.1 / 0.5 = 0.2 and 0.3 / 0.6 = 0.5; rewards 1, 4 and 2."""
    log = log_of([0, 1, 0], [0.25, 0.5, 0.6], [1.0, 4.0, 2.0], K=2)
    return log, np.array([[0.5, 0.5], [0.9, 0.1], [0.3, 0.7]])


def test_three_rows_by_hand(three: tuple[Feedback, Floats]) -> None:
    """IPS (2 x 1 + 0.2 x 4 + 0.5 x 2) / 3 = 3.8 / 3; SNIPS 3.8 / 2.7; ESS 2.7^2 / (4 + 0.04 + 0.25)."""
    table = estimate(*three, estimators=("ips", "snips"))
    assert table.loc["ips", "value"] == pytest.approx(3.8 / 3)
    assert table.loc["snips", "value"] == pytest.approx(3.8 / 2.7)
    assert table.loc["ips", "effective_sample_size"] == pytest.approx(2.7**2 / 4.29)
    assert table.loc["ips", "n"] == 3


def test_three_rows_with_a_model_by_hand(three: tuple[Feedback, Floats]) -> None:
    """Model q(0) = 1, q(1) = 3: expectations 2, 1.2 and 2.4 sum to 5.6; residuals 0, 1, 1; corrections 0, 0.2, 0.5.

    DM 5.6 / 3. DR (5.6 + 0.7) / 3. SNDR 5.6 / 3 + 0.7 / 2.7. Switch at 0.3 keeps the second row alone:
    (5.6 + 0.2) / 3. Shrinkage 1 makes 0.2 / 1.04 of the second weight and 0.5 / 1.25 of the third.
    """
    predictions = np.tile([1.0, 3.0], (3, 1))
    table = estimate(*three, SIMPLE, predictions=predictions)
    assert table.loc["dm", "value"] == pytest.approx(5.6 / 3)
    assert table.loc["dr", "value"] == pytest.approx(6.3 / 3)
    assert table.loc["sndr", "value"] == pytest.approx(5.6 / 3 + 0.7 / 2.7)
    tuned = ("switch_dr(threshold=0.3)", "dros(shrinkage=1)")
    table = estimate(*three, tuned, predictions=predictions)
    assert table["value"].to_numpy() == pytest.approx([5.8 / 3, (5.6 + 0.2 / 1.04 + 0.5 / 1.25) / 3])
    assert list(table.index) == list(tuned)


def test_clipping_caps_the_weights(three: tuple[Feedback, Floats]) -> None:
    """At 1.5 the first weight is 1.5: (1.5 + 0.8 + 1) / 3."""
    accumulator = Accumulator("ips", clip=1.5)
    accumulator.add(weigh(*three), 0)
    assert accumulator.value() == pytest.approx(3.3 / 3)


def test_ips_of_the_logging_policy_is_the_mean_reward() -> None:
    rng = np.random.default_rng(3)
    chances = rng.dirichlet(np.ones(3), 200)
    chosen = (rng.random((200, 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
    log = log_of(list(chosen), list(chances[np.arange(200), chosen]), list(rng.normal(size=200)), K=3)
    table = estimate(log, chances, ("ips", "snips"))
    assert table["value"].to_numpy() == pytest.approx(log.rewards.mean())
    assert list(table["verdict"]) == ["cannot tell", "cannot tell"]


def test_doubly_robust_with_a_perfect_model_varies_as_little_as_the_model() -> None:
    world = World(binary=False)
    log, probabilities = world.log(500, world.rng)
    means = world.means(log.decisions.contexts)
    log.rewards = means[np.arange(500), log.chosen]
    table = estimate(log, probabilities, predictions=means, method="student_t")
    assert table.loc["dr", "value"] == pytest.approx(table.loc["dm", "value"])
    assert table.loc["dr", "upper"] == pytest.approx(table.loc["dm", "upper"])
    assert table.loc["dr", "upper"] - table.loc["dr", "lower"] < 0.7 * (
        table.loc["ips", "upper"] - table.loc["ips", "lower"]
    )


def test_doubly_robust_with_a_zero_model_is_ips() -> None:
    world = World()
    log, probabilities = world.log(300, world.rng)
    table = estimate(log, probabilities, ("ips", "dr", "snips", "sndr"), predictions=np.zeros((300, 4)))
    for plain, robust in (("ips", "dr"), ("snips", "sndr")):
        assert (
            table.loc[plain, ["value", "lower", "upper"]].tolist()
            == table.loc[robust, ["value", "lower", "upper"]].tolist()
        )


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 499), max_size=6), st.integers(0, 2**32 - 1))
def test_any_split_merges_to_one_pass(cuts: list[int], seed: int) -> None:
    world = WORLD
    log, probabilities = world.log(500, np.random.default_rng(seed))
    log.rewards = 1e3 + log.rewards
    predictions = world.means(log.decisions.contexts)
    for name in SIMPLE:
        whole, parts = Accumulator(name), Accumulator(name)
        whole.add(weigh(log, probabilities, predictions), 0)
        for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 500], strict=True):
            rows, part = slice(start, stop), Accumulator(name)
            part.add(weigh(log.take(rows), probabilities[rows], predictions[rows]), start)
            parts.merge(part)
        assert parts.value() == pytest.approx(whole.value(), rel=1e-12)
        assert parts.value(relative=True) == pytest.approx(whole.value(relative=True), rel=1e-9, abs=1e-9)
        for method in ("gamma", "confidence_sequence"):
            assert parts.interval(method=method) == pytest.approx(whole.interval(method=method), rel=1e-11)


@settings(max_examples=12, deadline=None)
@given(st.permutations(range(40)), st.permutations(range(4)))
def test_neither_row_order_nor_names_of_actions_matter(order: list[int], names: list[int]) -> None:
    world = WORLD
    log, probabilities = world.log(40, np.random.default_rng(5))
    predictions = world.means(log.decisions.contexts)
    before = estimate(log, probabilities, SIMPLE, predictions=predictions, method="student_t")
    old = np.argsort(names)  # action a becomes names[a]
    renamed = log.take(np.array(order))
    renamed.chosen = np.array(names)[renamed.chosen]
    shuffled = (probabilities[order][:, old], predictions[order][:, old])
    after = estimate(renamed, shuffled[0], SIMPLE, predictions=shuffled[1], method="student_t")
    columns = ["value", "lower", "upper", "effective_sample_size"]
    np.testing.assert_allclose(after[columns].to_numpy(), before[columns].to_numpy(), rtol=1e-9)


def test_shards_on_workers_give_what_one_pass_gives() -> None:
    """The second shard starts at an odd row, so folds and groups must follow the row's place in the whole log."""
    world = World(3)
    log, probabilities = world.log(700, world.rng)
    shards = [
        InMemory(log.take(rows), probabilities[rows]) for rows in (slice(0, 233), slice(233, 600), slice(600, 700))
    ]
    with ThreadPoolExecutor(2) as pool:
        merged = evaluate_shards(pool, shards, ALL, placebo=True).table()
    single = evaluate(InMemory(log, probabilities), ALL).table()
    columns = ["value", "lower", "upper", "effective_sample_size"]
    np.testing.assert_allclose(merged[columns].to_numpy(), single[columns].to_numpy(), rtol=1e-6)  # MIPS: optimiser
    simple = [name for name in ALL if name != "mips"]
    np.testing.assert_allclose(merged.loc[simple, "value"], single.loc[simple, "value"], rtol=1e-12)
    assert list(merged["verdict"]) == list(single["verdict"])


@pytest.mark.parametrize("processes", [False, True])
def test_shards_on_a_cluster_give_what_one_pass_gives(processes: bool) -> None:
    """With processes everything is pickled on its way: models, shards, what was seen."""
    distributed = pytest.importorskip("distributed")
    world = World(3)
    log, probabilities = world.log(700, world.rng)
    shards = [InMemory(log.take(rows), probabilities[rows]) for rows in (slice(0, 233), slice(233, 700))]
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=processes, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        merged = evaluate_shards(client.get_executor(), shards, SIMPLE).table()
    single = evaluate(InMemory(log, probabilities), SIMPLE, placebo=False).table()
    columns = ["value", "lower", "upper", "effective_sample_size"]
    np.testing.assert_allclose(merged[columns].to_numpy(), single[columns].to_numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", ["ips", "snips", "dr", "sndr", "mrdr", "switch_dr", "dros(shrinkage=1000)", "dm"])
def test_estimates_are_unbiased_and_their_intervals_cover(name: str) -> None:
    """250 logs of 400 rows: 95% coverage within three binomial standard errors, the mean within three of its own.

    The direct method assumes a true model and gets one; ratios may be off by their bias of order 1 / n.
    """
    world = World(4)
    rng = np.random.default_rng(6)
    methods = ("bootstrap", "student_t")
    values, hits = [], dict.fromkeys(methods, 0)
    for _ in range(250):
        log, probabilities = world.log(400, rng)
        model = world.means(log.decisions.contexts) if name == "dm" else None
        evaluation = evaluate(InMemory(log, probabilities, model), (name,), placebo=False)
        accumulator = evaluation.accumulators[name]
        values.append(accumulator.value())
        for method in methods:
            lower, upper = accumulator.interval(method=method)
            hits[method] += lower <= world.truth <= upper
    assert abs(np.mean(values) - world.truth) < 3 * np.std(values) / np.sqrt(250) + (
        0.005 if name in ("snips", "sndr") else 0
    )
    for count in hits.values():
        assert abs(count / 250 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 250)


def test_better_policies_are_told_from_worse_ones() -> None:
    """Action 1 earns 0.6, action 0 earns 0.4, the log plays both alike."""
    rng = np.random.default_rng(7)
    chosen = rng.integers(0, 2, 4_000)
    log = log_of(list(chosen), [0.5] * 4_000, list((rng.random(4_000) < 0.4 + 0.2 * chosen) * 1.0), K=2)
    good = estimate(log, np.tile([0.1, 0.9], (4_000, 1)))
    bad = estimate(log, np.tile([0.9, 0.1], (4_000, 1)))
    assert list(good.loc[["ips", "snips", "dr"], "verdict"]) == ["deploy-worthy"] * 3
    assert list(bad.loc[["ips", "snips", "dr"], "verdict"]) == ["worse"] * 3
    assert (
        f"{good.loc['snips', 'value']:.4g} a decision against {log.rewards.mean():.4g}" in good.loc["snips", "reason"]
    )


def test_marginal_weights_pay_where_actions_look_alike() -> None:
    """Actions 0 and 1 look alike and earn alike: MIPS is unbiased and narrower than IPS."""
    rng = np.random.default_rng(8)
    n = 6_000
    chosen = rng.choice(4, n, p=[0.05, 0.45, 0.25, 0.25])
    log = log_of(list(chosen), list(np.array([0.05, 0.45, 0.25, 0.25])[chosen]), list((chosen < 2) * 1.0 + 1.0), K=4)
    log.decisions.actions = np.array([[0.0], [0.0], [1.0], [1.0]])
    table = estimate(log, np.tile([0.6, 0.0, 0.2, 0.2], (n, 1)), ("ips", "mips"))
    assert table.loc["mips", "value"] == pytest.approx(1.6, abs=0.03)
    assert table.loc["mips", "effective_sample_size"] > 3 * table.loc["ips", "effective_sample_size"]


def test_a_model_fitted_to_vary_least_varies_less() -> None:
    """Action 0, rarely logged and always chosen, follows another line than all else the log shows: only the weighted
    fit of one line for all actions follows it where it matters."""
    rng = np.random.default_rng(11)
    n = 4_000
    contexts = rng.normal(size=(n, 1))
    chosen = (rng.random(n) > 0.1).astype(np.int64)
    decisions = Decisions(np.arange(n) * 1.0, contexts, np.empty((2, 0)), np.ones((n, 2), dtype=bool))
    rewards = np.where(chosen == 0, 3.0, -3.0) * contexts[:, 0] + rng.normal(size=n)
    log = Feedback(decisions, chosen, np.where(chosen == 0, 0.1, 0.9), rewards)
    line = maker("sklearn.linear_model:LinearRegression()")
    table = estimate(log, np.tile([1.0, 0.0], (n, 1)), ("dr", "mrdr"), reward_model=line)
    width = table["upper"] - table["lower"]
    assert width["mrdr"] < 0.8 * width["dr"]
    assert table["value"].to_numpy() == pytest.approx([0.0, 0.0], abs=0.5)


def test_a_wrong_propensity_is_noticed() -> None:
    world = World(9)
    log, probabilities = world.log(4_000, world.rng)
    log.propensities = log.propensities * np.where(log.chosen == 0, 0.5, 1.0)
    table = estimate(log, probabilities, ("ips",), placebo=True)
    assert table.loc["ips", "verdict"] == "refuse"
    assert "where 1 is due" in table.loc["ips", "reason"]


def test_a_true_log_passes_its_placebo() -> None:
    world = World(10)
    health = evaluate(InMemory(*world.log(5_000, world.rng)), ("ips",)).health()
    assert health.placebo is not None
    assert health.placebo_weight is not None
    assert health.placebo[1] <= health.observed <= health.placebo[2]
    assert abs(health.placebo_weight[0] - 1.0) < 4 * health.placebo_weight[1]


def of_three(n: int, seed: int = 7) -> Feedback:
    """Three actions shown at random that earn 0.1, 0.2 and 0.3."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, 3, n)
    return log_of(list(chosen), [1 / 3] * n, list((rng.random(n) < 0.1 + 0.1 * chosen) * 1.0), K=3)


@pytest.mark.parametrize("decimals", [2, 4, 6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rounded_propensities_neither_refuse_a_log_nor_make_a_policy_better_than_itself(
    decimals: int, dtype: type
) -> None:
    """A third written as 0.33: the log's own policy, told again, is worth 1.01 times the log."""
    log = of_three(6_000)
    log.propensities = np.round(log.propensities, decimals)
    same = np.full((6_000, 3), 1 / 3, dtype)
    for estimator, row in estimate(log, same, ("ips", "snips"), placebo=True).iterrows():
        assert row.verdict == "cannot tell", estimator
        assert "earned" in row.reason
    assert estimate(log, np.tile([0.0, 0.0, 1.0], (6_000, 1)), ("ips",)).loc["ips", "verdict"] == "deploy-worthy"


def test_weights_that_are_all_equally_wrong_are_refused() -> None:
    """0.5 where each of three actions was shown at random: every weight is 2/3, with no spread at all."""
    log = of_three(6_000)
    log.propensities[:] = 0.5
    table = estimate(log, np.full((6_000, 3), 1 / 3), ("ips",))
    assert table.loc["ips", "verdict"] == "refuse"
    assert "average 0.667 where 1 is due" in table.loc["ips", "reason"]


def test_a_value_beyond_the_largest_reward_lies_in_its_interval() -> None:
    """Stars 4 and 5, and a sample that shows action 1 more often than half: IPS says 5.2 of at most 5."""
    chosen = [0] * 90 + [1] * 110
    log = log_of(chosen, [0.5] * 200, [4.0, 5.0, 5.0, 5.0] * 50, K=2)
    for method in ("gamma", "bootstrap", "student_t", "confidence_sequence(reward_range=(1, 5))"):
        row = estimate(log, np.tile([0.0, 1.0], (200, 1)), ("ips",), method=method).loc["ips"]
        assert row.value > 5.0
        assert row.lower <= row.value <= row.upper, method


def of_looks(n: int) -> tuple[Feedback, Floats]:
    """200 actions of 5 looks, shown at random; the policy wants one of each look. Only the look earns."""
    rng = np.random.default_rng(12)
    chosen = rng.integers(0, 200, n)
    log = log_of(list(chosen), [1 / 200] * n, list((rng.random(n) < 0.1 * (1 + chosen % 5)) * 1.0), K=200)
    log.decisions.actions = (np.arange(200) % 5 * 1.0)[:, None]
    wanted = np.zeros(200)
    wanted[:5] = [0.1, 0.1, 0.2, 0.2, 0.4]
    return log, np.tile(wanted, (n, 1))


def test_what_actions_look_like_is_judged_by_the_sample_of_looks() -> None:
    """IPS has the rows of five actions of 200, about 30 rows' worth; MIPS nearly all, and needs no action itself."""
    log, probabilities = of_looks(2_000)
    table = estimate(log, probabilities, ("ips", "mips"))
    assert table.loc["ips", "verdict"] == "refuse"
    assert "worth only" in table.loc["ips", "reason"]
    assert table.loc["mips", "effective_sample_size"] > 1_000
    assert table.loc["mips", "verdict"] == "deploy-worthy"  # 0.1 (1 + 2 + 6 + 8 + 20) x 0.1 = 0.37 against 0.3


def test_a_look_that_the_log_shows_supports_an_action_that_it_does_not() -> None:
    log, probabilities = of_looks(2_000)
    kept = log.take(log.chosen != 4)
    kept.propensities[:] = 1 / 199
    kept.decisions.available[:, 4] = True
    evaluation = evaluate(InMemory(kept, probabilities[: len(kept)]), ("ips", "mips"), placebo=False)
    assert evaluation.health().unsupported == pytest.approx(0.4)
    assert evaluation.health("marginal").unsupported == 0.0


def test_an_estimator_that_switched_all_weights_off_has_no_verdict() -> None:
    """Weights of 3 above a threshold of 2: what is left is the model alone, with a sample of nothing."""
    table = estimate(of_three(6_000), np.tile([0.0, 0.0, 1.0], (6_000, 1)), ("switch_dr(threshold=2)",))
    row = table.iloc[0]
    assert row.effective_sample_size == 0.0
    assert row.verdict == "refuse"


def test_the_estimator_to_go_by_neither_clips_nor_shrinks_nor_looks() -> None:
    """However narrow they are: where the log weighs plainly, a plain estimator is gone by."""
    log, probabilities = of_looks(6_000)
    bold = ("dm", "dros(shrinkage=1)", "switch_dr(threshold=1)", "ips(clip=2)", "mips")
    for plain in ("ips", "snips", "dr"):
        assert evaluate(InMemory(log, probabilities), (*bold, plain)).choice()[0] == plain
    assert evaluate(InMemory(log, probabilities), ("ips(clip=1000)", "dm")).choice()[0] == "ips(clip=1000)"
    assert evaluate(InMemory(log, probabilities), bold).choice()[0] in bold


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"estimators": ("magic",)}, r"one of ips, .*got 'magic'"),
        ({"estimators": ("ips(cap=3)",)}, r"ips setting must be one of clip, got 'cap'"),
        ({"estimators": ("dm(clip=3)",)}, r"dm setting must be one of \(none\), got 'clip'"),
        ({"estimators": ("dros(shrinkage=-1)",)}, r"dros shrinkage must be a number above 0, got -1"),
        ({"method": "guess"}, r"one of gamma, .*got 'guess'"),
        ({"confidence": 1.0}, r"confidence must lie between 0 and 1, got 1.0"),
        ({"probabilities": np.full((3, 2), 0.4)}, r"sum to 1, got \[0.4 0.4\] in row 0"),
        ({"probabilities": np.full((3, 3), 1 / 3)}, r"shape \(3, 2\), got \(3, 3\)"),
        ({"predictions": np.zeros((3, 3))}, r"predictions must have shape \(3, 2\), got \(3, 3\)"),
    ],
)
def test_bad_input_is_named(three: tuple[Feedback, Floats], change: dict[str, object], message: str) -> None:
    arguments = {"feedback": three[0], "probabilities": three[1], **change}
    with pytest.raises(PolicyError, match=message):
        estimate(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("propensities", np.nan, "propensity must be above 0 and at most 1, got nan in row 1"),
        ("propensities", 0.0, "propensity must be above 0 and at most 1, got 0.0 in row 1"),
        ("propensities", 1.2, "propensity must be above 0 and at most 1, got 1.2 in row 1"),
        ("rewards", np.inf, "reward must be finite, got inf in row 1"),
        ("chosen", 2, "chosen must be an available action, got 2 in row 1"),
        ("chosen", -1, "chosen must be an available action, got -1 in row 1"),
    ],
)
def test_an_impossible_row_is_named(three: tuple[Feedback, Floats], column: str, value: float, message: str) -> None:
    log, probabilities = three
    getattr(log, column)[1] = value
    with pytest.raises(LogError, match=re.escape(message)):
        estimate(log, probabilities)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("student_t(df=3)", r"student_t setting must be one of \(none\), got 'df'"),
        ("bootstrap(reward_range=(0, 1))", "bootstrap setting must be one of replicates, seed, got 'reward_range'"),
        ("confidence_sequence(reward_range=(0, 0.5))", r"reward_range must hold the log's rewards, 0 to 1, got"),
        ("empirical_bernstein(largest_weight=1.5)", "largest_weight must be at least the log's, 2, got 1.5"),
    ],
)
def test_a_setting_that_an_interval_cannot_have_is_named(
    three: tuple[Feedback, Floats], method: str, message: str
) -> None:
    log, probabilities = three
    log.rewards = np.array([1.0, 0.0, 1.0])
    with pytest.raises(PolicyError, match=message):
        estimate(log, probabilities, ("ips",), method=method)


def test_intervals_by_call_are_those_by_argument() -> None:
    log, probabilities = WORLD.log(300, np.random.default_rng(0))
    found = estimate(log, probabilities, ("ips",), method="empirical_bernstein(reward_range=(-1, 2))").loc["ips"]
    narrow = estimate(log, probabilities, ("ips",), method="empirical_bernstein").loc["ips"]
    by_hand = Accumulator("ips")
    by_hand.add(weigh(log, probabilities), 0)
    assert (found.lower, found.upper) == by_hand.interval(method="empirical_bernstein", reward_range=(-1.0, 2.0))
    assert found.lower < narrow.lower < narrow.upper < found.upper


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(LogError, match="log must have at least one row, got none"):
        estimate(log_of([], [], [], K=2), np.empty((0, 2)))


def test_rows_keep_their_number_in_errors() -> None:
    world = World(1)
    log, probabilities = world.log(17_000, world.rng)
    log.rewards[16_999] = np.nan
    with pytest.raises(LogError, match="got nan in row 16999"):
        estimate(log, probabilities, ("ips",))


@pytest.mark.data
def test_the_published_value_of_thompson_sampling_is_met(data: Path) -> None:
    """README of Open Bandit Pipeline: 0.004553, which is 1.198126 times the uniform policy's, from 100,000 simulated
    draws. Ours integrates; their simulation error is about 0.5% of the weights of 38 clicks."""
    from benchmarks.off_policy.bernoulli_ts import probabilities
    from envs.open_bandit import load

    log = load("random", "all", data / "open_bandit")
    assert log.positions is not None
    table = estimate(log.feedback, probabilities("all", log.positions), ("ips", "snips"))
    assert table.loc["ips", "value"] == pytest.approx(0.004553, rel=0.01)
    assert table.loc["ips", "value"] / log.feedback.rewards.mean() == pytest.approx(1.198126, rel=0.01)
    assert list(table["verdict"]) == ["cannot tell", "cannot tell"]  # 38 clicks decide nothing
