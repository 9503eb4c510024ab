"""A shop of fewer products is the shop without the others' lines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_sales import FIRST
from made_sales import history as made_history

from simulator.calibration.bestsellers import bestsellers
from simulator.history import History


@pytest.fixture(scope="module")
def history() -> History:
    """Thirty products; of the first ten only every fourth line stands, so that they are the least."""
    made = made_history(days=140, products=30)
    lines = made.lines
    thinned = (lines["item"] >= 10) | (np.arange(len(lines)) % 4 == 0)
    whole = lines[thinned].reset_index(drop=True)
    item, user = whole["item"].to_numpy(), whole["user"].to_numpy()
    buy = np.flatnonzero((item[:-1] == item[-1]) | (item[:-1] == 3))[:6]
    back = whole.iloc[buy].assign(action=pd.Categorical(["return"] * 6, whole["action"].cat.categories))
    back["time"] = whole["time"].iloc[-1] + pd.Timedelta(hours=1)
    undone = pd.DataFrame({"buy": buy, "back": len(whole) + np.arange(6), "pieces": 1})
    names = np.arange(100, 100 + user.max() + 1, dtype=np.uint64)
    return History(
        pd.concat([whole, back], ignore_index=True), made.goods, (), len(names), False, made.cleaning, undone, names
    )


def test_those_of_the_most_lines_keep_every_line_and_the_others_none(history: History) -> None:
    few = bestsellers(history, 20)
    wanted = history.lines[history.lines["item"] >= 10].drop(columns="user").reset_index(drop=True)
    pd.testing.assert_frame_equal(few.lines.drop(columns="user"), wanted)


def test_a_line_keeps_its_customer(history: History) -> None:
    few = bestsellers(history, 3)
    old = history.lines[history.lines["item"].isin(few.lines["item"].unique())]["user"].to_numpy()
    new = few.lines["user"].to_numpy()
    assert few.n_users < history.n_users
    np.testing.assert_array_equal(old < 0, new < 0)
    assert history.users is not None
    assert few.users is not None
    np.testing.assert_array_equal(few.users[new[new >= 0]], history.users[old[old >= 0]])


def test_what_comes_back_stands_beside_what_was_bought(history: History) -> None:
    few = bestsellers(history, 20)
    pairs = [few.lines.iloc[few.undone[which]].reset_index(drop=True) for which in ("buy", "back")]
    assert 0 < len(few.undone) < len(history.undone)
    assert [set(one["action"]) for one in pairs] == [{"buy"}, {"return"}]
    pd.testing.assert_frame_equal(pairs[0][["item", "user"]], pairs[1][["item", "user"]])


def test_a_later_launch_is_kept_where_it_sells_as_much(history: History) -> None:
    """Products 28 and 29 are first sold after the date, and 29 has but one line."""
    lines, until = history.lines, FIRST + pd.Timedelta(days=70)
    late = lines["time"] >= until
    once = (lines["item"] == 29) & (lines.index != np.flatnonzero(late & (lines["item"] == 29))[0])
    lines = lines[~(~late & (lines["item"] == 28)) & ~once].reset_index(drop=True)
    told = History(lines, history.goods, (), history.n_users, False, history.cleaning, history.undone.iloc[:0])
    assert {28, 29} & set(bestsellers(told, 18, until).lines["item"]) == {28}
