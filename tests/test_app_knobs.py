"""Sliders: which a scenario has, and what each changes."""

from __future__ import annotations

import pytest

from benchmarks.app import knobs
from benchmarks.sweeps.overrides import overridden
from simulator.scenario import Scenario, ScenarioError

SPRING, CALENDAR, FLAGSHIP = (Scenario.load(name) for name in ("spring_launch", "launch_calendar", "flagship"))


def turned(scenario: Scenario, **values: float) -> Scenario:
    return overridden(scenario, knobs.changes(scenario, values))


@pytest.mark.parametrize("name", Scenario.names())
def test_sliders_that_stand_where_they_stood_change_nothing(name: str) -> None:
    scenario = Scenario.load(name)
    assert knobs.changes(scenario, {knob.name: knob.start for knob in knobs.knobs(scenario)}) == {}


@pytest.mark.parametrize("name", Scenario.names())
def test_each_slider_can_go_to_both_its_ends(name: str) -> None:
    scenario = Scenario.load(name)
    for knob in knobs.knobs(scenario):
        for end in {knob.low, knob.high} - {knob.start}:
            assert turned(scenario, **{knob.name: end}) != scenario


def test_traffic_stock_and_prices_are_multiplied() -> None:
    now = turned(SPRING, traffic=1.5, stock=0.5, prices=0.9)
    assert now.arrivals.per_day == 1200
    assert now.products[4].stock == 250
    assert now.products[4].price == pytest.approx(35.1)


def test_launches_move_together_and_not_before_the_season() -> None:
    before = [product.launch for product in SPRING.products if not product.incumbent]
    after = [product.launch for product in turned(SPRING, launches=-10).products if not product.incumbent]
    assert after == [max(day - 10, 0) for day in before if day is not None]


def test_where_launches_are_the_question_windows_move_and_have_a_capacity() -> None:
    assert CALENDAR.launching is not None
    now = turned(CALENDAR, launches=1, capacity=CALENDAR.launching.capacity - 1).launching
    assert now is not None
    assert (now.first, now.capacity) == (CALENDAR.launching.first + 1, CALENDAR.launching.capacity - 1)


def test_there_are_sliders_for_what_a_scenario_has_and_for_nothing_else() -> None:
    assert "slots" in {knob.name for knob in knobs.knobs(FLAGSHIP)}
    assert "capacity" not in {knob.name for knob in knobs.knobs(SPRING)}
    endless = SPRING.changed(products=[product.model_copy(update={"stock": None}) for product in SPRING.products])
    assert "stock" not in {knob.name for knob in knobs.knobs(endless)}


def test_a_slider_beyond_its_end_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"traffic must be from 0\.25 to 4, got 9"):
        knobs.changes(SPRING, {"traffic": 9.0})
