"""What calibration sees of a history: visits that bought something, and their lines, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulator.history import History

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Sales:
    """V visits in order of time, L lines in order of their visits.

    A visit is what a customer buys on one day, however many invoices that makes; a guest's (of no known name) is one
    invoice. A product that a visit buys twice is one line.
    """

    first: pd.Timestamp  # midnight of day 0
    days: int
    n_products: int
    times: Floats  # (V,) days
    users: Ints  # (V,) -1 for guests
    visits: Ints  # (L,) the visit of each line
    items: Ints  # (L,)
    pieces: Ints  # (L,)
    prices: Floats  # (L,) a piece, the mean where a line has several
    returned: Ints  # (L,) pieces that came back
    returned_after: Floats  # (R,) days, a row a return

    @property
    def weeks(self) -> int:
        """Weeks from day 0 on, the last one perhaps in part."""
        return -(-self.days // 7)

    @cached_property
    def visit_days(self) -> Ints:
        """(V,) the day of each visit."""
        return self.times.astype(np.int64)

    @cached_property
    def visit_weeks(self) -> Ints:
        """(V,) the week of each visit, from day 0."""
        return self.visit_days // 7

    @cached_property
    def dates(self) -> pd.DatetimeIndex:
        """(days,) the date of each day."""
        return pd.date_range(self.first, periods=self.days, freq="D")

    @cached_property
    def guest(self) -> npt.NDArray[np.bool_]:
        """(V,) visits of no known name."""
        return self.users < 0

    @cached_property
    def lines_a_visit(self) -> Ints:
        """(V,) different products in each visit."""
        return np.bincount(self.visits, minlength=len(self.times))


@dataclass(frozen=True)
class Bought:
    """Lines as they were bought, before they are gathered into visits: columns over n lines."""

    times: Floats  # days
    users: Ints  # -1 for guests
    orders: Ints  # an invoice, or a visit of the market; -1 where none
    items: Ints
    pieces: Ints
    prices: Floats  # a piece
    returned: Ints  # pieces


def sales(history: History, until: pd.Timestamp | None = None) -> Sales:
    """The purchases of a history as visits and lines, from its first midnight to `until` or the end of its last day."""
    end = until if until is not None else history.end.normalize() + pd.Timedelta(days=1)
    history = history.until(end)
    buys, first = history.buys, history.start.normalize()
    bought = Bought(
        times=(buys["time"].to_numpy() - first.to_datetime64()) / np.timedelta64(1, "D"),
        users=buys["user"].to_numpy(np.int64),
        orders=buys["order"].to_numpy(np.int64),
        items=buys["item"].to_numpy(np.int64),
        pieces=buys["quantity"].to_numpy(np.int64),
        prices=buys["price"].to_numpy(np.float64),
        returned=buys["returned"].to_numpy(np.int64),
    )
    days = int((end - first) / pd.Timedelta(days=1))
    return gathered(bought, first, days, len(history.goods), _delays(history))


def gathered(
    bought: Bought, first: pd.Timestamp, days: int, n_products: int, returned_after: Floats, by_day: bool = True
) -> Sales:
    """Lines gathered into visits: a customer's of one day, a guest's of one order; or everybody's of one order."""
    alone = np.where(bought.orders >= 0, bought.orders, np.arange(len(bought.orders)))
    alone = np.unique(alone, return_inverse=True)[1]
    named = int(bought.users.max(initial=-1)) + 1
    who = np.where(bought.users >= 0, bought.users, named + alone)
    keys = bought.times.astype(np.int64) * (int(who.max(initial=0)) + 1) + who if by_day else alone
    met, visit_of = _numbered(bought.times, keys)
    pairs, line_of = np.unique(visit_of * n_products + bought.items, return_inverse=True)
    pieces = np.bincount(line_of, bought.pieces)
    return Sales(
        first=first,
        days=days,
        n_products=n_products,
        times=bought.times[met],
        users=bought.users[met],
        visits=pairs // n_products,
        items=pairs % n_products,
        pieces=pieces.astype(np.int64),
        prices=np.bincount(line_of, bought.pieces * bought.prices) / pieces,
        returned=np.bincount(line_of, bought.returned).astype(np.int64),
        returned_after=returned_after,
    )


def _numbered(times: Floats, keys: Ints) -> tuple[Ints, Ints]:
    """The first line of each visit, in order of time, and the visit of each line."""
    _, firsts, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(times[firsts], kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return firsts[order], rank[inverse]


def _delays(history: History) -> Floats:
    """Days between what was bought and what came back of it, a row a pair."""
    times, pairs = history.lines["time"].to_numpy(), history.undone
    gaps = times[pairs["back"].to_numpy()] - times[pairs["buy"].to_numpy()]
    return np.asarray(gaps / np.timedelta64(1, "D"))
