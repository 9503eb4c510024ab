"""Embeddings of new products: nobody has touched them yet, so those of what is alike speak for them."""

from __future__ import annotations

import pandas as pd

from benchmarks.planning.launches import Integers, Launches
from benchmarks.planning.sequences import sequences
from policies.networks.pretraining import pretrain
from simulator.history import History

_ALIKE = 10  # products
_EPOCHS, _WIDTH = 3, 8
_MOST = 20_000  # sequences, the latest


def alike(history: History, launches: Launches, items: Integers, now: int) -> pd.DataFrame:
    """(n, e) mean embedding of the products whose titles are most like each launch, pretrained on next items.

    Args:
        history: the shop's past.
        launches: of that past.
        items: (n,) launches.
        now: day before whose morning behaviour is learned from.
    """
    past = history.until(launches.start + pd.Timedelta(days=now))
    rows, _ = sequences(past)
    encoder = pretrain(rows[-_MOST:], len(history.goods), embedding=_WIDTH, epochs=_EPOCHS)
    means = [encoder.items[launches.nearest(int(item), _ALIKE)].mean(axis=0) for item in items]
    table = pd.DataFrame(means)
    return table.set_axis([f"embedding_{k}" for k in table.columns], axis=1)
