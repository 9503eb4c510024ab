"""From a shop's history to its market: fitted, judged, written, read, and played by a comparison."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jax
import numpy as np
import pandas as pd
import pytest
from made_sales import FIRST
from made_sales import history as made_history

from benchmarks.compare import compare
from simulator.calibration import Calibrated, calibrate
from simulator.calibration.appeal import Shelf
from simulator.calibration.customers import Customers
from simulator.calibration.fitting import Fitted
from simulator.calibration.likelihood import Estimate, Posterior
from simulator.calibration.part import Part
from simulator.calibration.sales import Sales, sales
from simulator.calibration.seasons import season
from simulator.history import ACTIONS, History
from simulator.lifecycle import Lifecycle
from simulator.scenario import Scenario, ScenarioError

DAYS, PRODUCTS = 210, 30


@pytest.fixture(scope="module")
def history() -> History:
    return made_history(days=DAYS, products=PRODUCTS)


@pytest.fixture(scope="module")
def constants() -> Iterator[list[int]]:
    """Sizes of all arrays that fits have compiled into a posterior, beside what they tell it."""
    sizes, climb = [], Posterior.maximise

    def watched(self: Posterior, start: dict[str, Any], *about: Any) -> Estimate:
        with jax.enable_x64(True):
            sizes.extend(np.size(one) for one in jax.make_jaxpr(self._log_density)(start, *about).consts)
        return climb(self, start, *about)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Posterior, "maximise", watched)
        yield sizes


@pytest.fixture(scope="module")
def found(history: History, constants: list[int]) -> Calibrated:
    return calibrate(history, FIRST + pd.Timedelta(days=140), seeds=3)


def test_a_shop_that_the_model_describes_is_resembled_out_of_time(found: Calibrated) -> None:
    scores = found.fit.set_index("metric")["score"]
    told = ["visits per customer", "products a customer-week", "pieces a line", "price per line", "orders by hour"]
    assert scores[told].min() > 0.9


def test_the_market_sells_as_much_as_the_shop_did(history: History, found: Calibrated) -> None:
    """In the mean of five seasons, whose chance is about 1.5%."""
    until = FIRST + pd.Timedelta(days=140)
    sums = pd.DataFrame([_sums(season(found.scenario, seed), 140) for seed in range(5)]).mean()
    shop = _sums(sales(history, until), 140)
    assert [sums[name] / shop[name] for name in shop] == pytest.approx([1.0] * len(shop), abs=0.035)


def _sums(sold: Sales, days: int) -> dict[str, float]:
    rows = sold.visit_days[sold.visits] < days
    paid = sold.pieces * sold.prices
    return {"lines": float(rows.sum()), "pieces": float(sold.pieces[rows].sum()), "revenue": float(paid[rows].sum())}


def test_a_launch_to_come_has_the_price_and_the_season_of_the_one_that_it_resembles() -> None:
    """As long before its season. Each product's amplitude is its own, so that it tells which one a launch resembles."""
    random = np.random.default_rng(0)
    listed = np.append(np.zeros(10), random.integers(40, 190, 10))
    waves = {"products.season": np.arange(20.0), "products.season_peak": random.uniform(0, 365, 20)}
    part = Part({place: column.tolist() for place, column in waves.items()}, [])
    shelf = Shelf(listed, np.full(20, np.inf), np.full(20, 0.05), (listed > 0).astype(float))
    sold, who = cast(Sales, SimpleNamespace(days=200)), cast(Customers, SimpleNamespace(rates=[1.0], guests=0.0))
    goods = pd.DataFrame({"usual": 1.0 + np.arange(20.0)})
    fitted = Fitted(goods, sold, 300, shelf, np.ones(20), who, [part])
    drawn = fitted.draw(random)
    model = np.array(drawn["products.season"][20:], int)
    came = np.array([day for _, day in fitted.to_come])
    ahead = (np.array(drawn["products.season_peak"][20:]) - came) % 365.25
    assert len(model) > 3
    assert ahead == pytest.approx((waves["products.season_peak"] - listed)[model] % 365.25, abs=0.01)
    np.testing.assert_array_equal(drawn["products.price"][20:], 1.0 + model)


def test_products_of_a_draw_whose_life_is_another_sell_as_much_while_they_are_on_sale() -> None:
    """Two there from the start and three launches, on days 70, 140 and 140 of 210; nothing has a season."""
    listed = np.array([0.0, 0.0, 70.0, 140.0, 140.0])
    nothing = {"products.season": [0.0] * 5, "products.season_peak": [0.0] * 5}
    best = {"life.ramp": 0.2, "life.decline": 0.5, "products.quality": [0.0] * 5} | nothing
    drawn = {"life.ramp": 1.5, "life.decline": -1.0, "products.quality": [0.3] * 5}
    shelf = Shelf(listed, np.full(5, np.inf), np.full(5, 0.2), (listed > 0).astype(float))
    days = pd.date_range(FIRST, periods=210)
    sold, who = (SimpleNamespace(days=210, weeks=30, dates=days), SimpleNamespace(rates=[1.0], guests=0.0))
    part = Part(best, [], lambda random: drawn)
    about = cast(Sales, sold), 210, shelf, np.ones(5), cast(Customers, who)
    quality = Fitted(pd.DataFrame({"usual": np.ones(5)}), *about, [part]).draw(np.random.default_rng(0))[
        "products.quality"
    ]
    assert quality[:2] == [0.3, 0.3]
    for product in range(2, 5):
        ages = np.arange(3.5, 210 - listed[product], 7)
        wanted = [
            np.exp(worth - life["life.ramp"] * np.exp(-ages / 14) - life["life.decline"] * ages / 365.25).sum()
            for worth, life in ((0.3, best), (quality[product], drawn))
        ]
        assert wanted[1] == pytest.approx(wanted[0], rel=1e-3)


def test_draws_of_the_price_sensitivity_leave_products_as_dear_as_they_sell() -> None:
    """Utility is quality less sensitivity times price."""
    best = {"products.quality": [0.5, -0.5], "users.price_sensitivity": 0.1}
    shelf = Shelf(np.zeros(2), np.full(2, np.inf), np.full(2, 0.5), np.zeros(2))
    sold, who = (SimpleNamespace(days=210, weeks=30), SimpleNamespace(rates=[1.0], guests=0.0))
    part = Part(best, [], lambda random: {"users.price_sensitivity": 0.3})
    about = cast(Sales, sold), 210, shelf, np.ones(2), cast(Customers, who)
    drawn = Fitted(pd.DataFrame({"usual": [2.0, 20.0]}), *about, [part]).draw(np.random.default_rng(0))
    assert np.array(drawn["products.quality"]) - 0.3 * np.array([2.0, 20.0]) == pytest.approx([0.5, -0.5])


def test_a_stated_price_sensitivity_changes_nothing_at_usual_prices(history: History) -> None:
    """Product k costs k + 1; guests, a tenth, pay what others do."""
    lines = history.lines.assign(price=1.0 + history.lines["item"])
    dear = History(lines, history.goods, (), history.n_users, False, pd.DataFrame(), history.undone)
    until = FIRST + pd.Timedelta(days=140)
    plain, stated = (calibrate(dear, until, seeds=0, price_sensitivity=slope).scenario for slope in (0.0, 0.3))
    sold = [np.bincount(season(market, 1).items, minlength=PRODUCTS) for market in (plain, stated)]
    assert np.abs(sold[0] - sold[1]).sum() < 0.01 * sold[0].sum()
    assert stated.users.price_sensitivity == 0.3


def test_what_was_there_from_the_start_is_no_launch(found: Calibrated) -> None:
    products = found.scenario.products
    steep, flat = (
        Lifecycle(found.scenario.changed(life={"ramp": ramp})).utility(0.0, np.zeros(len(products)))
        for ramp in (5.0, 0.0)
    )
    old = np.array([product.incumbent and product.listed is None for product in products])
    assert old.sum() > PRODUCTS / 2
    np.testing.assert_allclose(steep[old], flat[old], atol=1e-6)


def test_weeks_that_the_fit_has_never_seen_are_to_review(found: Calibrated) -> None:
    row = found.fit.set_index("metric").loc["weekly orders"]
    assert (row["status"], "never seen" in row["todo"]) == ("REVIEW", True)


def test_no_column_of_a_shop_is_compiled_into_its_fit(found: Calibrated, constants: list[int]) -> None:
    """Nodes of a quadrature are, and its weeks: what grows with days, customers or products is told."""
    assert len(found.parameters)
    assert 0 < max(constants) < PRODUCTS


def test_the_scenario_carries_its_status(found: Calibrated) -> None:
    assert "resembles it in" in found.scenario.calibration


def test_what_is_written_is_read_back(found: Calibrated, tmp_path: Path) -> None:
    found.write(tmp_path)
    again = Calibrated.read(tmp_path)
    assert again.scenario.changed(name="").arrivals.per_day == pytest.approx(found.scenario.arrivals.per_day, rel=1e-5)
    assert len(again.scenario.products) == len(found.scenario.products)
    pd.testing.assert_frame_equal(again.fit, found.fit)
    assert again.drawn(7).arrivals == found.drawn(7).arrivals


def test_draws_of_what_single_dates_bring_are_read_back(found: Calibrated, tmp_path: Path) -> None:
    dates = [{"2021-06-11": float(n)} for n in range(len(found.draws))]
    replace(found, draws=found.draws.assign(**{"calendar.dates": dates})).write(tmp_path)
    calendar = Calibrated.read(tmp_path).drawn(7).calendar
    assert calendar is not None
    assert calendar.dates == {datetime.date(2021, 6, 11): 7.0}


def test_a_draw_is_another_market_of_the_same_shop(found: Calibrated) -> None:
    one, other = found.drawn(0), found.drawn(1)
    assert one.arrivals.per_day != other.arrivals.per_day
    assert [product.title for product in one.products] == [product.title for product in other.products]


def test_every_parameter_has_a_place_an_error_or_a_reason(found: Calibrated) -> None:
    unknown = found.parameters[found.parameters["error"].isna()]
    assert (unknown["why"] != "").all()
    assert set(found.parameters["status"].str.split(",").str[0]) <= {
        "identified",
        "weakly identified",
        "not identified",
    }


def test_the_scenario_of_a_shop_loads_from_its_file(found: Calibrated, tmp_path: Path) -> None:
    found.scenario.write(tmp_path / "mine.toml")
    assert Scenario.load(tmp_path / "mine.toml").users.population == found.scenario.users.population


def test_each_season_of_a_comparison_has_its_own_draw_and_the_widening_is_told(
    found: Calibrated, tmp_path: Path
) -> None:
    found.write(tmp_path)
    compared = compare(tmp_path / "scenario.toml", ["uniform", "popularity"], seeds=2)
    assert compared.certain is not None
    assert (compared.values("uniform", "units") != compared.certain.values("uniform", "units")).all()
    assert compared.widening > 0


@pytest.mark.parametrize("until", ["soon", "2020-12-31", "2021-01-10", "2031-01-01"])
def test_a_date_that_splits_nothing_is_refused_with_those_that_do(history: History, until: str) -> None:
    with pytest.raises(ScenarioError, match="until must be a date"):
        calibrate(history, until)


def test_a_history_of_neither_purchases_nor_views_is_refused(history: History) -> None:
    carts = history.lines.assign(action=pd.Categorical(["cart"] * len(history.lines), categories=ACTIONS))
    with pytest.raises(ScenarioError, match="must hold purchases or views"):
        calibrate(replace(history, lines=carts))


def test_a_market_of_prices_that_look_like_those_of_whole_lines_says_so(history: History) -> None:
    whole = history.lines.assign(price=history.lines["price"] * history.lines["quantity"])
    told = [calibrate(replace(history, lines=lines), seeds=0).scenario.calibration for lines in (history.lines, whole)]
    assert ["Prices grow with the pieces of a line" in text for text in told] == [False, True]
