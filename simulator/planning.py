"""Planning: the best launch plan, searched by playing the season with common random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.market import Market
from simulator.scenario import Scenario, ScenarioError
from simulator.search import Floats, Windows, search
from simulator.visits import Window


@dataclass(frozen=True)
class Plan:
    """What to launch at each window, by product index, and what the shop sells with it."""

    launches: list[list[int]]
    value: float  # the shop's net sales, in the scenario's reward, mean over seeds
    left: tuple[float, float] = (
        0.0,
        0.0,
    )  # by how much the best of all plans may be better; 0 and 0 if all were played


def best_plan(
    scenario: Scenario, seeds: Sequence[int], progress: Callable[[], None] = lambda: None, *, plays: int = 2_000
) -> Plan:
    """The plan with which the shop sells most by the season's end.

    Few plans are all played; of many, some, see `simulator.search`. Every plan is played on the same seasons, one a
    seed, so plans differ by what they launch and nothing else.

    Args:
        scenario: one that asks what to launch.
        seeds: of the seasons over which a plan is judged.
        progress: called after each plan that was played.
        plays: plans to play at most, or few more.

    Raises:
        ScenarioError: the scenario asks what to show.
    """
    about = scenario.launching
    if about is None:
        raise ScenarioError(f"question must be 'launch' to search a launch plan, got {scenario.question!r}")

    def play(plan: Windows) -> tuple[float, Floats]:
        played = [_sales(scenario, plan, seed) for seed in seeds]
        progress()
        value, parts = zip(*played, strict=True)
        return float(np.mean(value)), np.mean(parts, axis=0)

    candidates = [k for k, product in enumerate(scenario.products) if not product.incumbent]
    found = search(candidates, about.windows, about.capacity, play, plays=plays)
    return Plan([list(window) for window in found.windows], found.value, found.left)


def plan_value(scenario: Scenario, plan: Sequence[Sequence[int]], seeds: Sequence[int]) -> float:
    """The shop's net sales under a plan, in the scenario's reward, mean over the seasons of these seeds."""
    return float(np.mean([_sales(scenario, plan, seed)[0] for seed in seeds]))


def _sales(scenario: Scenario, plan: Sequence[Sequence[int]], seed: int) -> tuple[float, Floats]:
    """Net sales of the shop, and the share of each product (K,) in them by pieces; a plan may end early."""
    windows = iter(plan)

    def launch(_: Window) -> list[int]:
        return list(next(windows, ()))

    ledger = Market(scenario, launch, seed, record=False).run()
    total = ledger.totals()[scenario.reward]
    products = ledger.products()
    net = (products["revenue"] if scenario.reward != "units" else products["sold"] - products["returned"]).to_numpy(
        float
    )
    return total, total * net / max(float(net.sum()), 1e-9)
