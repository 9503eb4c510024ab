"""The made-up logs: their truths against many of them, and the table of what holds by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.suites.made_up import MadeUp, coverage, text


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    """30 short logs of each kind."""
    return pd.concat([MadeUp(seed, even, rows=600, replayed=()).play() for seed in range(30) for even in (True, False)])


def test_the_truths_are_what_estimates_are_on_average(many: pd.DataFrame) -> None:
    """Within four standard errors of 30 logs: as logged, by weights, as differences, and by page."""
    unbiased = ("as logged", "ips, gamma", "ips, less the log", "ips, less another policy", "pages, cascade")
    for (_, by), part in many.groupby(["log", "by"]):
        if by in unbiased:
            error = part.value.std(ddof=1) / np.sqrt(len(part))
            assert part.value.mean() == pytest.approx(part.truth.iloc[0], abs=4 * error), by


def test_every_interval_there_is_holds_as_often_as_it_says(many: pd.DataFrame) -> None:
    """95%, up to four binomial standard errors of 30 logs; page by page and policy against policy too."""
    table = coverage(many)
    told = table[(table.logs == 30) & ~table.by.str.contains("bootstrap|student")]
    assert len(told) > 30
    assert (told.held > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 30)).all(), told[told.held < 0.8]


def test_the_table_by_hand() -> None:
    """Two of three intervals hold 10; of the learner's, the truth is the mean of its values, 5, which one holds."""
    rows = [("a", 9.0, 8.0, 11.0, 10.0), ("a", 12.0, 9.0, 13.0, 10.0), ("a", 12.0, 11.0, 13.0, 10.0)]
    rows += [("b", 4.0, 3.0, 4.5, np.nan), ("b", 6.0, 4.5, 7.0, np.nan), ("c", 1.0, np.nan, np.nan, 1.0)]
    found = pd.DataFrame(rows, columns=["by", "value", "lower", "upper", "truth"]).assign(log="log", seed=0)
    table = coverage(found).set_index("by")
    assert table.held.tolist() == pytest.approx([2 / 3, 1 / 2, np.nan], nan_ok=True)
    assert table.logs.tolist() == [3, 2, 0]
    assert table.width["a"] == 3.0
    assert "| a | 66.7% of 3 |\n| b | 50.0% of 2 |\n| c | – |" in text(coverage(found))
