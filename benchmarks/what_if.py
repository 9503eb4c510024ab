"""What would change the answer: the same comparison with more or less traffic, stock and novelty."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison.statistics import paired
from benchmarks.sweeps.seasons import of_a_shop
from benchmarks.sweeps.sweeping import sweep
from policies.policy import Floats
from simulator.scenario import Scenario

_PLACES = {  # what is turned: its place in a scenario, the factors
    "traffic": ("arrivals.per_day", (0.5, 1.0, 2.0)),
    "stock": ("products.*.stock", (0.5, 1.0, 2.0)),
    "novelty": ("choice.novelty", (0.0, 1.0, 2.0)),
}


@dataclass(frozen=True)
class WhatIf:
    """A comparison at every point of a small grid."""

    factors: dict[str, tuple[float, ...]]  # what is turned -> its factors; 1 is the scenario as it is
    cells: pd.DataFrame  # a row a point and policy: factors, policy, sales, difference, lower, upper, percents, verdict
    baseline: str
    seeds: int  # seasons behind each point

    def alone(self, name: str) -> pd.DataFrame:
        """The rows in which only this is turned."""
        others = [other for other in self.factors if other != name]
        return self.cells[(self.cells[others] == 1.0).all(axis=1)]


def what_if(
    scenario: Any,
    policies: Sequence[str],
    seeds: int = 5,
    *,
    baseline: str,
    measure: str,
    titles: int = 0,
    folder: str | Path | None = None,
    processes: int = 1,
    executor: Executor | None = None,
    progress: bool = False,
) -> WhatIf:
    """Play the full grid of what a scenario has: traffic always, stock where it is limited, novelty where there is any.

    Args:
        scenario: as of `benchmarks.compare.compare`, with books of its own.
        policies: calls, the baseline among them.
        seeds: seasons behind each point.
        baseline, measure, titles, processes, executor, progress: as of `compare`.
        folder: finished runs are kept there and not played again; None keeps nothing.

    Raises:
        ScenarioError: the scenario is unknown or malformed.
        PolicyError: a policy or setting is unknown.
    """
    found = of_a_shop(scenario, titles).scenario
    assert found is not None  # of a shop
    turned = _turned(found)
    played = sweep(
        {
            "name": "what_if",
            "scenarios": [scenario],
            "policies": list(policies),
            "seeds": seeds,
            "titles": titles,
            "overrides": {place: [f"x{factor:g}" for factor in factors] for place, factors in turned.values()},
        },
        executor,
        folder=folder,
        processes=processes,
        progress=progress,
    )
    played = played[played.error == ""]
    for name, (place, _) in turned.items():
        played[name] = played[place].str.removeprefix("x").astype(float)
    rows = [
        row for _, point in played.groupby(list(turned), sort=True) for row in _judged(point, turned, baseline, measure)
    ]
    return WhatIf({name: factors for name, (_, factors) in turned.items()}, pd.DataFrame(rows), baseline, seeds)


def _turned(scenario: Scenario) -> dict[str, tuple[str, tuple[float, ...]]]:
    limited = any(product.stock is not None for product in scenario.products)
    has = {"traffic": True, "stock": limited, "novelty": scenario.choice.novelty > 0}
    return {name: about for name, about in _PLACES.items() if has[name]}


def _judged(
    point: pd.DataFrame, names: Sequence[str] | dict[str, Any], baseline: str, measure: str
) -> list[dict[str, Any]]:
    """Each policy at one point of the grid, judged as in any comparison."""
    sales = point.pivot(index="seed", columns="policy", values=measure).dropna()
    if baseline not in sales:
        return []
    base = sales[baseline].to_numpy(float)
    place = {name: float(point[name].iloc[0]) for name in names}
    policies = [str(policy) for policy in point.policy.unique()]
    return [
        place | {"policy": policy} | _gain(sales[policy].to_numpy(float), base, len(policies) - 1)
        for policy in policies
    ]


def _gain(sales: Floats, base: Floats, comparisons: int) -> dict[str, Any]:
    found = paired(sales - base, max(comparisons, 1))
    per_cent = 100 / base.mean() if base.mean() else np.nan
    gains = {"difference": found.mean, "lower": found.lower, "upper": found.upper}
    percents = {f"{name}_percent": value * per_cent for name, value in gains.items()}
    return {"sales": sales.mean(), **gains, **percents, "verdict": found.verdict}
