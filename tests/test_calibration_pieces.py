"""Pieces of a line: usual sizes, and how much customers, visits and products shift them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.suites.recovery import made
from simulator.calibration import pieces
from simulator.calibration.customers import Customers
from simulator.calibration.part import Part
from simulator.calibration.seasons import season

TRUTH = {
    "arrivals.per_day": 20.0,
    "calendar.weeks": [1.0] * 53,
    "users.population": 300.0,
    "users.segments.share": 0.5,
    "users.segments.activity": 5.0,
    "customers.newcomers": 0.05,
    "baskets.shape": 1.5,
    "baskets.spread": 0.4,
    "pieces.spread": 0.9,
    "pieces.visits": 0.5,
}
BASKETS = {
    "baskets.spread": 0.4,
    "baskets.shape": 1.5,
    "users.segments.products": [3.0, 3.0],
    "users.segments.shape": [1.5, 1.5],
}


@pytest.fixture(scope="module")
def part() -> Part:
    sales = season(made(TRUTH), 0)
    one = np.ones((int(sales.users.max()) + 1, 1))
    who = Customers(np.ones(1), np.ones(1), np.ones(1), 300.0, 0.05, 0.0, 0.001, one)
    return pieces.fit(sales, who, BASKETS)


@pytest.mark.parametrize(("name", "within"), [("pieces.spread", 0.15), ("pieces.visits", 0.25)])
def test_spreads_are_those_that_the_market_made_lines_with(part: Part, name: str, within: float) -> None:
    """With four lines a visit the visits' spread comes out a fifth too small: their effects are uncertain."""
    assert part.settings[name] == pytest.approx(TRUTH[name], rel=within)


def test_shares_of_the_sizes_are_those_that_the_market_made_lines_with(part: Part) -> None:
    """3, 2, 1 and 1 of 12.5 lines have 1 to 4 pieces; some lines are two of one product in a visit."""
    shares = dict(zip(part.settings["pieces.sizes"], part.settings["pieces.shares"], strict=True))
    assert [shares[size] for size in (1, 2, 3, 4)] == pytest.approx([0.24, 0.16, 0.08, 0.08], abs=0.03)


def test_a_tail_is_found_where_some_are_far_and_none_where_all_are_alike() -> None:
    random = np.random.default_rng(0)
    errors, alike = random.uniform(0.01, 0.1, 4_000), random.normal(size=4_000)
    noise = np.sqrt(errors) * random.normal(size=4_000)
    far = np.where(random.random(4_000) < 0.1, 5.0, 1.0)
    found = pieces.tail(0.3 * far * alike + noise, errors)
    assert found is not None
    assert found.share == pytest.approx(0.1, abs=0.03)
    assert found.times == pytest.approx(5.0, rel=0.15)
    assert pieces.tail(0.3 * alike + noise, errors) is None


def test_errors_that_are_larger_than_thought_are_no_tail() -> None:
    """Errors of a few are a hundred times the others', so that variance less mean error says nothing of the spread."""
    random = np.random.default_rng(0)
    errors = np.where(random.random(4_000) < 0.1, 1.0, 0.01)
    seen = (0.3 + 0.5 * np.sqrt(errors)) * random.normal(size=4_000)
    assert pieces.tail(seen, errors) is None


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=300))
def test_sizes_increase_and_every_line_has_one(drawn: list[int]) -> None:
    sizes, size_of = pieces.usual_sizes(np.array(drawn))
    assert (np.diff(sizes) > 0).all()
    assert len(size_of) == len(drawn)
    assert set(size_of.tolist()) == set(range(len(sizes)))
