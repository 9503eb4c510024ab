"""Looking: the first days of launches whose later days are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from pasts import past
from scipy.stats import spearmanr

from benchmarks.planning.candidates import checked, completed
from benchmarks.planning.forecast import Demand, forecast
from benchmarks.planning.launches import Floats, Launches
from benchmarks.planning.looking import Look

HORIZON, SEEN, CUT = 28, 7, 220  # days


@dataclass(frozen=True, eq=False)
class Looked:
    """Launches of the days after the cut, told from what lies before it and from their own first days."""

    before: Demand
    look: Look
    first: tuple[Floats, Floats, Floats]  # pieces, orders and new users of each of their first days
    sold: Floats  # over the horizon


@pytest.fixture(scope="module")
def looked() -> Looked:
    whole = past(160, 300, noise=0.8)
    launches = Launches(whole, HORIZON)
    new = launches.items(launches.start + pd.Timedelta(days=CUT))
    new = new[launches.over(new)]
    cut = whole.until(str((launches.start + pd.Timedelta(days=CUT)).date()))
    titles = [launches.goods.titles[i] for i in new]
    goods, _ = completed(checked(pd.DataFrame({"title": titles, "price": launches.goods.prices[new]})), cut)
    days = launches.first[new][:, None] + np.arange(SEEN)
    first = [np.diff(table, axis=1, prepend=0.0) for table in (launches.sold, launches.orders, launches.users)]
    pieces, orders, users = (table[new[:, None], days] for table in first)
    return Looked(
        forecast(cut, goods, HORIZON, "ridge", 1),
        Look(cut, goods, HORIZON, "ridge", 1, SEEN),
        (pieces, orders, users),
        launches.outcome(new),
    )


def test_first_days_tell_what_the_horizon_brings_better_than_titles_and_prices(looked: Looked) -> None:
    middle = np.array([0.5])
    before, after = (
        spearmanr(demand.at(middle)[:, 0], looked.sold)[0]
        for demand in (looked.before, looked.look.believed(*looked.first))
    )
    assert after > before + 0.05
    assert after > 0.85


def test_nine_of_ten_sell_within_their_interval_which_is_narrower_than_before(looked: Looked) -> None:
    bounds = np.array([0.05, 0.95])
    low, high = looked.look.believed(*looked.first).at(bounds).T
    held = np.sum((low <= looked.sold) & (looked.sold <= high))
    n = len(looked.sold)
    assert abs(held - 0.9 * n) < 3 * np.sqrt(0.09 * n)
    assert np.mean(high - low) < 0.8 * np.mean(np.diff(looked.before.at(bounds), axis=1))


def test_nobody_is_believed_to_sell_less_than_it_has_sold(looked: Looked) -> None:
    pieces, orders, users = looked.first
    much = looked.look.believed(pieces * 1_000, orders, users)
    assert (much.quantiles >= pieces.sum(axis=1)[:, None] * 1_000).all()
    assert (np.diff(much.quantiles, axis=1) >= 0).all()


def test_what_each_is_believed_to_sell_follows_its_own_first_days(looked: Looked) -> None:
    swapped = looked.look.believed(*(table[::-1] for table in looked.first))
    told = looked.look.believed(*looked.first)
    middle = np.array([0.5])
    own, other = (
        spearmanr(told.at(middle)[:, 0], one.at(middle)[::step, 0])[0] for one, step in ((swapped, -1), (swapped, 1))
    )
    assert own > 0.9
    assert own > other
