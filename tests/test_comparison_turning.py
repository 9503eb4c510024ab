"""Where one overtakes another: a line by hand, and how often the interval holds the place."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.comparison.turning import along, walked


def test_wide_ranges_are_walked_by_factors_and_others_by_steps() -> None:
    assert walked(100, 1600, 5) == pytest.approx([100, 200, 400, 800, 1600])
    assert walked(-1, 1, 3) == pytest.approx([-1, 0, 1])


def test_a_line_without_noise_crosses_where_it_is_0() -> None:
    places = np.array([0.0, 1.0, 2.0])
    curve = along(places, np.tile(places - 1.25, (6, 1)))
    below, above = [stretch for stretch in curve.stretches if stretch.ahead]
    assert (below.ahead, above.ahead) == (-1, 1)
    assert below.last == pytest.approx(1.25, abs=0.01)
    assert curve.crossing(below.last, above.first) == pytest.approx(1.25, abs=0.01)


def test_the_interval_of_the_crossing_holds_it_as_often_as_stated() -> None:
    random = np.random.default_rng(2)
    places = np.array([0.0, 1.0, 2.0, 3.0])
    missed = 0
    for _ in range(400):
        differences = 4 * (places - 1.6) + random.normal(0, 2, (8, 1)) + random.normal(0, 1, (8, 4))
        known = [stretch for stretch in along(places, differences).stretches if stretch.ahead]
        missed += any((each.first <= 1.6 <= each.last) for each in known)
    assert missed / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_noise_alone_is_a_single_stretch_that_cannot_tell() -> None:
    differences = np.array([[1.0, -1, 1], [-1, 1, -1], [2, -2, 0], [-2, 2, 0], [0.5, 0, -0.5]])
    assert [stretch.ahead for stretch in along(np.array([1.0, 2.0, 3.0]), differences).stretches] == [0]
