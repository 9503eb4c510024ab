"""Seasons of a scenario without anything offered in slots, gathered as a history's sales are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from simulator.calibration.sales import Bought, Ints, Sales, gathered
from simulator.market import Market
from simulator.scenario import Scenario

GUESTS = "guests"  # the segment whose names a shop does not know


def season(scenario: Scenario, seed: int) -> Sales:
    """What the shop sells in one season to those who come by themselves; products in the order of the scenario."""
    market = Market(
        scenario, lambda visits, rows: np.full((rows.stop - rows.start, scenario.slots), -1), seed, record=False
    )
    ledger = market.run()
    lines, back = ledger.table("purchases"), ledger.table("returns")
    lines, back = lines[lines["time"] < scenario.days], back[back["time"] < scenario.days]
    users = _names(scenario, market.users.segments, lines["user"].to_numpy())
    orders = np.unique(lines["visit"].to_numpy(), return_inverse=True)[1]
    items = lines["product"].to_numpy(np.int64)
    bought = Bought(
        times=lines["time"].to_numpy(float),
        users=users,
        orders=orders,
        items=items,
        pieces=lines["units"].to_numpy(np.int64),
        prices=lines["price"].to_numpy(float),
        returned=_returned(lines, back),
    )
    start = scenario.calendar.start if scenario.calendar is not None and scenario.calendar.start else None
    first = pd.Timestamp(start) if start else pd.Timestamp("2001-01-01")
    return gathered(bought, first, int(np.ceil(scenario.days)), len(scenario.products), np.empty(0))


def _names(scenario: Scenario, segments: Ints, users: Ints) -> Ints:
    """(n,) users, -1 where they are of the guests' segment."""
    guests = [number for number, segment in enumerate(scenario.users.segments) if segment.name == GUESTS]
    return np.where(np.isin(segments[users], guests), -1, users)


def _returned(lines: pd.DataFrame, back: pd.DataFrame) -> Any:
    """(n,) pieces of each line that came back: a visit buys a product once."""
    key = ["visit", "product"]
    units = back.groupby(key)["units"].sum()
    found = units.reindex(pd.MultiIndex.from_frame(lines[key])).fillna(0)
    return found.to_numpy(np.int64)
