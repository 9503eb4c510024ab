"""Planning: the best launch plan, searched by playing the season with common random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.market import Market
from simulator.scenario import Scenario, ScenarioError
from simulator.visits import Window


@dataclass(frozen=True)
class Plan:
    """What to launch at each window, by product index, and what the shop sells with it."""

    launches: list[list[int]]
    value: float  # the shop's net sales, in the scenario's reward, mean over seeds


def best_plan(scenario: Scenario, seeds: Sequence[int], progress: Callable[[], None] = lambda: None) -> Plan:
    """Greedy search, then exchanges: the plan with which the shop sells most by the season's end.

    Window by window and place by place, take the candidate that adds most while later windows launch nothing; then
    exchange any two, launched or not, as long as that sells more. Every plan is played on the same seasons, one a seed,
    so plans differ by what they launch and nothing else. Each step plays a season: some (candidates x places) of them.

    Args:
        scenario: one that asks what to launch.
        seeds: of the seasons over which a plan is judged.
        progress: called after each plan that was played.

    Raises:
        ScenarioError: the scenario asks what to show.
    """
    about = scenario.launching
    if about is None:
        raise ScenarioError(f"question must be 'launch' to search a launch plan, got {scenario.question!r}")
    places = about.windows * about.capacity

    def value(order: list[int]) -> float:
        plan = _windows(order[:places], about.capacity, about.windows)
        progress()
        return plan_value(scenario, plan, seeds)

    order = [k for k, product in enumerate(scenario.products) if not product.incumbent]
    for place in range(places):
        best = max(range(place, len(order)), key=lambda i: value([*order[:place], order[i]]))
        order[place], order[best] = order[best], order[place]
    order, best_value = _exchange(order, places, value)
    return Plan(_windows(order[:places], about.capacity, about.windows), best_value)


def _exchange(order: list[int], places: int, value: Callable[[list[int]], float]) -> tuple[list[int], float]:
    """Exchange two products, the first of them launched, until no exchange sells more."""
    pairs = [(i, j) for i in range(places) for j in range(i + 1, len(order))]
    best, improved = value(order), True
    while improved:
        improved = False
        for i, j in pairs:
            other = order.copy()
            other[i], other[j] = other[j], other[i]
            if (found := value(other)) > best:
                order, best, improved = other, found, True
    return order, best


def _windows(order: list[int], capacity: int, windows: int) -> list[list[int]]:
    return [order[capacity * w : capacity * (w + 1)] for w in range(windows)]


def plan_value(scenario: Scenario, plan: Sequence[Sequence[int]], seeds: Sequence[int]) -> float:
    """The shop's net sales under a plan, in the scenario's reward, mean over the seasons of these seeds."""
    return float(np.mean([_sales(scenario, plan, seed) for seed in seeds]))


def _sales(scenario: Scenario, plan: Sequence[Sequence[int]], seed: int) -> float:
    windows = iter(plan)

    def launch(_: Window) -> list[int]:
        return list(next(windows))

    return Market(scenario, launch, seed, record=False).run().totals()[scenario.reward]
