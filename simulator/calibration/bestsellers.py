"""A shop of fewer products: those of the most lines, as if there had never been others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from simulator.calibration.sales import Ints
from simulator.history import History


def bestsellers(history: History, n: int, until: pd.Timestamp | None = None) -> History:
    """The lines of the n products of the most lines before `until`; and of what came later, where it has as many.

    Lines are purchases, or looks where there are none. All goods stay in their rows; who bought nothing else is no user
    any more.
    """
    lines = history.lines
    bought = (lines["action"] == "buy").to_numpy()
    counted = lines[bought] if bought.any() else lines
    early = np.ones(len(counted), bool) if until is None else (counted["time"] < until).to_numpy()
    items = counted["item"].to_numpy(np.int64)
    before, after = (np.bincount(items[which], minlength=len(history.goods)) for which in (early, ~early))
    best = np.argsort(-before, kind="stable")[:n]
    later = np.flatnonzero((before == 0) & (after >= max(before[best[-1]], 1)))
    return _only(history, np.concatenate([best, later]))


def _only(history: History, items: Ints) -> History:
    """The lines of some products, and the users of those."""
    rows = np.isin(history.lines["item"].to_numpy(), items)
    lines = history.lines[rows].reset_index(drop=True)
    place = np.cumsum(rows) - 1
    undone = history.undone[rows[history.undone["buy"]] & rows[history.undone["back"]]].reset_index(drop=True)
    undone[["buy", "back"]] = place[undone[["buy", "back"]].to_numpy()]
    users = np.unique(lines["user"])
    users = users[users >= 0]
    numbers = np.searchsorted(users, lines["user"]).astype(np.int32)
    lines["user"] = np.where(lines["user"] >= 0, numbers, np.int32(-1))
    names = None if history.users is None else history.users[users]
    return replace(history, lines=lines, undone=undone, n_users=len(users), users=names)
