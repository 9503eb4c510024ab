"""Embeddings of launches: the mean of what is most alike, and of nothing that came later."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pasts import past

from benchmarks.planning import embeddings
from benchmarks.planning.launches import Launches


def test_a_launch_has_the_mean_embedding_of_the_ten_most_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = past(40, 200)
    launches = Launches(shop, 28)
    (item,) = launches.items()[-1:]
    asked: dict[str, Any] = {}

    def pretrain(rows: np.ndarray, n_items: int, *, embedding: int, epochs: int) -> SimpleNamespace:
        asked["touched"] = set(rows[rows >= 0].tolist())
        return SimpleNamespace(items=np.arange(n_items, dtype=float)[:, None] * [1.0, 10.0])

    monkeypatch.setattr(embeddings, "pretrain", pretrain)
    now = int(launches.first[item])
    found = embeddings.alike(shop, launches, np.array([item]), now)
    mean = launches.nearest(int(item), 10).mean()
    assert found.to_numpy().tolist() == [[pytest.approx(mean), pytest.approx(10 * mean)]]
    assert launches.first[list(asked["touched"])].max() < now
