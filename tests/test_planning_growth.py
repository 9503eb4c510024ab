"""What unfinished launches let expect, and that it is learned from before their horizon is over."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from pasts import past

from benchmarks.planning.answers import ask
from benchmarks.planning.growth import Growth
from benchmarks.planning.launches import Floats, Launches
from benchmarks.planning.plain import Unconditional


@pytest.fixture(scope="module")
def launches() -> Launches:
    return Launches(past(120, 300), horizon=28)


def test_of_a_finished_launch_what_it_brought_is_expected(launches: Launches) -> None:
    items = launches.items()
    items = items[launches.over(items)]
    found = Growth(launches, items).expected(items, launches.days)
    np.testing.assert_allclose(found, np.log1p(launches.outcome(items)))


def test_of_half_a_horizon_of_steady_sales_twice_as_much_is_expected(launches: Launches) -> None:
    items = launches.items()
    items = items[launches.over(items)]
    growth = Growth(launches, items)
    now = int(launches.first[items[-1]]) + 14
    assert growth.factor[14] == pytest.approx(np.log(2), abs=0.15)
    assert growth.expected(items[-1:], now)[0] == pytest.approx(
        np.log1p(launches.so_far(items[-1:], now)[0]) + growth.factor[14]
    )


def test_nothing_is_told_of_launches_of_less_than_two_weeks_beyond_what_was_seen(launches: Launches) -> None:
    items = launches.items()
    growth = Growth(launches, items[launches.over(items)])
    for seen, least in ((0, 14), (7, 21), (20, 28)):
        ages = launches.days - launches.first[items]
        assert (np.isfinite(growth.told(items, launches.days, seen)) == (ages >= least)).all()


class Remembering(Unconditional):
    """Notes what it has learned from."""

    learned: ClassVar[list[Floats]] = []

    def fit(self, X: pd.DataFrame, y: Floats) -> Remembering:
        Remembering.learned.append(X["row"].to_numpy())
        return super().fit(X, y)


def test_answers_are_learned_from_all_that_is_told_but_never_from_itself() -> None:
    known, outcome = pd.DataFrame({"row": np.arange(10.0)}), np.array([*np.arange(8.0), np.nan, np.nan])
    Remembering.learned.clear()
    found = ask(Remembering, known, outcome, 6)
    first, *parts, ahead = Remembering.learned
    assert first.tolist() == list(range(8))  # six finished, two told by their sales so far
    assert ahead.tolist() == [0, 1, 2]  # of the finished ones, the earlier half
    assert sorted(8 - len(part) for part in parts) == [2, 2, 2, 2]
    assert found.answer[0] == np.median(np.arange(2, 8))
    assert found.answer[9] == np.median(np.arange(8))
