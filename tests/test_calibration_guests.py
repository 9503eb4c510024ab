"""A shop whose tables name no user, as tills do: all of its market's visits are guests'."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_sales import history as made_history

from simulator.calibration import Calibrated, calibrate
from simulator.calibration.pairs import shared
from simulator.calibration.pieces import usual_sizes
from simulator.calibration.sales import sales
from simulator.calibration.seasons import season
from simulator.history import History


@pytest.fixture(scope="module")
def till() -> History:
    made = made_history(days=140, products=30)
    return replace(made, lines=made.lines.assign(user=np.int32(-1)), n_users=0)


@pytest.fixture(scope="module")
def market(till: History) -> Calibrated:
    return calibrate(till, seeds=3)


def test_it_sells_as_many_lines_and_pieces_to_as_many_visits(till: History, market: Calibrated) -> None:
    shop, seasons = sales(till), [season(market.scenario, seed) for seed in range(8)]
    for count in (lambda one: len(one.times), lambda one: len(one.items), lambda one: one.pieces.sum()):
        assert np.mean([count(one) for one in seasons]) == pytest.approx(count(shop), rel=0.05)


def test_nobody_comes_twice(market: Calibrated) -> None:
    assert (season(market.scenario, 0).users < 0).mean() > 0.999


def test_it_is_not_judged_by_customers(market: Calibrated) -> None:
    told = market.fit["metric"]
    assert not told.str.contains("customer|weeks between").any()
    assert {"weekly orders", "pieces a line", "order value"} <= set(told)
    assert market.fit["score"].notna().all()


def test_why_there_are_no_customers_is_said(market: Calibrated) -> None:
    parameters = market.parameters.set_index("place")
    assert parameters.loc["users.population", "why"] == "no user has a name, so that every visit is a guest's"


def test_lines_of_one_visit_tell_how_much_visits_differ_where_nobody_has_a_name(till: History) -> None:
    """Of a visit in two all lines have one piece, of the other six: what a line is goes with its visit."""
    lines = till.lines.assign(quantity=np.where(till.lines["order"] % 2 == 0, 1, 6).astype(np.int32))
    sold = sales(replace(till, lines=lines))
    _, size_of = usual_sizes(sold.pieces)
    cumulated = np.cumsum(np.bincount(size_of)) / len(size_of)
    found = shared(sold, np.array([-0.8, 0.8]), size_of, cumulated)
    assert found.users == 0.0
    assert found.visits > 0.9
