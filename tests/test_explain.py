"""Why this product? Importance and coefficients against worlds whose answer is known, and the page that tells them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from seasons import season
from typer import Typer
from typer.testing import CliRunner

import policies
from benchmarks.commands.explain import explain as command
from benchmarks.compare import compare
from benchmarks.explain import Names, coefficients, explain, importance, names_of
from benchmarks.pages import explain_page, report
from envs.simulated import Simulated
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem
from simulator.scenario import ScenarioError

NAMES = Names(
    ["constant", "age", "height"],
    ["category hats", "category shoes", "price"],
    {"category": [0, 1], "price": [2]},
    ["Cap", "Boot", "Clog"],
)
LOOKS = np.array([[1.0, 0, 0.5], [0, 1, 1.0], [0, 1, 1.5]])


def visits(n: int, seed: int = 0) -> Decisions:
    rng = np.random.default_rng(seed)
    contexts = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    return Decisions(np.arange(n) / n, contexts, LOOKS, np.ones((n, 3), bool))


def lessons(n: int, seed: int = 0) -> Feedback:
    rng = np.random.default_rng(seed)
    decisions = visits(n, seed)
    chosen = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    rewards = 0.3 + decisions.contexts[:, 1] * np.array([0.5, -0.2, 0.0])[chosen] + rng.normal(size=n) * 0.1
    return Feedback(decisions, chosen, np.array([0.5, 0.3, 0.2])[chosen], rewards)


class ByAge:
    """The Cap to those above the mean age, the Boot to others: looks at nothing else."""

    def probabilities(self, decisions: Decisions) -> Floats:
        old = (decisions.contexts[:, 1] > 0).astype(float)
        return np.column_stack([old, 1 - old, np.zeros(len(old))])


class ByPrice:
    """The cheapest product."""

    def probabilities(self, decisions: Decisions) -> Floats:
        return np.tile(np.eye(3)[decisions.actions[:, 2].argmin()], (len(decisions), 1))


def test_only_what_a_policy_looks_at_matters_and_by_as_much_as_chance_says() -> None:
    decisions = visits(4_000)
    old = decisions.contexts[:, 1] > 0
    truth = np.column_stack([np.where(old, 1.0, 0.0), np.where(old, 0.0, 1.0), np.zeros(4_000)])
    table, expected = importance(ByAge(), decisions, truth, NAMES)
    rows = table.set_index("feature")
    share = old.mean()
    assert expected == 1.0
    # a shuffled age is on the other side with chance 2 p (1 - p), and the wrong product is worth nothing
    assert rows.changed["age"] == pytest.approx(2 * share * (1 - share), abs=0.02)
    assert rows.lost["age"] == pytest.approx(rows.changed["age"])
    assert rows.lost_lower["age"] < rows.lost["age"] < rows.lost_upper["age"]
    assert (rows.drop(index="age").changed == 0).all()
    assert table.feature.iloc[0] == "age"
    assert "constant" not in rows.index


def test_the_look_of_products_is_shuffled_between_products() -> None:
    table, _ = importance(ByPrice(), visits(50), np.tile([1.0, 0.5, 0.0], (50, 1)), NAMES, repeats=400)
    rows = table.set_index("feature")
    assert rows.changed["price"] == pytest.approx(2 / 3, abs=0.08)  # the lowest price stays with chance 1 / 3
    assert rows.lost["price"] == pytest.approx((0.5 + 1.0) / 3, abs=0.08)
    assert rows.changed["category"] == 0
    assert (rows.of[["category", "price"]] == "product").all()


def test_a_policy_that_ignores_everything_is_moved_by_nothing() -> None:
    uniform = policies.load("uniform", Problem(3, 3, 3))
    table, expected = importance(uniform, visits(50), np.tile([1.0, 0.5, 0.0], (50, 1)), NAMES)
    assert expected == pytest.approx(0.5)
    assert (table[["changed", "lost"]] == 0).all(axis=None)


@pytest.mark.parametrize("call", ["linucb", "linear_thompson", "epsilon_greedy"])
def test_coefficients_are_those_of_ridge_regression_solved_afresh(call: str) -> None:
    how = {"model": "ridge"} if call == "epsilon_greedy" else {}
    policy = policies.load(call, Problem(3, 3, 3), ridge=4.0, **how)
    feedback = lessons(900)
    policy.learn(feedback)
    table = coefficients(policy, feedback, NAMES).set_index(["product", "feature"])
    for k, product in enumerate(NAMES.products):
        mine = feedback.chosen == k
        x, r = feedback.decisions.contexts[mine], feedback.rewards[mine]
        inverse = np.linalg.inv(x.T @ x + 4 * np.eye(3))
        theta = inverse @ x.T @ r
        half = 1.959964 * np.std(r - x @ theta) * np.sqrt(np.diag(inverse))
        assert table.coefficient[product].to_numpy() == pytest.approx(theta)
        assert table.lower[product].to_numpy() == pytest.approx(theta - half)
        assert table.upper[product].to_numpy() == pytest.approx(theta + half)


@pytest.mark.parametrize("shared", ["actions", "outer"])
def test_hybrid_coefficients_are_those_of_ridge_regression_on_stacked_features(shared: str) -> None:
    policy = policies.load("linucb_hybrid", Problem(3, 3, 3), ridge=4.0, shared=shared)
    feedback = lessons(900)
    policy.learn(feedback)
    x, z = feedback.decisions.contexts, LOOKS[feedback.chosen]
    if shared == "outer":
        z = np.einsum("ni,nj->nij", x, z).reshape(len(x), -1)
    own = np.zeros((len(x), 3, 3))
    own[np.arange(len(x)), feedback.chosen] = x
    stacked = np.column_stack([z, own.reshape(len(x), -1)])
    inverse = np.linalg.inv(stacked.T @ stacked + 4 * np.eye(stacked.shape[1]))
    theta = inverse @ stacked.T @ feedback.rewards
    residuals = feedback.rewards - stacked @ theta
    noise = [residuals.std(), *(residuals[feedback.chosen == k].std() for k in range(3))]
    table = coefficients(policy, feedback, NAMES)
    assert table.coefficient.to_numpy() == pytest.approx(theta, abs=1e-8)
    half = 1.959964 * np.repeat(noise, [z.shape[1], 3, 3, 3]) * np.sqrt(np.diag(inverse))
    assert (table.upper - table.coefficient).to_numpy() == pytest.approx(half, rel=1e-5)
    assert table["product"].iloc[0] == "all products"
    assert table.feature.iloc[0] == ("category hats" if shared == "actions" else "constant x category hats")


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = []
    for seed in range(60):
        policy = policies.load("linucb", Problem(3, 3, 3), ridge=0.01)
        feedback = lessons(300, seed)
        policy.learn(feedback)
        table = coefficients(policy, feedback, NAMES).set_index(["product", "feature"]).loc["Cap"]
        held += [low <= true <= high for low, true, high in zip(table.lower, [0.3, 0.5, 0], table.upper, strict=True)]
    assert 0.9 <= np.mean(held) <= 0.99


def test_other_policies_have_no_coefficients() -> None:
    assert coefficients(policies.load("popularity", Problem(3, 3)), lessons(50), NAMES).empty


def test_features_and_products_go_by_the_names_people_use() -> None:
    names = names_of(Simulated(season(discounts=[0.2]), 0))
    assert [name.partition(" (")[0] for name in names.contexts] == ["constant", "feature 1", "feature 2"]
    assert names.actions[:2] == ["category category 0", "category category 1"]
    assert names.actions[-2:] == ["price", "discount"]
    assert names.groups["category"] == [0, 1]
    assert names.products[0] == "product 0"
    assert names.products[-1] == "product 3 -20%"


def test_a_feature_is_named_by_the_taste_it_tells_of() -> None:
    found = Simulated(season(users={"features": 1, "information": 1.0}, styles=1), 0)
    users = found.market.users
    sign = np.corrcoef(users.features[:, 1], users.tastes(0.0)[:, 0])[0, 1]
    assert abs(sign) == pytest.approx(1)  # one feature that tells all
    assert names_of(found).contexts[1] == f"feature 1 ({'likes' if sign > 0 else 'avoids'} style 1)"


def test_a_feature_that_tells_nothing_has_no_more_than_its_number() -> None:
    found = Simulated(season(users={"features": 2, "information": 0.0, "population": 4000}), 0)
    assert names_of(found).contexts == ["constant", "feature 1", "feature 2"]


def test_names_fit_what_a_season_asks() -> None:
    for scenario in ("spring_launch", "promotion_week", "launch_calendar", "cold_start"):
        environment = Simulated(scenario, 0)
        names = names_of(environment)
        problem = environment.problem
        assert (len(names.contexts), len(names.actions)) == (problem.n_context_features, problem.n_action_features)
        assert sorted(column for columns in names.groups.values() for column in columns) == list(
            range(len(names.actions))
        )
        prices = environment.market.catalogue.prices
        looks = environment._actions[: len(prices), names.actions.index("price")]
        assert looks == pytest.approx(prices / prices.mean())


def test_a_season_is_explained_the_same_every_time_and_the_policy_learns_as_ever() -> None:
    small = season(days=6.0, users={"population": 80, "features": 2, "history": 3})
    first, second = (explain(small, "linucb(alpha=0.1)", seed=3, sample=100) for _ in range(2))
    assert first.importance.equals(second.importance)
    assert first.decisions == 100
    assert "products seen last" in set(first.importance.feature)
    assert len(first.coefficients) == 4 * 3


def test_a_season_without_late_decisions_cannot_be_explained_and_says_so() -> None:
    sold_out = [{"title": "Scarf", "category": "scarf", "price": 12.0, "launch": 0.0, "stock": 3}]
    with pytest.raises(ScenarioError, match="decisions in its last quarter to be explained, got none"):
        explain(season(products=sold_out), "linucb")


def test_the_oracle_is_not_explained() -> None:
    with pytest.raises(PolicyError, match="got 'oracle', which knows the truth"):
        explain(season(), "oracle")


def test_the_page_says_what_moves_the_policy(tmp_path: Path) -> None:
    found = explain(season(days=6.0), "linucb(alpha=0.1)", sample=200)
    text = explain_page.write(tmp_path, found).read_text()
    first = found.importance.iloc[0]
    assert f"goes by {first.feature} of the visitor ({first.changed:.0%})" in text
    assert "It makes no use of category, style 1" in text
    assert "product 3" in text
    assert {"importance.csv", "coefficients.csv", "importance.png", "coefficients.svg"} <= {
        file.name for file in tmp_path.iterdir()
    }


def test_a_policy_that_looks_at_nothing_is_said_to() -> None:
    found = explain(season(), "newest", sample=50)
    assert explain_page.answer(found) == ["newest chooses the same whatever the visitor or the product looks like."]
    assert list(explain_page.pictures(found)) == ["importance"]


def test_the_command_prints_what_the_page_says(tmp_path: Path) -> None:
    app = Typer()
    app.command()(command)
    done = CliRunner().invoke(app, ["launch_calendar", "--policy", "linucb", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "sales of the last week" in done.output
    assert (tmp_path / "index.html").exists()


@pytest.mark.usefixtures("drafts")
def test_the_page_of_a_comparison_explains_its_policies_where_asked(tmp_path: Path) -> None:
    comparison = compare(season(days=4.0), ["uniform", "linucb(alpha=0.1)"], seeds=2)
    explained = [explain(comparison.scenario, call, sample=100) for call in comparison.policies]
    text = report.write(tmp_path, comparison, "launchsim compare", explained=explained).read_text()
    assert "Why these products?" in text
    assert "uniform chooses the same whatever" in text
    assert "linucb(alpha=0.1) goes by" in text
    assert [file.name for file in sorted((tmp_path / "figures").glob("why*.png"))] == ["why_1.png"]
    assert "Why these products?" not in report.write(tmp_path, comparison, "launchsim compare").read_text()
