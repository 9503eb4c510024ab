"""Seasons added until they are enough: the same number whoever plays them, and none twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from shop import Shop

from benchmarks.sweeps.growing import play_until
from benchmarks.sweeps.runs import Played

CALLS = ["uniform", "popularity"]


def sold(least: float) -> object:
    def enough(played: Played, seeds: Sequence[int]) -> bool:
        assert sorted(played.records.seed.unique()) == list(seeds)
        return float(played.records.groupby("policy").units.sum().min()) >= least

    return enough


def test_seasons_are_added_one_by_one_until_they_are_enough() -> None:
    one, _ = play_until(lambda *_: True, 1, Shop, CALLS, range(9), days=10)
    season = float(one.records[one.records.day == 10].groupby("policy").units.sum().min())
    played, seeds = play_until(sold(3.5 * season), 2, Shop, CALLS, range(9), days=10)
    assert 2 < len(seeds) < 9
    assert set(played.records.day) == set(range(1, 11))
    fewer = played.records[(played.records.seed < len(seeds) - 1) & (played.records.day == 10)]
    assert fewer.groupby("policy").units.sum().min() < 3.5 * season


def test_a_budget_ends_what_is_never_enough() -> None:
    assert play_until(lambda *_: False, 2, Shop, CALLS, range(4), days=10)[1] == range(4)


def test_two_processes_stop_where_one_does_and_kept_runs_are_not_played_again(tmp_path: Path) -> None:
    looked: list[int] = []

    def enough(played: Played, seeds: Sequence[int]) -> bool:
        looked.append(len(seeds))
        return len(seeds) == 4

    alone, seeds = play_until(enough, 3, Shop, CALLS, range(30), days=10, folder=tmp_path, key="k")
    assert (list(seeds), looked) == ([0, 1, 2, 3], [3, 4])
    files = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.parquet")}
    again, seeds = play_until(enough, 3, Shop, CALLS, range(30), days=10, folder=tmp_path, key="k", workers=2)
    assert list(seeds) == [0, 1, 2, 3]
    pd.testing.assert_frame_equal(alone.records, again.records)
    assert all(file.stat().st_mtime_ns == files[file] for file in files)
