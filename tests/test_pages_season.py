"""Pictures of a season show what the books say."""

from __future__ import annotations

import numpy as np
import pytest
import seasons

from benchmarks.pages import season
from benchmarks.runner import run
from envs.simulated import Simulated
from policies.uniform import Uniform
from simulator.arrivals import Arrivals
from simulator.scenario import Scenario

RULES = {"at": 5, "up_to": 20, "lead_days": 0.5}


def played(scenario: Scenario) -> Simulated:
    environment = Simulated(scenario, 3)
    run(Uniform(environment.problem), environment)
    return environment


def busy() -> Scenario:
    """Stock that runs out and comes back, purchases that return, a product launched on day 1."""
    products = [seasons.product(0, incumbent=True)]
    products += [seasons.product(k, launch=float(k == 3), stock=12, restocking=RULES) for k in (1, 2, 3)]
    buying = {"returns": 0.3, "return_days": 0.5, "return_window": 1.0}
    return seasons.season(products=products, buying=buying)


def texts(axes: object) -> str:
    return " | ".join(text.get_text() for text in axes.texts)  # type: ignore[attr-defined]


def test_expected_visits_are_what_arrivals_bring_on_average() -> None:
    scenario = seasons.season(arrivals={"per_day": 400.0, "buzz": 0.8, "buzz_days": 1.0, "season": 0.3})
    base, buzz = season.expected_visits(scenario)
    counts = []
    for seed in range(40):
        arrivals = Arrivals(scenario, seed)
        for product in (1, 2, 3):
            arrivals.launch(product, 0.0)
        times, _ = arrivals.take(scenario.days)
        counts.append(np.bincount(times.astype(int), minlength=3))
    standard_errors = np.sqrt((base + buzz) / len(counts))
    assert np.all(np.abs(np.mean(counts, axis=0) - base - buzz) < 4 * standard_errors)


def test_a_launch_in_flat_traffic_brings_the_area_under_its_exponential() -> None:
    flat = {"per_day": 100.0, "hours": [1.0] * 24, "weekdays": [1.0] * 7, "buzz": 0.5, "buzz_days": 2.0}
    products = [seasons.product(0, incumbent=True), seasons.product(1, launch=1.0)]
    base, buzz = season.expected_visits(seasons.season(arrivals=flat, products=products, days=5.0))
    area = 100 * 0.5 * 2.0 * (1 - np.exp(-4 / 2.0))
    assert base == pytest.approx([100.0] * 5)
    assert buzz[0] == 0
    assert buzz.sum() == pytest.approx(area, rel=0.02)


def test_daily_sales_are_net_of_returns_and_leave_nothing_out() -> None:
    ledger = played(busy()).ledger
    sales = season.daily_sales(ledger, 3)
    assert len(ledger.table("returns")) > 0
    assert sales.sum() == ledger.totals()["units"]
    assert sales.sum(axis=0) == pytest.approx(ledger.products()["sold"] - ledger.products()["returned"])
    assert not sales[0, 3]  # not launched on day 0


def test_stock_levels_begin_with_the_allocation_and_end_with_what_is_on_hand() -> None:
    environment = played(busy())
    assert len(environment.ledger.table("replenishments")) > 0
    for product in (1, 2, 3):
        times, levels = season.stock_levels(environment.ledger, product)
        assert np.all(np.diff(times) >= 0)
        assert levels.min() >= 0
        assert levels[0] == 12
        assert levels[-1] == environment.market.shop.stock.on_hand[product]


def test_the_picture_of_a_season_has_stock_only_where_it_is_limited() -> None:
    limited = played(busy())
    with_stock = season.season(limited.scenario, limited.ledger, "uniform")[0]
    assert len(with_stock.axes) == 3
    assert "product 3" in texts(with_stock.axes[0])
    best = limited.ledger.products().assign(net=lambda p: p["sold"] - p["returned"]).nlargest(1, "net")["title"].item()
    assert best in texts(with_stock.axes[1])
    endless = played(seasons.season())
    assert len(season.season(endless.scenario, endless.ledger, "uniform")[1]) == 2


def test_of_a_large_shop_the_curves_of_new_products_are_drawn_alone() -> None:
    shelf = [seasons.product(k, incumbent=True) for k in range(70)]
    new = [seasons.product(70 + k, launch=0.0) for k in range(3)]
    environment = played(seasons.season(products=[*shelf, *new]))
    axes = season.season(environment.scenario, environment.ledger, "uniform")[1][1]
    sold = environment.ledger.products()
    net = (sold["sold"] - sold["returned"])[~sold["incumbent"]]
    assert sorted(line.get_ydata()[-1] for line in axes.lines if len(line.get_ydata()) > 2) == sorted(net)


def test_a_plan_names_launches_and_promotions() -> None:
    promotions = [{"category": "category 1", "start": 1.0, "days": 1.0, "discount": 0.25}]
    written = texts(season.plan(seasons.season(promotions=promotions))[1])
    assert "product 1, product 2, product 3" in written
    assert "category 1\n-25%" in written


def test_more_launch_days_than_can_be_named_are_ticks_alone() -> None:
    products = [seasons.product(k, launch=0.1 * k) for k in range(25)]
    axes = season.plan(seasons.season(products=products))[1]
    assert "product" not in texts(axes)
    assert len(axes.lines) == 25


def test_launch_windows_are_the_launches_of_a_season_that_asks_what_to_launch() -> None:
    products = [seasons.product(k) for k in range(6)]
    launching = {"first": 0.5, "every": 1.0, "windows": 2, "capacity": 3, "horizon": 0.5}
    scenario = seasons.season(products=products, question="launch", launching=launching)
    assert season.planned_launches(scenario) == [(0.5, "3 launches"), (1.5, "3 launches")]


def test_how_many_are_sold_out_is_counted_from_every_products_stock() -> None:
    scarce = [about.model_dump() | {"restocking": None, "stock": 3} for about in busy().products]
    environment = played(busy().changed(products=scarce))
    times, empty = season.sold_out(environment.ledger)
    levels = [season.stock_levels(environment.ledger, k) for k in range(4)]
    for day in np.linspace(0.01, 2.99, 40):
        now = sum(int(units[when <= day][-1] == 0) for when, units in levels)
        assert empty[times <= day][-1] == now
    assert empty.max() >= 1


def test_a_season_that_nobody_came_to_has_a_picture() -> None:
    environment = played(seasons.season(arrivals={"per_day": 1e-4}))
    drawn, _ = season.season(environment.scenario, environment.ledger, "uniform")
    assert "0 visits, 0 units sold" in drawn.axes[0].get_title(loc="left")
