"""A small shop's past, made where the truth is known: what a launch sells is its price and range, and luck."""

from __future__ import annotations

import numpy as np
import pandas as pd

from envs.history import History

RANGES = ("lantern", "mug", "cushion", "soap")


def past(launches: int = 90, days: int = 300, **luck: float) -> History:
    """The history of these invoice lines."""
    return History.read(invoices=invoices(launches, days, **luck))


def invoices(
    launches: int = 90, days: int = 300, *, growth: float = 0.0, noise: float = 0.3, seed: float = 0
) -> pd.DataFrame:
    """Twenty products from the first day, then launches spread evenly; daily sales decline slowly with age.

    Args:
        launches: products first sold after the first day.
        days: of history.
        growth: of the log of everybody's sales, over the whole history.
        noise: of the log of what a product sells.
        seed: of the luck.
    """
    random = np.random.default_rng(int(seed))
    n = 20 + launches
    first = np.concatenate([np.zeros(20, int), np.sort(random.integers(10, days, launches))])
    kind = random.integers(len(RANGES), size=n)
    price = random.choice([1.0, 2.0, 4.0, 8.0], n)
    level = np.exp(2.0 - np.log(price) + 0.4 * kind + noise * random.normal(size=n))
    age = np.arange(days) - first[:, None]
    rate = level[:, None] * 0.3 * np.exp(growth * np.arange(days) / days) * np.where(age >= 0, np.exp(-age / 200), 0.0)
    sold = random.poisson(rate)
    sold[np.arange(n), first] += 1
    item, day = np.nonzero(sold)
    order = np.argsort(day, kind="stable")
    item, day = item[order], day[order]
    return pd.DataFrame(
        {
            "invoice": [f"5{number:05d}" for number in range(len(item))],
            "stockcode": [f"{20000 + i}" for i in item],
            "description": [f"{RANGES[kind[i]].upper()} MODEL {i}" for i in item],
            "quantity": sold[item, day],
            "invoicedate": pd.Timestamp("2020-01-01 12:00") + pd.to_timedelta(day, unit="D"),
            "price": price[item],
            "customer id": random.integers(10_000, 10_400, len(item)),
        }
    )
