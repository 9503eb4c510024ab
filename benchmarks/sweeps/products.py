"""What became of each product in one finished run, by day: offered, sold, wanted in vain, launched, run out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.trace import Trace
from policies.policy import Floats

COUNTS = ("chosen", "sold", "lost", "launched", "run_out")
_MOST_ROWS = 20_000  # of a run: many products over a long season are counted by several days at a time


def by_product(trace: Trace, days: int) -> pd.DataFrame:
    """Counts by product and day, rows without any left out.

    Args:
        trace: of a run.
        days: T, length of the season.

    Returns:
        `day` is the last day that the row counts (1 to T; of K products over T days with K T > 20,000 a row holds
        several days), `product` the product's index; `chosen` are decisions of the policy for it by day of decision
        (showings, or launches where it is asked what to launch), `sold` units net of returns, `lost` units that were
        wanted but gone, `launched` 1 on the day of its launch, `run_out` how often it ran out. No rows where the run
        was in no shop.
    """
    if trace.ledger is None:
        return pd.DataFrame({name: np.empty(0, np.int32) for name in ("day", "product", *COUNTS)})
    K = len(trace.ledger.catalogue)
    step = -(-K * days // _MOST_ROWS)
    periods = -(-days // step)

    def count(times: Any, products: Any, amounts: Any = None) -> Floats:
        period = np.clip(np.asarray(times, np.int64) // step, 0, periods - 1)
        cells = period * K + np.asarray(products, np.int64)
        return np.asarray(np.bincount(cells, amounts, periods * K), float)

    events = {name: trace.ledger.table(name) for name in ("purchases", "returns", "lost_sales", "stock_outs")}
    units = {name: count(table["time"], table["product"], table.get("units")) for name, table in events.items()}
    launches = trace.ledger.table("launches")
    counts = {
        "chosen": count(trace.times, trace.chosen % K),
        "sold": units["purchases"] - units["returns"],
        "lost": units["lost_sales"],
        "launched": count(launches["time"], launches["product"]),
        "run_out": units["stock_outs"],
    }
    rows = np.flatnonzero(np.any([values != 0 for values in counts.values()], axis=0))
    index = {"day": np.minimum((rows // K + 1) * step, days), "product": rows % K}
    columns = index | {name: values[rows] for name, values in counts.items()}
    return pd.DataFrame({name: values.astype(np.int32) for name, values in columns.items()})
