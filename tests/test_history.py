"""A shop's past as columns: cut in time, netted of returns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulator.history import ACTIONS, History


@pytest.fixture
def history() -> History:
    """Five bought on the first, two of them back on the third, one more bought on the fourth."""
    lines = pd.DataFrame(
        {
            "time": pd.to_datetime(["2024-01-01", "2024-01-03", "2024-01-04"]),
            "user": np.zeros(3, np.int32),
            "item": np.zeros(3, np.int32),
            "action": pd.Categorical(["buy", "return", "buy"], categories=ACTIONS),
            "quantity": np.array([5, 2, 1], np.int32),
            "price": np.full(3, 2.0),
            "order": np.arange(3, dtype=np.int32),
        }
    )
    undone = pd.DataFrame({"buy": [0], "back": [1], "pieces": [2]})
    return History(lines, pd.DataFrame({"id": ["tea"]}), (), 1, False, pd.DataFrame(), undone)


def test_what_came_back_is_netted_from_the_line_that_sold_it(history: History) -> None:
    assert history.buys["quantity"].tolist() == [5, 1]
    assert history.buys["returned"].tolist() == [2, 0]


def test_a_return_after_the_cut_has_not_happened_yet(history: History) -> None:
    assert history.until("2024-01-03").buys["returned"].tolist() == [0]
    assert history.until("2024-01-03 00:00:01").buys["returned"].tolist() == [2]


def test_a_cut_parts_the_lines_without_loss(history: History) -> None:
    before, after = history.until("2024-01-03"), history.since("2024-01-03")
    assert (len(before.lines), len(after.lines)) == (1, 2)
    assert (before.end, after.start) == (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-03"))


def test_a_return_of_what_was_sold_before_the_cut_has_lost_its_pair(history: History) -> None:
    assert len(history.since("2024-01-02").undone) == 0
