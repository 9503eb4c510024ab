"""Decimals are counted as they were written, and a mean is forgiven what they explain, no more."""

from __future__ import annotations

import numpy as np
import pytest

from envs.logs.rounding import ALWAYS, FINEST, decimals, share


@pytest.mark.parametrize(
    ("chances", "written"),
    [([0.5, 0.5], 1), ([0.5, 0.25], 2), ([0.3333, 0.1], 4), ([0.333333], 6), ([1 / 3, 1 / 7], FINEST), ([1.0], 0)],
)
def test_decimals_are_those_that_were_written(chances: list[float], written: int) -> None:
    assert decimals(np.array(chances)) == written
    if written < FINEST:
        assert decimals(np.array(chances, np.float32).astype(float)) == written


def test_parts_of_a_log_have_the_decimals_of_the_whole() -> None:
    chances = np.array([0.5, 0.125, 0.25])
    found = 0
    for part in (chances[:1], chances[1:2], chances[2:]):
        found = decimals(part, found)
    assert found == decimals(chances) == 3


def test_half_a_unit_of_the_last_decimal_is_forgiven_but_no_more_than_a_sample_could_be_off() -> None:
    """0.3333 may be 0.33335: a share of 0.00005 / 0.3333. 0.33 may be 0.335, yet 10,000 rows tell 1% from nothing."""
    assert share(4, 1 / 0.3333, 10_000) == pytest.approx(0.00005 / 0.3333 + ALWAYS)
    assert share(2, 1 / 0.33, 10_000) == pytest.approx(0.01 + ALWAYS)
    assert share(FINEST, 3.0, 10_000) == ALWAYS
