"""Every scenario with every policy: what each gains over showing at random, with its defaults, and tuned beside."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.compared import Comparison
from benchmarks.suites.policies_by_scenario import CHEAP, DEAR, by_reward, modest
from benchmarks.suites.suite import COLUMNS, Asked, grid
from simulator.scenario import Scenario

_SEASONS, _FEW = 20, 3


def rows(asked: Asked) -> pd.DataFrame:
    """One row a scenario and policy."""
    found = [_scenario(name, asked) for name in Scenario.names() if not asked.small or modest(Scenario.load(name))]
    return pd.concat([*found, *_tuned(asked)], ignore_index=True)


def _tuned(asked: Asked) -> list[pd.DataFrame]:
    """What the suite `tuned` has found, where it has been played into the folder beside."""
    file = asked.out.parent / "tuned" / "table.csv"
    if not file.exists():
        return []
    table = pd.read_csv(file)
    return [table.loc[table.contestant.str.endswith(", tuned"), COLUMNS]]


def _scenario(name: str, asked: Asked) -> pd.DataFrame:
    calls = CHEAP if asked.small else list(dict.fromkeys([*CHEAP, *DEAR]))
    return gains(name, compared(name, calls, range(_FEW if asked.small else _SEASONS), asked))


def compared(name: str, calls: Sequence[str], seeds: Sequence[int], asked: Asked) -> Comparison:
    """Seasons of a scenario, each finished one kept in the suite's folder; judged by what the scenario pays."""
    how = {"progress": asked.progress, **workers_of(asked)}
    return by_reward(Scenario.load(name), calls, seeds, asked.out / name, **how)


def workers_of(asked: Asked) -> dict[str, Any]:
    """As comparisons and searches are told of them."""
    return {"executor": asked.workers} if isinstance(asked.workers, Executor) else {"processes": asked.workers}


def gains(case: str, comparison: Comparison) -> pd.DataFrame:
    """A row a policy but the baseline: gain over it in percent of what it sells, paired, best first."""
    table = comparison.table
    base = float(table.sales[comparison.baseline])
    others = table.drop(index=comparison.baseline)
    told = [
        (case, policy, row.percent, 100 * row.difference_lower / base, 100 * row.difference_upper / base,
         len(comparison.seeds), row.seconds)
        for policy, row in others.iterrows()
    ]  # fmt: skip
    found = pd.DataFrame(told, columns=COLUMNS)
    return found.astype({"lower": float, "upper": float}).replace([np.inf, -np.inf], np.nan)


def told(table: pd.DataFrame) -> str:
    """A row a policy, a column a scenario: gains in percent with their intervals; the best over all scenarios first."""
    cells = [f"{row.ours:+.1f} ({row.lower:+.1f} to {row.upper:+.1f})" for row in table.itertuples()]
    wide = table.assign(cell=cells).pivot_table(
        index="contestant", columns="case", values="cell", aggfunc="first", sort=False
    )
    order = table.groupby("contestant").ours.mean().sort_values(ascending=False).index
    wide = wide.reindex(order).fillna("")
    rows = ([f"`{policy}`", *row] for policy, row in zip(wide.index, wide.to_numpy(), strict=True))
    return grid(["policy", *wide.columns], rows)
