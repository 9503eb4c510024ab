"""Changed keys of a scenario: where they go, how factors multiply, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seasons import product, season

from benchmarks.sweeps.overrides import overridden, typed
from simulator.scenario import ScenarioError

STOCKED = season(
    products=[product(0, incumbent=True), product(1, launch=0.0, stock=9), product(2, launch=1.0, stock=40)]
)


def test_a_key_of_a_part_is_replaced_and_no_other() -> None:
    changed = overridden(STOCKED, {"arrivals.per_day": 400})
    assert changed == STOCKED.changed(arrivals=STOCKED.arrivals.model_dump() | {"per_day": 400})


def test_a_factor_keeps_pieces_whole_and_leaves_what_is_unlimited() -> None:
    changed = overridden(STOCKED, {"products.*.stock": "x0.5"})
    assert [one.stock for one in changed.products] == [None, 4, 20]


def test_a_row_is_named_by_number_or_title() -> None:
    changed = overridden(STOCKED, {"products.1.price": 5, "products.product 2.price": "x2"})
    assert [one.price for one in changed.products] == [20, 5, 60]


def test_a_title_may_hold_dots() -> None:
    scenario = season(products=[product(0, incumbent=True), product(1, title="Tea No. 1.5", launch=0.0)])
    assert overridden(scenario, {"products.Tea No. 1.5.price": 3}).products[1].price == 3


def test_a_part_that_is_not_there_yet_is_made() -> None:
    changed = overridden(STOCKED, {"calendar.trend": 0.5, "calendar.weeks": [1, 2]})
    assert changed.calendar is not None
    assert (changed.calendar.trend, changed.calendar.weeks) == (0.5, [1, 2])


def test_lists_are_multiplied_number_by_number() -> None:
    assert overridden(STOCKED, {"choice.examination": "x0.25"}).choice.examination == [0.25]


@given(st.floats(0.01, 100))
def test_a_factor_and_its_product_are_the_same_scenario(factor: float) -> None:
    by_hand = overridden(STOCKED, {"arrivals.per_day": STOCKED.arrivals.per_day * factor})
    assert overridden(STOCKED, {"arrivals.per_day": f"x{factor!r}"}) == by_hand


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ({"arrivals.per_dya": 1}, "got 'arrivals.per_dya', did you mean 'per_day'"),
        ({"days.long": 1}, "got 'days.long'"),
        ({"products.product 7.price": 1}, "got 'products.product 7.price'"),
        ({"products.*.prise": 1}, "did you mean 'price'"),
        ({"calendar.trnd": 1}, "calendar.trnd must be a known key, got 1"),
        ({"products.*.price": -1}, "price must be greater than 0, got -1"),
        ({"shelf.considered": "x2"}, "must have a number to multiply, got none for 'x2'"),
    ],
)
def test_what_cannot_be_changed_is_one_line(override: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        overridden(STOCKED, override)


def test_overrides_are_typed_as_place_and_value() -> None:
    said = typed(
        ["arrivals.per_day = 400", "products.*.stock=x0.5", 'question="launch"', "choice.examination=[1, 0.5]"]
    )
    assert said == {
        "arrivals.per_day": 400,
        "products.*.stock": "x0.5",
        "question": "launch",
        "choice.examination": [1, 0.5],
    }


@pytest.mark.parametrize("text", ["arrivals.per_day", "=3", "arrivals.per_day="])
def test_an_override_without_place_or_value_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match=r"set must read like arrivals\.per_day=400, got"):
        typed([text])
