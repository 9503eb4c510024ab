"""Where settings are tried: seasons are those of a comparison, blocks of a log are learned before and judged after."""

from __future__ import annotations

import numpy as np
import pytest
from seasons import product, season

from benchmarks.compare import compare
from benchmarks.tuning import tried
from benchmarks.tuning.tried import Blocks, Seasons
from envs.feedback import LogError, LoggedFeedback
from policies.policy import Decisions, Feedback, PolicyError, Problem
from simulator.scenario import ScenarioError

SMALL = season(days=4.0)
N, K = 240, 3


def log(n: int = N) -> LoggedFeedback:
    """Action 0 pays early, action 2 late; logged with unequal chances 0.5, 0.3, 0.2."""
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(0, 8, n))
    chosen = rng.choice(K, n, p=[0.5, 0.3, 0.2])
    worth = np.where(times[:, None] < 3, [0.9, 0.2, 0.1], [0.0, 0.2, 0.9])
    rewards = (rng.random(n) < worth[np.arange(n), chosen]).astype(float)
    decisions = Decisions(times, np.ones((n, 1)), np.empty((K, 0)), np.ones((n, K), bool))
    return LoggedFeedback(Feedback(decisions, chosen, np.array([0.5, 0.3, 0.2])[chosen], rewards))


@pytest.mark.parametrize("objective", ["units", "margin", "reward"])
def test_a_season_is_worth_what_a_comparison_says(objective: str) -> None:
    found = compare(SMALL, ["newest", "linucb(alpha=0.1)"], seeds=[3, 4])
    question = Seasons(SMALL, objective)
    for call in ("newest", "linucb(alpha=0.1)"):
        assert question.values(call, [3, 4]) == pytest.approx(found.values(call, objective))


def test_searched_launches_are_those_of_a_comparison_without_their_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    launching = {"first": 0.0, "every": 1.0, "windows": 2, "capacity": 2, "horizon": 1.0}
    products = [product(0, incumbent=True)] + [product(k, launch=None) for k in range(1, 7)]
    scenario = season(question="launch", launching=launching, products=products)
    compared = compare(scenario, ["linucb"], seeds=[3, 4]).values("linucb", "units")
    monkeypatch.delattr("envs.simulated.Prospects")
    assert Seasons(scenario).values("linucb", [3, 4]) == compared.tolist()


def test_fresh_seasons_are_judged_as_a_comparison_does() -> None:
    values, refusal = Seasons(SMALL, "revenue").judged(["uniform", "newest"], [0, 1, 2])
    found = compare(SMALL, ["uniform", "newest"], seeds=3)
    assert values["newest"] == pytest.approx(found.values("newest", "revenue"))
    assert refusal == ""


def test_seasons_searched_on_are_far_from_those_that_comparisons_use() -> None:
    _, searched, judged = tried.named("spring_launch", None, 5, 20)
    assert min(searched) >= 1_000_000
    assert list(judged) == list(range(20))


def test_a_block_is_judged_with_what_was_learned_before_it_alone() -> None:
    blocks = Blocks(log(), 4, "ips")
    feedback = log().feedback
    values = blocks.values("popularity(epsilon=0.0)", [1, 3])
    for block, value in zip((1, 3), values, strict=True):
        before, rows = slice(0, 60 * block), slice(60 * block, 60 * (block + 1))
        means = [feedback.rewards[before][feedback.chosen[before] == k].mean() for k in range(K)]
        best = int(np.argmax(means))
        match = feedback.chosen[rows] == best
        assert value == pytest.approx(np.mean(match * feedback.rewards[rows] / feedback.propensities[rows]))


def test_blocks_are_valued_alike_in_one_pass_and_alone() -> None:
    blocks = Blocks(log(), 6, "dr")
    together = blocks.values("linucb", [2, 3, 5])
    assert together == [blocks.values("linucb", [part])[0] for part in (2, 3, 5)]
    assert blocks.together([2, 3, 5]) == [(2, 3, 5)]


def test_replays_are_of_single_blocks() -> None:
    blocks = Blocks(log(2_000), 4, "replay")
    assert blocks.together([1, 2]) == [(1,), (2,)]
    values = blocks.values("fixed_order(order=[2, 1, 0])", [1, 2, 3])
    late = log(2_000).feedback
    rows = slice(1_000, 1_500)
    shown = late.rewards[rows][late.chosen[rows] == 2]
    assert values[1] == pytest.approx(shown.mean(), abs=0.1)


def test_a_block_that_no_replay_can_answer_is_refused() -> None:
    with pytest.raises(LogError, match="block 1 of the log cannot be replayed by uniform: the log supports"):
        Blocks(log(), 20, "replay").values("uniform", [1])


def test_rows_that_cannot_say_what_a_policy_is_worth_refuse_the_judgement() -> None:
    few, refusal = Blocks(log(30), 5, "snips").judged(["fixed_order", "uniform"], [3, 4])
    assert set(few) == {"fixed_order", "uniform"}
    assert "are worth only" in refusal
    assert Blocks(log(3_000), 5, "snips").judged(["fixed_order"], [2, 3, 4])[1] == ""


def test_a_log_without_propensities_is_refused() -> None:
    with pytest.raises(LogError, match="must have propensities"):
        Blocks(LoggedFeedback(log().feedback, propensities="missing"), 4)


@pytest.mark.parametrize(
    ("where", "objective", "error", "told"),
    [
        ("spring_lunch", None, ScenarioError, "got 'spring_lunch'"),
        ("nowhere.toml", None, ScenarioError, "got 'nowhere.toml'"),
        ("nowhere.csv", None, LogError, "got 'nowhere.csv'"),
        ("spring_launch", "dr", PolicyError, "measure must be one of units, revenue, margin, reward .* got 'dr'"),
    ],
)
def test_what_is_not_there_is_one_line(where: str, objective: str | None, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        tried.named(where, objective, 2, 2)


def test_an_unknown_estimator_is_refused_before_any_work() -> None:
    with pytest.raises(PolicyError, match="got 'magic'"):
        Blocks(log(), 4, "magic")


def test_every_row_shows_the_products_as_they_looked_then() -> None:
    """A price cut in the middle of a block: who reads prices is asked with the old one before, the new one after."""
    whole = log(1_500).feedback
    dear, cheap = whole.take(slice(0, 800)), whole.take(slice(800, 1_500))
    dear.decisions.actions, cheap.decisions.actions = np.full((K, 1), 9.0), np.full((K, 1), 5.0)
    for objective in ("ips", "replay"):
        SEEN.clear()
        Blocks(LoggedFeedback([dear, cheap]), 3, objective).values(f"{__name__}:Reader", [1])
        assert {price for time, price in SEEN if time < cheap.decisions.times[0]} == {9.0}
        assert {price for time, price in SEEN if time >= cheap.decisions.times[0]} == {5.0}


SEEN: set[tuple[float, float]] = set()


class Reader:
    """Uniform; notes the price it is shown at each time."""

    def __init__(self, problem: Problem, *, seed: int = 0) -> None: ...

    def probabilities(self, decisions: Decisions) -> np.ndarray:
        SEEN.update((float(time), float(decisions.actions[0, 0])) for time in decisions.times)
        return decisions.available / decisions.available.sum(axis=1, keepdims=True)

    def learn(self, feedback: Feedback) -> None: ...


def test_a_replayed_block_learns_when_rewards_are_known() -> None:
    """Rewards that become known after the log ends teach nothing, so popularity finds nothing out."""
    feedback = log(2_000).feedback
    never = LoggedFeedback(feedback, known=feedback.decisions.times + 100.0)
    early, late = (
        Blocks(one, 4, "replay").values("popularity(epsilon=0.0)", [2])[0] for one in (LoggedFeedback(feedback), never)
    )
    assert early > late + 0.2


def test_another_look_of_the_products_is_another_question() -> None:
    first, other = log(), log()
    other.feedback.decisions.actions = np.ones((K, 1))
    assert Blocks(first, 4).name == Blocks(log(), 4).name != Blocks(other, 4).name
