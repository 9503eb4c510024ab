"""Promotions on a small market whose law is known: what a cut wins, whom it pays, and what is played only once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pasts import past

from benchmarks.pages import promotion_page
from benchmarks.planning import weeks as weeks_room
from benchmarks.planning.kept import Kept
from benchmarks.planning.promotion import Promotions, promote
from benchmarks.planning.weeks import Weeks
from envs.history import History
from simulator.scenario import Scenario, ScenarioError


@dataclass(frozen=True)
class Known:
    """A market without any doubt about it."""

    scenario: Scenario

    def drawn(self, number: int) -> Scenario:
        return self.scenario


def market(cost: float = 1.0, price_sensitivity: float = 0.0) -> Known:
    """Everybody buys one thing: of four cheap ones, or, less often, the dear lamp."""
    cheap = [{"title": f"Soap {k}", "category": "a", "price": 1.0, "cost": 0.5, "incumbent": True} for k in range(4)]
    lamp = {"title": "Lamp", "category": "b", "price": 8.0, "cost": cost, "incumbent": True}
    return Known(
        Scenario.model_validate(
            {
                "title": "Shop",
                "about": "Five products.",
                "days": 28,
                "arrivals": {"per_day": 60},
                "users": {
                    "taste": 0.0,
                    "population": 500,
                    "price_spread": 0.0,
                    "durable": False,
                    "price_sensitivity": price_sensitivity,
                },
                "choice": {"leaving": -20.0},
                "products": [*cheap, lamp],
            }
        )
    )


@pytest.fixture(scope="module")
def shop() -> History:
    return past(40, 120)


ABOUT: dict[str, Any] = {"windows": 2, "every": 5, "capacity": 1, "discounts": (0.25,), "seeds": 5, "elasticity": 1.5}


@pytest.fixture(scope="module")
def found(shop: History) -> Promotions:
    return promote(market(), history=shop, **ABOUT)


def test_the_product_whose_sales_are_worth_more_than_what_they_replace_is_discounted_once(found: Promotions) -> None:
    assert found.table["title"].tolist() == ["Lamp"]
    assert found.table["more"].iloc[0] > 0
    row = found.uplift[(found.uplift["against"] == "no promotion") & (found.uplift["measure"] == "margin")].iloc[0]
    assert row["verdict"] == "better"


def test_the_scenario_cuts_the_price_in_the_week_of_the_table(found: Promotions) -> None:
    (cut,), row = found.scenario.promotions, found.table.iloc[0]
    assert (cut.title, cut.start, cut.days, cut.discount) == ("Lamp", 5.0 * (row["week"] - 1), 5.0, 0.25)
    assert found.table["reduced"].iloc[0] == 6.0


def test_a_setting_that_the_data_do_not_tell_is_named_as_one(found: Promotions, shop: History, tmp_path: Path) -> None:
    assert found.stated == "an elasticity of 1.5 at the mean price was stated"
    assert found.otherwise["elasticity"].tolist() == pytest.approx([0.75, 1.5, 3.0])
    assert "rests on a setting" in promotion_page.write(tmp_path, found).read_text()
    own = promote(market(price_sensitivity=0.4), history=shop, **ABOUT | {"elasticity": None, "seeds": 2})
    assert own.stated == ""
    assert len(own.otherwise) == 0


def test_where_nobody_minds_prices_nothing_is_discounted(shop: History, tmp_path: Path) -> None:
    none = promote(market(), history=shop, **ABOUT | {"elasticity": 0.0})
    assert len(none.table) == 0
    assert none.scenario.promotions == []
    margin = none.uplift[none.uplift["measure"] == "margin"].iloc[0]
    assert (margin["against"], margin["verdict"]) == ("best sellers at 25%", "better")
    assert promotion_page.answer(none)[0].startswith("Discount nothing")
    assert promotion_page.write(tmp_path, none).exists()


def test_what_sells_more_and_costs_margin_is_to_be_discussed(shop: History) -> None:
    dear = promote(market(cost=7.5), history=shop, **ABOUT | {"measure": "revenue"})
    row = dear.uplift[dear.uplift["against"] == "no promotion"].set_index("measure")
    assert row.loc["revenue", "lower"] > 0
    assert row.loc["margin", "upper"] < 0
    assert set(row["verdict"]) == {"discuss"}


def test_where_everybody_buys_one_piece_no_cut_is_said_to_sell_more_pieces(shop: History) -> None:
    assert len(promote(market(), history=shop, **ABOUT | {"measure": "units", "seeds": 2}).table) == 0


@pytest.mark.parametrize("held", [0.0, 0.4])
def test_a_stated_price_sensitivity_changes_nothing_at_usual_prices(held: float) -> None:
    start, where = pd.Timestamp("2020-06-01"), market(price_sensitivity=held)
    own, stated = (Weeks(where, start, 2, 7, "margin", 0.5, slope) for slope in (None, 0.7))
    sold = [weeks.sold(3).set_index(["week", "product"])["pieces"] for weeks in (own, stated)]
    pd.testing.assert_series_equal(sold[0], sold[1])


def test_a_cut_moves_odds_as_the_logit_says() -> None:
    weeks = Weeks(market(), pd.Timestamp("2020-06-01"), 2, 100, "margin", 0.5, 0.2)
    sold = [weeks.totals(1, offers, [(0, 4, 0.5)])["pieces"].iloc[0] for offers in ([], [(0, 4, 0.5)])]
    visits = weeks.totals(1, [], [])["visits"].iloc[0] / 2
    odds = [pieces / (visits - pieces) for pieces in sold]
    assert odds[1] / odds[0] == pytest.approx(np.exp(0.2 * 4.0), rel=0.1)


def test_a_promotion_that_was_stopped_goes_on_and_finds_the_same(
    found: Promotions, shop: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(KeyboardInterrupt):
        pass

    played = []

    class Counted(weeks_room.Market):
        def run(self) -> Any:
            played.append(1)
            if len(played) == 13:
                raise Stopped
            return super().run()

    monkeypatch.setattr(weeks_room, "Market", Counted)
    with pytest.raises(Stopped):
        promote(market(), history=shop, kept=Kept(tmp_path), **ABOUT)
    again = promote(market(), history=shop, kept=Kept(tmp_path), **ABOUT)
    whole = 4 + 5 * (len(set(found.played["plan"])) + 4)  # a survey, contenders, and the plan and none twice more
    assert len(played) == whole + 1  # the one that was stopped
    pd.testing.assert_frame_equal(again.played, found.played)
    pd.testing.assert_frame_equal(again.table, found.table)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"measure": "fame"}, "measure must be one of units, revenue, margin, got 'fame'"),
        ({"capacity": 0}, "capacity must be at least 1, got 0"),
        ({"discounts": (1.0,)}, "discount must be between 0 and 1, got 1.0"),
        ({"discounts": ()}, "discount must be one or more, got none"),
        ({"windows": 90}, "windows must all open within a year, got 90 every 5 days"),
        ({"titles": ["Sofa"]}, "candidates of promotions must be titles on the shop's shelf, got 'Sofa'"),
    ],
)
def test_impossible_promotions_are_refused(shop: History, about: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        promote(market(), history=shop, **ABOUT | about)
