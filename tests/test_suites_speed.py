"""Speed: floors do the work that they claim to do, and ratios are the right way round."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.suites import speed
from benchmarks.suites.off_policy import made
from benchmarks.suites.off_policy_peers import ours
from benchmarks.suites.suite import COLUMNS


@pytest.mark.parametrize(("unit", "times"), [("rows/s", 4.0), ("us", 0.25)])
def test_a_ratio_above_one_is_faster_than_the_floor(unit: str, times: float) -> None:
    assert speed.ratio(speed.Speed("work", unit, 8.0, 2.0, "floor", "")) == times


def test_whole_columns_make_the_estimates_that_one_pass_makes() -> None:
    log = made(3_000)
    assert speed.sums(log) == pytest.approx(ours(log))


def test_the_table_tells_the_floor_and_the_ratio() -> None:
    row = ("a visit", "us", 3.0, None, None, 1, None, 1.5, "one bare timeout", 0.5, "0.3x")
    table = pd.DataFrame([row], columns=[*COLUMNS, "floor", "beside", "ratio", "wanted"])
    assert speed.told(table).splitlines()[-1] == "| a visit | 3.0 us | 1.5 us: one bare timeout | 0.5x | 0.3x |"
