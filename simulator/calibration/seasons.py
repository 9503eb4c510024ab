"""Seasons of a scenario without anything offered in slots, gathered as a history's sales are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from simulator import streams
from simulator.calibration.looks import imagined, numbers, once
from simulator.calibration.sales import Bought, Ints, Sales, gathered
from simulator.market import Market
from simulator.scenario import Scenario

_AT_ONCE = 20_000  # visits whose looks are drawn together
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
    begin = np.where(market.catalogue.incumbent, np.nan_to_num(market.catalogue.launches), ledger.launch_days())
    visit, item = _sampled(scenario, market.catalogue.categories, times, begin, market.catalogue.delistings, seed)
    place = pd.Index(numbers).get_indexer(lines["visit"].to_numpy())
    kept = place >= 0
    visit, item = _but_first(visit, item, np.bincount(place[kept], minlength=len(times)))
    rows = np.concatenate([visit, place[kept]])
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    bought = Bought(
        times=times[rows],
        users=_names(scenario, market.users.segments, visits["user"].to_numpy())[rows],
        orders=rows,
        items=np.concatenate([item, lines["product"].to_numpy(np.int64)[kept]])[order],
        pieces=np.ones(len(rows), np.int64),
        prices=np.zeros(len(rows)),
        returned=np.concatenate([np.zeros(len(visit), np.int64), np.ones(kept.sum(), np.int64)])[order],
    )
    about = _first(scenario), int(np.ceil(scenario.days)), len(scenario.products)
    return once(gathered(bought, *about, np.empty(0), by_day=False))


def _but_first(visit: Ints, item: Ints, bought: Ints) -> tuple[Ints, Ints]:
    """Without as many of each visit's looks as it bought: those are looks, too."""
    kept = np.arange(len(visit)) - np.searchsorted(visit, visit) >= bought[visit]
    return visit[kept], item[kept]


def _sampled(scenario: Scenario, categories: Ints, times: Any, begin: Any, end: Any, seed: int) -> tuple[Ints, Ints]:
    """(m,) visit and product of what visits at these times consider, drawn as the market does, with luck of its own."""
    assert scenario.shelf is not None
    assert scenario.shelf.considered is not None
    popularity = np.array([product.popularity for product in scenario.products])
    shelf, random = scenario.shelf, streams.generator(seed, "looks")
    number = numbers(scenario.shelf.considered, shelf.shape or 0.0, len(times), streams.generator(seed, "draws"))
    days = np.searchsorted(times, np.arange(int(np.ceil(scenario.days))))
    visits, items = [], []
    for first, last in pairwise(np.unique([*days, *range(0, len(times), _AT_ONCE), len(times)]).tolist()):
        rows = slice(first, last)
        drawn, when = number[rows, None], times[rows, None]
        listed = (begin <= when[-1]) & ~(end <= when[0]) | (not shelf.listed)
        if not listed.any():
            continue
        item = imagined(popularity * listed, categories, int(drawn.max()), shelf.focus, len(drawn), random)
        there = (begin[item] <= when) & ~(end[item] <= when) & (np.arange(item.shape[1]) < drawn)
        visits.append(first + np.nonzero(there)[0])
        items.append(item[there])
    return np.concatenate([*visits, np.empty(0, np.int64)]), np.concatenate([*items, np.empty(0, np.int64)])


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
