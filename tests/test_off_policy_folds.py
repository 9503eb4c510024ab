"""Folds belong to rows, whatever the slices."""

from __future__ import annotations

import numpy as np

from benchmarks.off_policy.folds import folds


def test_slices_have_the_folds_of_the_whole() -> None:
    whole = folds(0, 1_000, 3)
    assert np.concatenate([folds(0, 400, 3), folds(400, 600, 3)]).tolist() == whole.tolist()


def test_folds_are_equally_large_and_follow_no_rhythm() -> None:
    """Every third row is as mixed as the whole: three binomial standard errors are 0.026."""
    for some in (folds(0, 9_000, 3), folds(0, 27_000, 3)[::3]):
        np.testing.assert_allclose(np.bincount(some) / len(some), 1 / 3, atol=0.016)
