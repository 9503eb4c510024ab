"""Pieces: sizes in their shares, expectations in closed form against drawn ones, prices of quantity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from seasons import Fixed, Random, market, product, season, seasons

from simulator.baskets import Baskets
from simulator.pieces import Pieces, expected
from simulator.scenario import Scenario, ScenarioError
from simulator.users import Users

SIZES, SHARES = [1, 2, 12, 144], np.array([0.5, 0.3, 0.15, 0.05])
PIECES: dict[str, Any] = {"sizes": SIZES, "shares": SHARES.tolist()}


def made(pieces: dict[str, Any], **about: Any) -> Pieces:
    scenario = season(pieces=PIECES | pieces, **about)
    users = Users(scenario, 1)
    return Pieces(scenario, users, Baskets(scenario, users, 1), 1)


def purchases(pieces: dict[str, Any], **about: Any) -> Any:
    users = {"population": 3000, "features": 1, "durable": False, "zipf": 0.0} | about.pop("users", {})
    scenario = season(
        pieces=PIECES | pieces, users=users, arrivals={"per_day": 3000.0}, **{"choice": {"leaving": -50.0}} | about
    )
    opened = market(scenario, Fixed([1]), seed=1)
    table = opened.ledger.table("purchases")
    return table.assign(segment=opened.users.segments[table["user"]])


FAR = {"share": 0.15, "times": 4.0}


@pytest.mark.parametrize(
    "pieces",
    [{}, {"spread": 0.7, "visits": 0.5}, {"spread": 0.3, "spread_tail": FAR, "visits": 0.2, "visits_tail": FAR}],
)
def test_lines_have_the_sizes_in_their_shares(pieces: dict[str, Any]) -> None:
    table = purchases(pieces)
    shares = [(table["units"] == size).mean() for size in SIZES]
    errors = np.sqrt(SHARES * (1 - SHARES) / min(len(table), 3000))  # lines of a user hang together
    assert (np.abs(shares - SHARES) < 4 * errors).all()


def test_segments_and_products_shift_sizes_by_standard_deviations() -> None:
    segments = [{"name": "shop", "share": 1.0}, {"name": "wholesale", "share": 1.0, "pieces": 0.8}]
    products = [product(0, incumbent=True, quality=-50.0), product(1, launch=0.0, pieces=-0.3)]
    table = purchases({}, users={"segments": segments}, products=products)
    for number, shift in ((0, -0.3), (1, 0.5)):
        single = table.loc[table["segment"] == number, "units"] == 1
        chance = ndtr(ndtri(0.5) - shift)
        assert abs(single.mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / len(single))


def test_expected_pieces_are_those_of_the_closed_form() -> None:
    pieces = made({"visits": 0.6, "spread": 0.4, "breaks": [{"at": 12, "off": 0.2}]})
    ends = ndtri(SHARES.cumsum()[:-1]) * np.sqrt(1 + 0.4**2 + 0.6**2)
    for shift in (-1.503, 0.0, 0.777):
        chances = np.diff(ndtr((ends - shift) / np.sqrt(1.36)), prepend=0, append=1)
        assert expected(pieces.wanted, shift) == pytest.approx(chances @ SIZES, rel=1e-4)
        assert expected(pieces.paid, shift) == pytest.approx(chances @ [1, 2, 12 * 0.8, 144 * 0.8], rel=1e-4)


def test_expected_pieces_of_visits_some_of_which_are_far_mix_two_closed_forms() -> None:
    pieces = made({"visits": 0.3, "visits_tail": FAR})
    chances = np.array([0.85, 0.15]) @ ndtr(pieces.thresholds / np.sqrt(1 + np.array([[0.3], [1.2]]) ** 2))
    assert chances == pytest.approx(SHARES.cumsum()[:-1])
    assert expected(pieces.wanted, 0.0) == pytest.approx(SHARES @ SIZES, rel=1e-4)


def test_visits_that_are_far_from_others_hold_more_of_the_pieces_in_few_visits() -> None:
    """Of 3,000 visits with the same sizes of lines, the top hundredth takes more where lines of a visit agree more."""

    def top(tail: dict[str, float] | None) -> float:
        pieces = {"visits": 0.2, "visits_tail": tail}
        baskets = {"products": 3.0, "shape": 100.0}
        table = purchases(pieces, baskets=baskets, days=1.0)
        taken = np.sort(table.groupby("visit")["units"].sum())
        return float(taken[-len(taken) // 100 :].sum() / taken.sum())

    assert top({"share": 0.05, "times": 10.0}) > 1.1 * top(None)


def test_what_is_kept_is_less_what_comes_back_a_part_of_it_half() -> None:
    buying = {"returns": 0.4, "returns_part": 0.25, "return_days": 2.0, "return_window": 3.0}
    back = 0.4 * (1 - np.exp(-1.5))
    kept = 1 - back * np.array([1, 0.875, 0.875, 0.875])
    assert expected(made({}, buying=buying).units, 0.0) == pytest.approx(SHARES * SIZES @ kept, rel=1e-4)


def test_many_pieces_cost_less_each_and_segments_pay_their_price() -> None:
    segments = [{"name": "list", "share": 1.0}, {"name": "web", "share": 1.0, "price": 2.0}]
    breaks = [{"at": 12, "off": 0.1}, {"at": 100, "off": 0.25}]
    table = purchases({"breaks": breaks}, users={"segments": segments})
    usual = np.array([20.0, 25.0, 30.0, 35.0])[table["product"]]
    off = table["units"].map({1: 0.0, 2: 0.0, 12: 0.1, 144: 0.25})
    np.testing.assert_allclose(table["price"], usual * (1 - off) * np.array([1.0, 2.0])[table["segment"]])


def test_of_stock_that_is_short_what_is_there_is_sold_and_the_rest_is_lost() -> None:
    products = [product(0, incumbent=True, quality=-50.0), product(1, launch=0.0, stock=1000)]
    scenario = season(pieces={"sizes": [12], "shares": [1.0]}, products=products, choice={"leaving": -2.0})
    ledger = market(scenario.changed(users={"durable": False}), Fixed([1]), seed=1).ledger
    bought = ledger.table("purchases").query("product == 1")["units"].to_list()
    assert bought == [12] * 83 + [4]
    assert ledger.table("lost_sales")["units"].iloc[0] == 8
    assert ledger.products().loc[1, "sold"] == 1000
    assert set(ledger.table("lost_sales")["units"][1:]) <= {12}


@settings(max_examples=30, deadline=None)
@given(seasons(), st.integers(0, 5))
def test_a_part_comes_back_only_of_several_pieces(scenario: Scenario, seed: int) -> None:
    ledger = market(scenario, Random(), seed).ledger
    both = ledger.table("returns").merge(ledger.table("purchases"), on=["visit", "product"])
    parts = both["units_x"] < both["units_y"]
    assert (both.loc[parts, "units_x"] > 0).all()
    assert scenario.buying.returns_part > 0 or not parts.any()
    revenue = ledger.net_sales("revenue")[1].sum()
    assert revenue == pytest.approx(ledger.products()["revenue"].sum())


@pytest.mark.parametrize(
    ("pieces", "rule"),
    [
        ({"sizes": [1, 1]}, r"pieces.sizes must be positive and increase, got \[1, 1\]"),
        ({"shares": [1.0]}, r"pieces.shares must be 4 non-negative numbers, not all 0, got \[1.0\]"),
    ],
)
def test_sizes_that_cannot_be_are_refused(pieces: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule):
        season().changed(pieces=PIECES | pieces)


def test_who_buys_more_products_buys_more_of_each_and_sizes_keep_their_shares() -> None:
    """Shift by the user's own log of the number of wants, times `basket`; in closed form over 40,000 users."""
    about = {"users": {"population": 40_000, "features": 1}, "baskets": {"products": 2.0, "spread": 0.6}}
    scenario = season(pieces=PIECES | {"basket": 0.9, "spread": 0.3, "visits": 0.5}, **about)
    users = Users(scenario, 1)
    baskets = Baskets(scenario, users, 1)
    pieces = Pieces(scenario, users, baskets, 1)
    ends = (pieces.thresholds - pieces.of_users[:, None].astype(float)) / np.sqrt(1 + 0.5**2)
    chances = np.diff(ndtr(ends), prepend=0, append=1, axis=1)
    np.testing.assert_allclose(chances.mean(axis=0), SHARES, atol=4 * chances.std(axis=0).max() / 200)
    slope = np.cov(pieces.of_users, baskets.own)[0, 1] / np.var(baskets.own)
    assert slope == pytest.approx(0.9, abs=4 * 0.3 / 0.6 / 200)
    apart = pieces.of_users - 0.9 * baskets.own
    assert apart.std() == pytest.approx(0.3, rel=0.02)


@pytest.mark.parametrize(("shift", "largest"), [(-60.0, 1), (60.0, 144)])
def test_far_beyond_all_shifts_every_line_has_the_same_size(shift: float, largest: int) -> None:
    assert expected(made({}).wanted, shift) == pytest.approx(largest)
