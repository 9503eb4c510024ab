"""What is turned with a slider, and the keys of a scenario that each stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.scenario import Scenario, ScenarioError

_LATER = 28.0  # days that launches are moved at most


@dataclass(frozen=True)
class Knob:
    """A slider: where it stands in the scenario as it is, and what comes of another place."""

    name: str
    label: str
    start: float
    low: float
    high: float
    step: float
    unit: str  # "x": times what the scenario says; "" a number; "days"
    places: Callable[[float], dict[str, Any]]  # value -> overrides, as of benchmarks.sweeps.overrides


def knobs(scenario: Scenario) -> list[Knob]:
    """Those that the scenario has something for."""
    return [*_factors(scenario), *_levels(scenario), *_launches(scenario)]


def changes(scenario: Scenario, turned: Mapping[str, float]) -> dict[str, Any]:
    """The overrides that the sliders stand for.

    Raises:
        ScenarioError: a slider stands where it cannot.
    """
    found: dict[str, Any] = {}
    for knob in knobs(scenario):
        value = turned.get(knob.name, knob.start)
        if not min(knob.low, knob.start) <= value <= max(knob.high, knob.start):
            raise ScenarioError(f"{knob.name} must be from {knob.low:g} to {knob.high:g}, got {value:g}")
        if value != knob.start:
            found |= knob.places(value)
    return found


def _factors(scenario: Scenario) -> Iterator[Knob]:
    per_day = f"Visitors ({scenario.arrivals.per_day:,.0f} a day in the scenario)"
    yield Knob("traffic", per_day, 1.0, 0.25, 4.0, 0.05, "x", _times("arrivals.per_day"))
    if any(product.stock is not None for product in scenario.products):
        yield Knob("stock", "Stock of every product", 1.0, 0.1, 4.0, 0.05, "x", _times("products.*.stock"))
    yield Knob("prices", "Price of every product", 1.0, 0.5, 1.5, 0.01, "x", _times("products.*.price"))


def _levels(scenario: Scenario) -> Iterator[Knob]:
    novelty = scenario.choice.novelty
    label = "Novelty (utility on the launch day)"
    yield Knob("novelty", label, novelty, 0.0, max(3.0, novelty), 0.1, "", _is("choice.novelty"))
    most = min(len(scenario.choice.examination), scenario.n_offered)
    if most > 1:
        slots = Knob("slots", "Products shown at a visit", scenario.slots, 1, most, 1, "", _whole("slots"))
        yield slots
    if scenario.launching is not None:
        candidates = sum(not product.incumbent for product in scenario.products)
        most = max(candidates // scenario.launching.windows, 1)
        start, place = scenario.launching.capacity, "launching.capacity"
        yield Knob("capacity", "Launches at each window", start, 1, most, 1, "", _whole(place))


def _launches(scenario: Scenario) -> Iterator[Knob]:
    days = _launch_days(scenario)
    if days:
        earlier, later = -min(max(days.values()), _LATER), min(scenario.days - 1 - _last(scenario, days), _LATER)
        if later >= 1 or earlier <= -1:
            label = "Launches later (earlier: below 0)"
            yield Knob("launches", label, 0.0, float(int(earlier)), float(int(max(later, 0))), 1, "days", _moved(days))


def _launch_days(scenario: Scenario) -> dict[str, float]:
    """Day by the place of its key: of the first window, or of each candidate."""
    if scenario.launching is not None:
        return {"launching.first": scenario.launching.first}
    return {
        f"products.{number}.launch": product.launch
        for number, product in enumerate(scenario.products)
        if product.launch is not None and not product.incumbent
    }


def _last(scenario: Scenario, days: Mapping[str, float]) -> float:
    if scenario.launching is None:
        return max(days.values())
    return scenario.launching.first + (scenario.launching.windows - 1) * scenario.launching.every


def _moved(days: Mapping[str, float]) -> Callable[[float], dict[str, Any]]:
    return lambda by: {place: max(day + by, 0.0) for place, day in days.items()}


def _times(place: str) -> Callable[[float], dict[str, Any]]:
    return lambda factor: {place: f"x{factor:g}"}


def _is(place: str) -> Callable[[float], dict[str, Any]]:
    return lambda value: {place: value}


def _whole(place: str) -> Callable[[float], dict[str, Any]]:
    return lambda value: {place: round(value)}
