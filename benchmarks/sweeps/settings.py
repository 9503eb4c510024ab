"""Runs by what was varied: a row a setting and policy, with intervals over seeds and a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison.statistics import mean_interval, paired
from benchmarks.sweeps.columns import SALES
from benchmarks.sweeps.results import LAST, ResultsError

LOSSES = ("regret", "lost_sales")  # less of them is better
_MEASURES = (*SALES, "reward", *LOSSES)
_TURNED = {"better": "worse", "worse": "better"}


def by_setting(
    table: pd.DataFrame, measure: str = "units", baseline: str | None = None, most: int | None = None
) -> pd.DataFrame:
    """Means over seeds of each policy in each setting, and how it differs from the baseline in the same seasons.

    Args:
        table: runs, as `Results.table` or `sweep` give them; failed ones are counted and left out.
        measure: "units", "revenue", "margin" (euros), "reward", "regret" or "lost_sales".
        baseline: a policy; `uniform` if it is among them, otherwise the first.
        most: how many rows are worked out, the first met; None for all.

    Returns:
        The columns that differ between runs, `policy`, `runs`, `failed`; `mean` with `lower` and `upper` (95%);
        `difference` to the baseline with `difference_lower` and `difference_upper`, paired by seed and adjusted for all
        comparisons of the table together, and its `verdict`: of regret and lost sales less is better. NaN where one
        seed gives no interval.

    Raises:
        ResultsError: there is no such measure or policy, or no run.
    """
    if measure not in _MEASURES:
        raise ResultsError(f"measure must be one of {', '.join(_MEASURES)}, got {measure!r}")
    if table.empty:
        raise ResultsError("results must have at least one run, got none")
    policies = list(dict.fromkeys(table.policy))
    chosen = baseline or ("uniform" if "uniform" in policies else policies[0])
    if chosen not in policies:
        raise ResultsError(f"baseline must be one of {', '.join(policies)}, got {chosen!r}")
    varied = _varied(table)
    groups = list(table.groupby(varied, sort=False, dropna=False)) if varied else [((), table)]
    comparisons = len(groups) * (len(policies) - 1)
    rows = (
        dict(zip(varied, setting, strict=True)) | row
        for setting, runs in groups
        for row in _rows(runs, measure, chosen, max(comparisons, 1))
    )
    return pd.DataFrame(list(islice(rows, most)))


def _varied(table: pd.DataFrame) -> list[str]:
    """The columns beside policy and seed in which runs differ; settings of a policy are said by its call."""
    calls = tuple(f"{name.partition('(')[0]}." for name in set(table.policy))
    columns = [column for column in table.columns if column not in (*LAST, "run", "policy", "seed")]
    columns = [column for column in columns if not column.startswith(calls)]
    return [column for column in columns if table[column].nunique(dropna=False) > 1]


def _rows(runs: pd.DataFrame, measure: str, baseline: str, comparisons: int) -> Iterator[dict[str, Any]]:
    values = {policy: _by_seed(rows, measure) for policy, rows in runs.groupby("policy", sort=False)}
    failed = runs[runs.error != ""].policy.value_counts()
    for policy, found in values.items():
        counts = {"policy": policy, "runs": len(found), "failed": int(failed.get(policy, 0))}
        told = _difference(found, values.get(baseline), comparisons, policy == baseline)
        if measure in LOSSES:
            told["verdict"] = _TURNED.get(told["verdict"], told["verdict"])
        yield counts | _interval(found) | told


def _by_seed(rows: pd.DataFrame, measure: str) -> pd.Series[float]:
    done = rows[rows.error == ""]
    return pd.Series(done[measure].to_numpy(float), index=done.seed.to_numpy())


def _interval(found: pd.Series[float]) -> dict[str, float]:
    if found.empty:
        return dict.fromkeys(("mean", "lower", "upper"), np.nan)
    mean, lower, upper = mean_interval(found.to_numpy())
    return {"mean": float(mean), "lower": float(lower), "upper": float(upper)}


def _difference(
    found: pd.Series[float], baseline: pd.Series[float] | None, comparisons: int, itself: bool
) -> dict[str, Any]:
    names = ("difference", "difference_lower", "difference_upper", "verdict")
    both = found.index.intersection(baseline.index) if baseline is not None else found.index[:0]
    if itself or baseline is None or both.empty:
        return dict(zip(names, (np.nan, np.nan, np.nan, "baseline" if itself else ""), strict=True))
    answer = paired((found[both] - baseline[both]).to_numpy(), comparisons)
    return dict(zip(names, (answer.mean, answer.lower, answer.upper, answer.verdict), strict=True))
