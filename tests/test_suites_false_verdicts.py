"""The counting of false verdicts itself: what differs is told, what does not is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.suites import false_verdicts
from benchmarks.suites.false_verdicts import kinds, measured, text, wrong


def test_what_differs_is_told_at_the_first_look_and_what_does_not_never() -> None:
    random = np.random.default_rng(0)
    differences = random.normal([5.0, 0.0], 1.0, (40, 2))
    assert wrong(differences, range(20, 41), 1, anytime=True).tolist() == [True, False]
    assert wrong(np.zeros((40, 2)), range(20, 41), 1, anytime=False).tolist() == [False, False]


def test_every_kind_has_mean_0() -> None:
    bank = np.random.default_rng(1).gamma(2.0, size=(50, 3))
    for draw in kinds(bank).values():
        drawn = draw(np.random.default_rng(2), 500, 400)
        assert abs(drawn.mean()) < 4 * drawn.std() / np.sqrt(drawn.size)


def test_the_table_has_a_row_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(false_verdicts, "_MOST", 50)
    draw = kinds(np.zeros((2, 3)))["symmetric (normal)"]
    row = measured(draw, 3, np.random.default_rng(3))
    told = text(pd.DataFrame.from_dict({"symmetric (normal)": row}, orient="index"), 3).splitlines()
    assert told[2].startswith("| symmetric (normal) | ")
    assert told[0].count("|") == told[2].count("|")
