"""Sums against numpy's own moments, at numbers where naive sums of squares lose all digits."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy.estimators import Terms
from benchmarks.off_policy.sums import GROUPS, Moments, Sums
from envs.logs.rows import NOBODY


def test_moments_are_those_of_all_rows_together() -> None:
    """Mean 1e8 with standard deviation 1: E[x^2] - E[x]^2 in double precision would be noise."""
    rng = np.random.default_rng(0)
    rows = 1e8 + rng.normal(size=(1_000, 4))
    sums = Sums()
    for start, part in ((0, rows[:10]), (10, rows[10:700]), (700, rows[700:])):
        sums.add(Terms(part[:, 0], np.ones(len(part)), part[:, 1], part[:, 3]), start)
    assert sums.moments.n == 1_000
    assert sums.moments.mean[[0, 1, 3]] == pytest.approx(rows[:, [0, 1, 3]].mean(axis=0), rel=1e-12)
    known = np.cov(rows[:, [0, 1, 3]].T)
    np.testing.assert_allclose(sums.moments.covariance[np.ix_([0, 1, 3], [0, 1, 3])], known, rtol=1e-5)


def test_merging_nothing_changes_nothing() -> None:
    moments = Moments()
    moments.merge(Moments())
    assert moments.n == 0
    assert not moments.scatter.any()


def test_groups_follow_the_place_in_the_log() -> None:
    """Rows 16,380 and 16,381 are the last and the first group."""
    sums = Sums()
    sums.add(Terms(np.zeros(2), np.ones(2), np.array([3.0, 4.0]), np.array([3.0, 4.0])), GROUPS - 1)
    assert sums.groups[GROUPS - 1].tolist() == [1.0, 0.0, 3.0, 1.0, 3.0]
    assert sums.groups[0].tolist() == [1.0, 0.0, 4.0, 1.0, 4.0]
    assert sums.groups[:, 0].sum() == 2


def test_extremes_are_kept_and_merge() -> None:
    left, right = Sums(), Sums()
    left.add(Terms(np.zeros(2), np.array([1.0, 5.0]), np.array([2.0, -1.0]), np.zeros(2)), 0)
    right.add(Terms(np.ones(1), np.array([0.5]), np.array([0.0]), np.zeros(1)), 2)
    left.merge(right)
    assert left.low.tolist() == [0.0, -5.0, 0.5, 0.0]
    assert left.high.tolist() == [1.0, 2.0, 5.0, 0.0]


def test_rows_of_nobody_stand_alone() -> None:
    """Users 5, nobody, 5, nobody from row 3 on: group 5 has two rows, groups 4 and 6 one each."""
    sums = Sums()
    ones = np.ones(4)
    sums.add(Terms(np.zeros(4), ones, ones, ones), 3, np.array([5, NOBODY, 5, NOBODY], np.uint64))
    assert sums.groups[3:8, 0].tolist() == [0.0, 1.0, 2.0, 1.0, 0.0]


def test_users_of_unequal_rows_are_worth_fewer() -> None:
    """One user with 8 rows and four with 2: 16^2 / (64 + 4 x 4) = 3.2."""
    sums = Sums()
    ones = np.ones(16)
    sums.add(Terms(np.zeros(16), ones, ones, ones), 0, np.repeat([9, 1, 2, 3, 4], [8, 2, 2, 2, 2]).astype(np.uint64))
    assert sums.independent == pytest.approx(3.2)
    assert Sums().independent == 0.0
