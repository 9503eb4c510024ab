"""Seasons of a scenario without anything offered in slots, gathered as a history's sales are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from simulator.calibration.looks import once
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
    return gathered(bought, _first(scenario), int(np.ceil(scenario.days)), len(scenario.products), np.empty(0))


def looked(scenario: Scenario, seed: int) -> Sales:
    """All visits of one season and, as their lines, what they look at; a look that ends in a purchase is `returned`."""
    market = Market(scenario, lambda visits, rows: np.full((rows.stop - rows.start, scenario.slots), -1), seed)
    ledger = market.run()
    visits, lines = ledger.table("visits"), ledger.table("purchases")
    visits = visits[visits["time"] < scenario.days].sort_values("time", kind="stable")
    times, numbers = visits["time"].to_numpy(float), visits["visit"].to_numpy()
    visit, item = market.considered(numbers, times)
    place = pd.Index(numbers).get_indexer(lines["visit"].to_numpy())
    kept = place >= 0
    taken = lines["product"].to_numpy(np.int64)[kept]
    visit, item = _beside(visit, item, place[kept], taken, len(scenario.products))
    rows = np.concatenate([visit, place[kept]])
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    bought = Bought(
        times=times[rows],
        users=_names(scenario, market.users.segments, visits["user"].to_numpy())[rows],
        orders=rows,
        items=np.concatenate([item, taken])[order],
        pieces=np.ones(len(rows), np.int64),
        prices=np.zeros(len(rows)),
        returned=np.concatenate([np.zeros(len(visit), np.int64), np.ones(kept.sum(), np.int64)])[order],
    )
    about = _first(scenario), int(np.ceil(scenario.days)), len(scenario.products)
    return once(gathered(bought, *about, np.empty(0), by_day=False))


def _beside(visit: Ints, item: Ints, buyer: Ints, bought: Ints, n_products: int) -> tuple[Ints, Ints]:
    """Looks at what is not bought, of which each visit has as many fewer as it buys: that it has looked at, too, and
    what further wants buy takes the place of other looks.
    """
    other = ~np.isin(visit * n_products + item, buyer * n_products + bought)
    n = max(visit.max(initial=-1), buyer.max(initial=-1)) + 1
    left = np.bincount(visit, minlength=n) - np.bincount(buyer, minlength=n)
    visit, item = visit[other], item[other]
    kept = np.arange(len(visit)) - np.searchsorted(visit, visit) < left[visit]
    return visit[kept], item[kept]


def _first(scenario: Scenario) -> pd.Timestamp:
    start = scenario.calendar.start if scenario.calendar is not None and scenario.calendar.start else None
    return pd.Timestamp(start) if start else pd.Timestamp("2001-01-01")


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
