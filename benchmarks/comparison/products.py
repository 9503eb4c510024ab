"""What became of each product over all seasons of a comparison: shown, sold, run out, sold since its launch."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.comparison.statistics import mean_interval
from policies.policy import Floats

_MOST_DAYS = 28.0  # after a launch that are looked at


def shares(products: pd.DataFrame, n_products: int) -> dict[str, tuple[Floats, Floats]]:
    """Of each policy: last days of the periods (m,), and (m, K) which share of their decisions chose each product.

    Args:
        products: policy, seed and the columns of `benchmarks.sweeps.products.by_product`.
        n_products: K.
    """
    found = {}
    for policy, rows in products.groupby("policy", sort=False):
        counts = _by_day(rows, "chosen", n_products)
        found[str(policy)] = counts.index.to_numpy(float), _normed(counts.to_numpy(float))
    return found


def launched(products: pd.DataFrame, n_products: int, days: float) -> dict[str, tuple[Floats, Floats]]:
    """Of each policy: days of launches (m,), from 0 to the season's end, and (m, K) in which share of the seasons each
    product had been launched by then."""
    found = {}
    for policy, rows in products.groupby("policy", sort=False):
        counts = _by_day(rows[rows.launched > 0], "launched", n_products).cumsum() / rows.seed.nunique()
        at = np.concatenate([[0.0], counts.index.to_numpy(float), [float(days)]])
        grown = counts.to_numpy(float)
        found[str(policy)] = at, np.vstack([np.zeros(n_products), grown, grown[-1:]])
    return found


def since_launch(products: pd.DataFrame, incumbent: list[bool], days: int) -> tuple[dict[str, Floats], int, int]:
    """What new products sell from their launch day on.

    Args:
        products: as above.
        incumbent: (K,) which were on the shelf already.
        days: T, length of the season.

    Returns:
        policy -> (n seeds, H + 1) cumulative net units of a new product 0 to H days after its launch, mean over those
        that were launched at least H days before the season's end; H, half the season, 28 days at most; and how many
        products that is at most. Empty where no launch is so early, or counts are of several days at a time.
    """
    horizon = int(min(_MOST_DAYS, days // 2))
    new = products[~np.asarray(incumbent, bool)[products["product"]]]
    starts = new[new.launched > 0].groupby(["policy", "seed", "product"], sort=False).day.first().rename("start")
    starts = starts[starts <= days - horizon]
    if starts.empty or not _daily(products):
        return {}, horizon, 0
    joined = new.merge(starts.reset_index(), on=["policy", "seed", "product"])
    joined["age"] = joined.day - joined.start + 1
    joined = joined[joined.age.between(1, horizon)]
    counts = starts.groupby(["policy", "seed"], sort=False).size()
    sold = joined.pivot_table(index=["policy", "seed"], columns="age", values="sold", aggfunc="sum", fill_value=0)
    sold = sold.reindex(index=counts.index, columns=range(horizon + 1), fill_value=0).cumsum(axis=1).div(counts, axis=0)
    paths = {str(policy): rows.to_numpy(float) for policy, rows in sold.groupby(level=0, sort=False)}
    return paths, horizon, int(counts.max())


def by_product(products: pd.DataFrame, titles: list[str]) -> pd.DataFrame:
    """A row a policy and product: means over seasons, best-selling products of each policy first.

    Returns:
        `policy, product` (title), `sold` net units with `sold_lower`, `sold_upper` (95%), `chosen` share of the
        policy's decisions, `lost` units wanted but gone, `launched_in` and `launched` (share of the seasons in which it
        was, median day), `ran_out_in` and `ran_out` (share of the seasons in which it ever ran out, median day of the
        first time), NaN where that was never.
    """
    rows = []
    for policy, own in products.groupby("policy", sort=False):
        seeds, total = own.seed.unique(), max(own.chosen.sum(), 1)
        groups = dict(list(own.groupby("product")))
        for k, title in enumerate(titles):
            found = groups.get(k, own.iloc[:0])
            sold = found.groupby("seed").sold.sum().reindex(seeds, fill_value=0).to_numpy(float)
            mean, lower, upper = mean_interval(sold)
            rows.append(
                {"policy": policy, "product": title, "sold": mean, "sold_lower": max(lower, 0.0), "sold_upper": upper}
                | {"chosen": found.chosen.sum() / total, "lost": found.lost.sum() / len(seeds)}
                | _first("launched", found, "launched", len(seeds))
                | _first("ran_out", found, "run_out", len(seeds))
            )
    return pd.DataFrame(rows).sort_values(["policy", "sold"], ascending=[True, False], kind="stable", ignore_index=True)


def _first(name: str, rows: pd.DataFrame, column: str, seasons: int) -> dict[str, float]:
    """In which share of the seasons it happened, and the median day of the first time, as days since the start."""
    first = rows[rows[column] > 0].groupby("seed").day.first() - 1
    return {f"{name}_in": len(first) / seasons, name: float(first.median()) if len(first) else np.nan}


def _daily(products: pd.DataFrame) -> bool:
    return bool(np.diff(np.unique(products.day)).min(initial=1) == 1)


def _by_day(rows: pd.DataFrame, column: str, n_products: int) -> pd.DataFrame:
    """Days down, products across, summed over seasons."""
    counts = rows.pivot_table(index="day", columns="product", values=column, aggfunc="sum", fill_value=0)
    return counts.reindex(columns=range(n_products), fill_value=0)


def _normed(counts: Floats) -> Floats:
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
