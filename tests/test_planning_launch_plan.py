"""A launch plan on a small market: every place filled once, stock paid for, and the truth where it is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pasts import past

from benchmarks.planning import newsvendor, plan
from benchmarks.planning.candidates import checked, completed
from benchmarks.planning.forecast import forecast
from benchmarks.planning.launch_plan import LaunchPlan, _uplift
from benchmarks.suites.plan_truth import Known
from envs.history import History
from simulator.market import Market
from simulator.scenario import Scenario, ScenarioError

MARKET = Known(
    Scenario.parse(
        """
        title = "Shop"
        about = "Two products on the shelf."
        days = 30
        arrivals.per_day = 150
        choice.leaving = 4.0
        products = [
            { title = "Old lantern", category = "a", price = 3.0, cost = 1.0, incumbent = true },
            { title = "Old mug", category = "b", price = 5.0, cost = 2.0, incumbent = true },
        ]
        """
    )
)
NEW = pd.DataFrame(
    {
        "title": ["LANTERN NEW", "MUG NEW", "SOAP NEW", "SOAP DEAR", "MUG NEW", "灯笼"],
        "price": [2.0, 4.0, 2.0, 8.0, 1.0, np.nan],
        "cost": [1.0, 2.0, 1.0, 9.0, 0.5, 0.2],
        "category": ["a", "b", "never seen", "b", "b", "a"],
    }
)


@pytest.fixture(scope="module")
def shop() -> History:
    return past(70, 240)


def planned(shop: History, processes: int = 1, market: Known = MARKET, seeds: int = 3) -> LaunchPlan:
    """Two stages among the rivals."""
    about = {"windows": 2, "every": 3, "capacity": 2, "horizon": 14, "predictor": "ridge", "seeds": seeds}
    return plan(market, NEW, history=shop, look_first=True, rivals=("uniform",), processes=processes, **about)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found(shop: History) -> LaunchPlan:
    return planned(shop)


def test_every_place_of_every_window_is_filled_with_what_brings_most(found: LaunchPlan) -> None:
    assert found.table["window"].tolist() == [1, 1, 2, 2, 0, 0]
    worth = found.table["predicted"] * (found.table["price"] - found.table["cost"])
    assert (np.diff(worth) <= 1e-9).all()
    assert found.table["launch"].dropna().dt.strftime("%m-%d").tolist() == ["08-28", "08-28", "08-31", "08-31"]


def test_the_stock_is_the_newsvendor_s_for_what_is_predicted(found: LaunchPlan, shop: History) -> None:
    goods, _ = completed(checked(NEW), shop)
    told = forecast(shop, goods, 14, "ridge", 2)
    first = found.table.iloc[0]
    row = goods.index[(goods["title"] == first["title"])][0]
    demands = told.at((np.arange(400) + 0.5) / 400)[row]
    order = newsvendor.sampled(first["cost"] * 0.5, first["price"] - first["cost"], demands)
    assert first["stock"] == np.ceil(order.quantity)
    assert first["lower90"] <= first["predicted"] <= first["upper90"]


def test_what_costs_more_than_its_price_is_not_stocked_and_goes_last(found: LaunchPlan) -> None:
    last = found.table.set_index("title").loc["SOAP DEAR"]
    assert last["stock"] == 0
    assert found.table["title"].iloc[-1] == "SOAP DEAR"


def test_what_was_put_in_place_of_what_was_missing_is_said(found: LaunchPlan) -> None:
    said = " ".join(found.notes)
    for words in ("1 candidate has no price", "costs as much as the price", "never sold", "numbered"):
        assert words in said
    assert found.table["title"].is_unique


def test_a_title_in_chinese_without_a_price_is_planned_like_any_other(found: LaunchPlan) -> None:
    row = found.table.set_index("title").loc["灯笼"]
    assert row["price"] > 0
    assert 0 <= row["lower90"] < row["predicted"] < row["upper90"]
    assert "like" in row["why"]


def test_of_fewer_than_five_launches_nothing_is_foretold() -> None:
    with pytest.raises(ScenarioError, match="history must hold at least 5 launches whose 14 days are over, got 2"):
        plan(MARKET, NEW, history=past(2, 120, seed=1), horizon=14, predictor="similar_titles")


def test_the_plan_s_scenario_launches_on_the_days_of_the_table(found: LaunchPlan) -> None:
    def offer(visits: object, rows: slice) -> np.ndarray:
        return np.full((rows.stop - rows.start, found.scenario.slots), -1)

    ledger = Market(found.scenario, offer, 1, record=False).run()
    days = ledger.launch_days()[:4]
    assert sorted(days.tolist()) == [0.0, 0.0, 3.0, 3.0]


def test_rivals_play_the_same_seasons_and_two_stages_are_among_them(found: LaunchPlan) -> None:
    names = {"plan", "past order", "most pieces first", "random order", "uniform", "two stages"}
    assert set(found.played["plan"]) == names
    assert found.played.groupby("plan").size().eq(3).all()
    assert (found.uplift["lower"] <= found.uplift["upper"]).all()


def test_two_processes_plan_what_one_plans_bit_for_bit(found: LaunchPlan, shop: History) -> None:
    other = planned(shop, processes=2)
    for name in ("table", "played", "uplift"):
        pd.testing.assert_frame_equal(getattr(other, name), getattr(found, name), check_exact=True)
    assert other.scenario == found.scenario


def test_where_novelty_fades_a_week_of_looking_leaves_no_more_over(shop: History) -> None:
    """What sells well while it is new is not ordered at that pace to the last day."""
    fading = Known(MARKET.scenario.changed(choice={"leaving": 4.0, "novelty": 2.0, "novelty_days": 4.0}))
    over = planned(shop, market=fading, seeds=20).played.groupby("plan")["leftovers"].sum()
    assert over["two stages"] <= over["plan"]


def seasons(gains: list[float], over: list[float], left: float = 100.0, bought: float = 1_000.0) -> pd.DataFrame:
    """A plan and a rival on the same seasons: what the plan earns more, and leaves over more of 1,000 pieces.

    The rival buys `bought` pieces and leaves `left` of them over.
    """
    kinds = {"units": 0.0, "revenue": 0.0, "lost_sales": 0.0, "conversion": 0.1}
    luck = np.arange(len(gains)) * 1_000.0  # which pairing takes out
    rows = []
    for seed, (gain, more) in enumerate(zip(gains, over, strict=True)):
        mine, its = {"leftovers": left + more, "bought": 1_000.0}, {"leftovers": left, "bought": bought}
        rows.append({"plan": "plan", "seed": seed, "margin": luck[seed] + gain, **mine, **kinds})
        rows.append({"plan": "past order", "seed": seed, "margin": luck[seed], **its, **kinds})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("gains", "over", "verdict"),
    [
        ([20.0, 18, 21, 21, 19, 21], [0.0] * 6, "better"),
        ([20.0, 18, 21, 21, 19, 21], [30.0, 28, 31, 31, 29, 31], "discuss"),  # more than a fiftieth of 1,000 stranded
        ([20.0, 18, 21, 21, 19, 21], [3.0, 2, 4, 3, 2, 4], "better"),  # less than a fiftieth
        ([20.0, 18, 21, 21], [0.0] * 4, "cannot tell"),  # four seasons never tell
        ([-20.0, -18, -21, -21, -19, -21], [-30.0, -28, -31, -31, -29, -31], "discuss"),
        ([-20.0, -18, -21, -21, -19, -21], [0.0] * 6, "worse"),
        ([40.0, -18, 21, -21, 19, -21], [0.0] * 6, "cannot tell"),
    ],
)
def test_a_plan_is_judged_by_pairs_of_seasons_and_by_what_it_strands(
    gains: list[float], over: list[float], verdict: str
) -> None:
    found = _uplift(seasons(gains, over), "margin", strands=0.02).set_index("measure")
    assert set(found.verdict) == {verdict}
    assert found.difference["margin"] == pytest.approx(np.mean(gains))
    assert found.percent["leftovers"] == pytest.approx(np.mean(over))


GAINS = [20.0, 18, 21, 21, 19, 21]


def test_one_season_lies_farther_out_than_the_mean_of_all() -> None:
    gains = [18.0, 22, 19, 21, 20, 20]  # none of them skewed
    found = _uplift(seasons(gains, [0.0] * 6), "margin", strands=0.02).set_index("measure").loc["margin"]
    apart = 2.5706 * np.std(gains, ddof=1) * np.sqrt(7 / 6)  # Student's t of 5 degrees
    assert found["season_lower"] == pytest.approx(20 - apart, abs=1e-3)
    assert found["season_upper"] == pytest.approx(20 + apart, abs=1e-3)


def test_one_season_is_no_surer_than_the_mean_of_few_skewed_ones() -> None:
    """Where a bad season now and then makes the mean's interval reach farther down than Student's t of one season."""
    gains = [27.3, 16.4, 0.0, 7.5, 14.2, -33.8, 28.7, -6.0, 28.1, 0.0]
    margin = _uplift(seasons(gains, [0.0] * 10), "margin", strands=0.02).set_index("measure").loc["margin"]
    apart = 2.2622 * np.std(gains, ddof=1) * np.sqrt(11 / 10)
    assert margin["lower"] < np.mean(gains) - apart
    assert margin["season_lower"] == margin["lower"]
    assert margin["season_upper"] == pytest.approx(np.mean(gains) + apart, abs=1e-2)


def test_a_few_pieces_beside_a_rival_that_leaves_next_to_nothing_are_no_matter() -> None:
    found = _uplift(seasons(GAINS, [3.0, 2, 4, 3, 2, 4], left=3.5), "margin", strands=0.02)
    assert set(found.verdict) == {"better"}


def test_who_buys_half_and_leaves_as_many_over_strands_more() -> None:
    found = _uplift(seasons(GAINS, [0.0] * 6, bought=2_000.0), "margin", strands=0.02)  # a tenth beside a twentieth
    assert set(found.verdict) == {"discuss"}


def test_what_is_bought_is_sold_or_left_over(found: LaunchPlan) -> None:
    mine = found.played[found.played["plan"] == "plan"].mean(numeric_only=True)
    assert mine["bought"] - mine["leftovers"] == pytest.approx(found.table["sold"].sum())
    assert mine["bought"] >= found.table["stock"].sum()


def test_predicted_intervals_hold_what_is_drawn_from_the_law_that_made_the_past() -> None:
    inside, cost, oracle = [], 0.0, 0.0
    for seed in range(3):
        shop = past(150, 300, seed=seed, noise=0.5)
        goods = shop.goods[shop.goods["listed"] >= shop.goods["listed"].max() - pd.Timedelta(days=70)]
        cut = shop.until(goods["listed"].min())
        new, _ = completed(checked(goods[["id", "title", "price"]]), cut)
        quantiles = forecast(cut, new, 28, "ridge", 1).at(np.array([0.05, 0.8, 0.95]))
        day = (shop.lines["time"] - shop.goods["listed"].to_numpy()[shop.lines["item"]]).dt.days
        sold = shop.lines[day < 28].groupby("item")["quantity"].sum().reindex(goods.index).to_numpy(float)
        over = (goods["listed"] + pd.Timedelta(days=28) <= shop.end).to_numpy()
        inside += ((quantiles[:, 0] <= sold) & (sold <= quantiles[:, 2]))[over].tolist()
        cost += newsvendor.mean_cost(0.2, 0.8, quantiles[over, 1], sold[over])
        oracle += newsvendor.mean_cost(0.2, 0.8, np.full(over.sum(), np.quantile(sold[over], 0.8)), sold[over])
    assert np.mean(inside) == pytest.approx(0.9, abs=0.08)
    assert cost < oracle  # though the one level of that was chosen knowing what was sold


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"capacity": 0}, "capacity must be at least 1, got 0"),
        ({"windows": 80}, "windows must all open within a year, got 80 every 7 days"),
        ({"measure": "fame"}, "measure must be one of units, revenue, margin, got 'fame'"),
    ],
)
def test_impossible_plans_are_refused(shop: History, about: dict[str, object], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        plan(MARKET, NEW, history=shop, **about)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"colour": ["x"]}), "must have a column title and a row"),
        (pd.DataFrame({"title": ["x", " "]}), "row 2, title must be text, got ' '"),
        (pd.DataFrame({"title": ["x"], "price": ["dear"]}), "row 1, price must be a number of 0 or more, got 'dear'"),
    ],
)
def test_candidates_that_mean_nothing_are_refused(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        checked(table)
