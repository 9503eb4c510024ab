"""Sequences: what users looked at or bought, one item after the other."""

from __future__ import annotations

import numpy as np

from benchmarks.planning.launches import Flags, Integers
from simulator.history import History
from simulator.scenario import ScenarioError


def sequences(history: History, length: int = 16) -> tuple[Integers, Integers]:
    """(n, length) items, oldest first, -1 at the front of what is shorter; (n,) whose they are.

    What a user touches twice in a row counts once; a longer past is cut into pieces.

    Raises:
        ScenarioError: nobody touched two items.
    """
    lines = history.lines[(history.lines["user"] >= 0).to_numpy() & (history.lines["action"] != "return").to_numpy()]
    user, item = lines["user"].to_numpy(np.int64), lines["item"].to_numpy(np.int64)
    order = np.argsort(user, kind="stable")
    user, item = user[order], item[order]
    fresh = np.ones(len(user), np.bool_)
    fresh[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
    user, item = user[fresh], item[fresh]
    starts = np.flatnonzero(np.r_[True, user[1:] != user[:-1]]) if len(user) else np.empty(0, np.int64)
    place = np.arange(len(user)) - np.repeat(starts, np.diff(np.r_[starts, len(user)]))
    piece = np.cumsum(place % length == 0) - 1
    n = int(piece[-1]) + 1 if len(piece) else 0
    rows = np.full((n, length), -1, np.int64)
    sizes = np.bincount(piece, minlength=n)
    rows[piece, place % length + (length - sizes)[piece]] = item
    kept = sizes > 1
    if not kept.any():
        raise ScenarioError("behavior must hold users who touched two items or more, got none")
    return rows[kept], user[place % length == 0][kept]


def held_out(users: Integers, share: float) -> Flags:
    """(n,) the sequences of every so-manieth user."""
    every = max(round(1 / share), 2)
    return np.asarray(users % every == every - 1)
