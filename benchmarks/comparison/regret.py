"""Where regret comes from: products too new to be known, everything else, and what stock-outs cost beside it."""

from __future__ import annotations

from benchmarks.trace import Trace

NEW = 7.0  # days after its launch that a product counts as new


def regret_parts(trace: Trace) -> dict[str, float]:
    """Regret of a run in a market, in the units of its reward.

    `cold_start` is the regret of decisions whose best product had been launched less than a week before, `rest` that
    of all others: together they are the whole regret. `stock_outs` stands beside them: expected reward of the best
    launched product minus that of the best one in stock, over all decisions.
    """
    launched = trace.ledger.launch_days()
    new = trace.times - launched[trace.best % len(launched)] < NEW
    return {
        "cold_start": float(trace.regrets[new].sum()),
        "rest": float(trace.regrets[~new].sum()),
        "stock_outs": float(trace.shortfalls.sum()),
    }
