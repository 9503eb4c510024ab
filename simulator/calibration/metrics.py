"""What a shop looks like, in numbers that a merchandiser knows: totals a week, and distributions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.calibration.sales import Floats, Ints, Sales

_SETTLED = 28  # days after which what is first sold is a launch

MEASURES = ("pieces", "lines", "revenue", "orders", "customers")


def weekly(sales: Sales) -> dict[str, Floats]:
    """(W,) of each measure in each week from day 0."""
    n = sales.weeks
    weeks = sales.visit_weeks[sales.visits]
    named = ~sales.guest
    met = np.unique(sales.users[named] * n + sales.visit_weeks[named])
    return {
        "pieces": np.bincount(weeks, sales.pieces, n),
        "lines": np.bincount(weeks, minlength=n).astype(float),
        "revenue": np.bincount(weeks, sales.pieces * sales.prices, n),
        "orders": np.bincount(sales.visit_weeks, minlength=n).astype(float),
        "customers": np.bincount(met % n, minlength=n).astype(float),
    }


def distributions(sales: Sales, first: int, last: int) -> dict[str, Floats]:
    """Samples by metric, of days `first` to `last` (weeks are counted from `first`)."""
    within = (sales.visit_days >= first) & (sales.visit_days < last)
    lines = within[sales.visits]
    named, named_lines = within & ~sales.guest, lines & ~sales.guest[sales.visits]
    week = (sales.visit_days - first) // 7
    user_week = sales.users * 1000 + week
    product_week = sales.items * 1000 + week[sales.visits]
    paid = np.bincount(sales.visits, sales.pieces * sales.prices, len(sales.times))
    return {
        "orders by hour": np.floor(sales.times[within] % 1 * 24),
        "orders by weekday": (sales.first.day_of_week + sales.visit_days[within]) % 7.0,
        "visits per customer": _counts(sales.users[named]),
        "weeks between orders": _gaps(sales.users[named], sales.times[named]),
        "products a customer-week": _counts(user_week[sales.visits][named_lines]),
        "pieces a customer-week": _counts(user_week[sales.visits][named_lines], sales.pieces[named_lines]),
        "pieces a line": sales.pieces[lines].astype(float),
        "price per line": sales.prices[lines],
        "order value": paid[within],
        "pieces a product-week": _counts(product_week[lines], sales.pieces[lines]),
    }


def numbers(sales: Sales, first: int, last: int, old_until: int) -> dict[str, float]:
    """Single numbers of days `first` to `last`. Old customers are those seen before day `old_until`."""
    within = (sales.visit_days >= first) & (sales.visit_days < last)
    lines, named = within[sales.visits], within & ~sales.guest
    old = np.unique(sales.users[~sales.guest & (sales.visit_days < old_until)])
    again = named & np.isin(sales.users, old) & (sales.visit_days >= old_until)
    met = np.unique(sales.users[named])
    spans = [weeks for weeks in (13, 26, 52) if old_until + 7 * weeks <= last] or [(last - old_until) // 7]
    found = {
        f"repeat orders of old customers, {weeks} weeks": float(
            (again & (sales.visit_days < old_until + 7 * weeks)).sum()
        )
        for weeks in spans
    }
    products = np.bincount(sales.items[lines], sales.pieces[lines]).astype(float)
    buyers = _counts(sales.users[sales.visits][lines & named[sales.visits]], sales.pieces[lines & named[sales.visits]])
    return found | {
        "share of new customers": 1 - float(np.isin(met, old).mean()) if len(met) else np.nan,
        "top tenth of products, share of pieces": _top_tenth(products[products > 0]),
        "top tenth of customers, share of pieces": _top_tenth(buyers),
        "lines that come back": float((sales.returned[lines] > 0).mean()) if lines.any() else np.nan,
    }


def launched(sales: Sales, first: int, last: int, old: int = 0, weeks: int = 8) -> tuple[Floats, Floats]:
    """Of products first sold on days `first` to `last`, the last weeks left out, and so the history's first four, in
    which all are new: lines of their first weeks (n,), and the mean cumulative curve (weeks,).

    Args:
        old: so many products, the first ones, are known to have been sold before.
    """
    day = sales.visit_days[sales.visits]
    listed = np.full(sales.n_products, 10**9)
    np.minimum.at(listed, sales.items, day)
    new = (listed >= max(first, _SETTLED)) & (listed < last - 7 * weeks) & (np.arange(sales.n_products) >= old)
    age = (day - listed[sales.items]) // 7
    rows = new[sales.items] & (age < weeks)
    table = np.zeros((sales.n_products, weeks))
    np.add.at(table, (sales.items[rows], age[rows]), 1)
    curves = table[new].cumsum(axis=1)
    return curves[:, -1] if len(curves) else np.empty(0), curves.mean(axis=0) if len(curves) else np.zeros(weeks)


def complement(a: Floats, b: Floats) -> float:
    """1 - the two-sample Kolmogorov-Smirnov statistic; NaN where one is empty."""
    if not len(a) or not len(b):
        return np.nan
    a, b = np.sort(a), np.sort(b)
    at = np.unique(np.concatenate([a, b]))
    gap = np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)
    return 1 - float(np.abs(gap).max())


def wape(observed: Floats, said: Floats) -> float:
    """Sum of absolute errors relative to the sum."""
    return float(np.abs(observed - said).sum() / max(np.abs(observed).sum(), 1e-9))


def _counts(keys: Ints, weights: npt.NDArray[np.int64] | None = None) -> Floats:
    """(groups,) how often each key is there, or the sum of its weights."""
    _, place = np.unique(keys, return_inverse=True)
    return np.bincount(place, weights).astype(float) if len(keys) else np.empty(0)


def _gaps(users: Ints, times: Floats) -> Floats:
    order = np.lexsort([times, users])
    same = np.diff(users[order]) == 0
    return np.asarray(np.diff(times[order])[same] / 7)


def _top_tenth(values: Floats) -> float:
    if not len(values):
        return np.nan
    top = np.sort(values)[::-1][: max(round(len(values) / 10), 1)]
    return float(top.sum() / values.sum())
