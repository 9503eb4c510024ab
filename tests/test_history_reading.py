"""A shop's own tables become a history: nothing lost, returns beside what they undo."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from envs.history import History


@pytest.mark.data
def test_the_gift_shops_lines_are_kept_or_set_aside_one_by_one(data: Path, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    history = History.read(invoices=data / "online_retail" / "online_retail_2009_2010.parquet", rejects=rejects)
    assert len(history.lines) + len(pd.read_csv(rejects)) == 502_938
    assert (history.start, history.end) == (pd.Timestamp("2009-12-01 07:45"), pd.Timestamp("2010-11-30 19:35"))
    assert (history.buys["returned"] <= history.buys["quantity"]).all()
    assert (history.lines["price"] > 0).all()
