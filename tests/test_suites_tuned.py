"""Launches, as they are and tuned: gains come out as worked out by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.suites import launch, tuned
from benchmarks.suites.suite import COLUMNS, Asked
from benchmarks.tuning.tried import FIRST_TUNING_SEED


def test_a_gain_is_in_percent_of_what_the_baseline_sells() -> None:
    """220 beside 200, 10 to 30 more: 10%, 5 to 15%."""
    table = pd.DataFrame(
        {"sales": [220.0, 200.0], "percent": [10.0, 0.0], "difference_lower": [10.0, None],
         "difference_upper": [30.0, None], "seconds": [0.5, 0.1]}, index=["linucb", "uniform"])  # fmt: skip
    comparison: Any = SimpleNamespace(table=table, baseline="uniform", seeds=[0, 1])
    row = launch.gains("here", comparison).iloc[0]
    assert (row.contestant, row.ours, row.lower, row.upper, row.runs) == ("linucb", 10.0, 5.0, 15.0, 2)


def test_a_tuned_gain_is_paired_by_season() -> None:
    """Ten more in each of three seasons that sell 50, 100 and 150 is 10%, whatever the seasons are like."""
    base = np.array([50.0, 100.0, 150.0])
    row = dict(zip([*COLUMNS, "call"], tuned._row("here", "linucb", "linucb", base + 10, base), strict=True))
    assert (row["ours"], row["lower"], row["upper"]) == pytest.approx((10.0, 10.0, 10.0))


def test_no_season_of_the_table_is_searched_on() -> None:
    assert tuned.Budget().judged < FIRST_TUNING_SEED


def test_the_page_says_what_was_found_or_that_the_default_stands() -> None:
    rows = [
        ("here", "linucb", 10.0, 5.0, 15.0, 3, None, "linucb"),
        ("here", "linucb, tuned", 12.0, 7.0, 17.0, 3, None, "linucb(alpha=0.1)"),
        ("here", "newest", 1.0, 0.0, 2.0, 3, None, "newest"),
        ("here", "newest, tuned", 1.0, 0.0, 2.0, 3, None, "newest"),
    ]
    first, second = tuned.told(pd.DataFrame(rows, columns=[*COLUMNS, "call"])).splitlines()[2:]
    assert first.endswith("| +10.0% (+5.0 to +15.0) | +12.0% (+7.0 to +17.0) | `linucb(alpha=0.1)` | 3 |")
    assert second.endswith("| +1.0% (+0.0 to +2.0) |  | the default | 3 |")


def test_a_search_finds_a_call_and_goes_on_from_its_folder(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    first = tuned.searched("cold_start", "newest", tuned.Budget(2, 1, 2), asked)
    again = tuned.searched("cold_start", "newest", tuned.Budget(2, 1, 2), asked)
    assert again.best == first.best
    assert len(again.trials) == 2


def test_launch_shows_what_was_tuned_beside_it(tmp_path: Path) -> None:
    (tmp_path / "tuned").mkdir()
    rows = [("here", name, 10.0, 5.0, 15.0, 3, 1.0, "x") for name in ("linucb", "linucb, tuned")]
    pd.DataFrame(rows, columns=[*COLUMNS, "call"]).to_csv(tmp_path / "tuned" / "table.csv")
    (found,) = launch._tuned(Asked(tmp_path / "launch"))
    assert list(found.contestant) == ["linucb, tuned"]


def test_launches_are_told_best_first_with_a_gap_where_a_policy_was_not_played() -> None:
    rows = [("here", "vowpal", 1.0, -2.0, 4.0, 3, 1.0), ("here", "linucb", 10.0, 5.0, 15.0, 3, 1.0),
            ("there", "linucb", -2.0, -3.0, 0.5, 3, 1.0)]  # fmt: skip
    assert launch.told(pd.DataFrame(rows, columns=COLUMNS)).splitlines() == [
        "| policy | here | there |",
        "|---|---|---|",
        "| `linucb` | +10.0 (+5.0 to +15.0) | -2.0 (-3.0 to +0.5) |",
        "| `vowpal` | +1.0 (-2.0 to +4.0) |  |",
    ]
