"""The table of what calibration found again: what chance explains, and what it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.suites.recovery import drawn, made, recovery, told


def found(held: int, of: int = 50, shift: float = 0.0) -> pd.DataFrame:
    """Histories in which so many intervals hold the truth; ranks spread evenly, but for a shift."""
    ranks = np.clip((np.arange(of) + 0.5) / of + shift, 0, 1)
    rows = {"seed": np.arange(of), "place": "a.b", "identified": True, "within": np.arange(of) < held}
    return pd.DataFrame(rows | {"rank": ranks, "bias": 0.01})


@pytest.mark.parametrize(("held", "chance"), [(40, False), (41, True), (45, True), (49, True), (50, False)])
def test_chance_explains_forty_one_to_forty_nine_of_fifty(held: int, chance: bool) -> None:
    """Of 50 with chance 0.9 each, 40 or fewer are there 2.5 times in 100 (binomial), all 50 once in 190."""
    assert recovery(found(held)).loc["a.b", "by chance"] == chance


def test_ranks_that_lean_to_a_side_are_told_from_even_ones() -> None:
    table = recovery(pd.concat([found(45), found(45, shift=0.3).assign(place="c.d")]))
    assert table.loc["a.b", "p of ranks"] > 0.9
    assert table.loc["c.d", "p of ranks"] < 0.01
    assert "2 histories" in told(found(2, of=2))


def test_what_is_not_identified_is_not_counted() -> None:
    assert recovery(found(45).assign(identified=False)).empty


def test_every_parameter_that_is_drawn_is_in_the_made_shop() -> None:
    truth = drawn(np.random.default_rng(0))
    scenario = made(truth)
    for place, value in truth.items():
        *path, key = place.split(".")
        part: Any = scenario
        for name in path:
            part = getattr(part, name)
        told = getattr(part[0] if isinstance(part, list) else part, key)
        assert told == pytest.approx(value)
