"""Sequences of behaviour: whole, in order, cut where they are long, and users held out as a whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.planning.sequences import held_out, sequences
from envs.history import History
from simulator.scenario import ScenarioError


def history(touched: list[tuple[str, str]]) -> History:
    behavior = pd.DataFrame(touched, columns=["user", "item"])
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(range(len(behavior)), unit="D")
    return History.read(behavior=behavior.assign(action="view", time=days))


def test_a_user_s_items_come_in_order_at_the_end_of_a_row_and_repeats_count_once() -> None:
    found = history([("a", "x"), ("b", "y"), ("a", "x"), ("a", "z"), ("b", "x"), ("c", "x")])
    number = {name: row for row, name in enumerate(found.goods["id"])}
    rows, users = sequences(found, length=4)
    told = sorted(tuple(row) for row in rows.tolist())
    assert told == sorted([(-1, -1, number["x"], number["z"]), (-1, -1, number["y"], number["x"])])
    assert len(set(users)) == 2


def test_a_long_past_is_cut_into_pieces_that_lose_nothing() -> None:
    rows, users = sequences(history([("a", f"i{k % 7}") for k in range(10)]), length=4)
    assert (rows >= 0).sum() == 10
    assert len(set(users)) == 1


def test_a_user_is_held_out_with_all_sequences() -> None:
    users = np.array([0, 0, 1, 9, 9, 19, 20])
    assert held_out(users, 0.1).tolist() == [False, False, False, True, True, True, False]


def test_where_nobody_touched_two_items_there_is_nothing_to_learn() -> None:
    with pytest.raises(ScenarioError, match="users who touched two items or more, got none"):
        sequences(history([("a", "x"), ("b", "x")]))
