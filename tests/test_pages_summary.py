"""Scenarios and seasons as text."""

from __future__ import annotations

import seasons

from benchmarks.pages import summary
from benchmarks.runner import run
from envs.simulated import Simulated
from policies.uniform import Uniform
from simulator.scenario import Scenario


def test_a_scenario_is_told_with_its_paragraph_and_every_product_or_how_many_more_there_are() -> None:
    for name in Scenario.names():
        scenario = Scenario.load(name)
        text = summary.describe(scenario)
        assert " ".join(scenario.about.split()) in " ".join(text.split())
        shelf = sum(product.incumbent for product in scenario.products)
        large = len(scenario.products) > 40 and shelf > 20
        told = [product for product in scenario.products if not (large and product.incumbent)]
        assert all(product.title[:24] in text for product in told)  # a column is no wider
        assert text.endswith(f"and {shelf - 20:,} more on the shelf") == large


def test_what_is_switched_off_is_not_told() -> None:
    assert "returns" not in summary.describe(seasons.season())
    assert "returns         30% of purchases" in summary.describe(seasons.season(buying={"returns": 0.3}))


def test_of_a_large_shop_what_sold_most_is_told_new_and_old_and_what_the_others_sold() -> None:
    shelf = [seasons.product(k, incumbent=True, launch=None) for k in range(60)]
    environment = Simulated(
        seasons.season(products=[*shelf, *(seasons.product(60 + k, launch=0.0) for k in range(3))]), 0
    )
    trace = run(Uniform(environment.problem), environment)
    text, sold = summary.results(environment.scenario, "uniform", 0, trace), trace.ledger.products()
    old = sold[sold["incumbent"]].sort_values("sold", ascending=False, kind="stable")["sold"]
    assert f"and 40 products that sold less: {old.iloc[20:].sum():,} units" in text
    assert len(text.splitlines()) == len(text.partition("product  ")[0].splitlines()) + 1 + 23


def test_results_are_those_of_the_books() -> None:
    environment = Simulated(seasons.season(), 0)
    trace = run(Uniform(environment.problem), environment)
    text = summary.results(environment.scenario, "uniform", 0, trace)
    total = trace.ledger.totals()
    assert f"{total['visits']:,.0f}, of which" in text
    assert f"{total['units']:,.0f} units, EUR {total['revenue']:,.0f} revenue" in text
    best = trace.ledger.products().sort_values("sold", ascending=False).iloc[0]
    first = text.splitlines()[10]
    assert best.title in first
    assert f"{best.sold}" in first
