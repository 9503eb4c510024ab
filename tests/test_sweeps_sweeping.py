"""Sweeps: every run once, failed ones told of, one folder for one experiment."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from seasons import product, season

from benchmarks.compare import compare
from benchmarks.sweeps.experiment import Experiment
from benchmarks.sweeps.results import Results, latest
from benchmarks.sweeps.sweeping import play, sweep
from policies.policy import PolicyError
from simulator.scenario import ScenarioError

SHOP = season(products=[product(0, incumbent=True), product(1, launch=0.0, stock=9), product(2, launch=1.0, stock=40)])
ASKED: dict[str, Any] = {
    "name": "asked",
    "scenarios": [SHOP],
    "policies": ["uniform", "epsilon_greedy"],
    "seeds": 2,
    "overrides": {"arrivals.per_day": [100, 200], "products.*.stock": ["x0.5", "x1"]},
}
UNEQUAL = ["seconds", "finished"]


def test_a_run_of_a_sweep_is_that_of_a_comparison(tmp_path: Path) -> None:
    found = sweep(ASKED, folder=tmp_path / "sweep")
    assert len(found) == 16
    halved = SHOP.changed(
        products=[one.model_dump() | {"stock": one.stock and one.stock // 2} for one in SHOP.products]
    )
    fewer = halved.changed(arrivals=SHOP.arrivals.model_dump() | {"per_day": 100})
    alone = compare(fewer, ["uniform", "epsilon_greedy"], 2).runs
    rows = found[(found["arrivals.per_day"] == 100) & (found["products.*.stock"] == "x0.5")]
    both = rows.merge(alone, on=["policy", "seed"])
    assert len(both) == 4
    assert (both.units_x == both.units_y).all()
    assert (both.regret_x == both.regret_y).all()


def test_the_same_comes_of_any_executor_with_a_folder_or_without(tmp_path: Path) -> None:
    kept = sweep(ASKED, folder=tmp_path / "sweep").drop(columns=UNEQUAL)
    with ThreadPoolExecutor(3) as executor:
        others = sweep(ASKED, executor).drop(columns=UNEQUAL)
    pd.testing.assert_frame_equal(kept, others, check_like=True)


def test_what_is_finished_is_not_played_again(tmp_path: Path) -> None:
    assert len(list(play(ASKED, folder=tmp_path / "sweep"))) == 16
    assert len(list(play(ASKED, folder=tmp_path / "sweep"))) == 0
    assert len(list(play(ASKED | {"seeds": 3}, folder=tmp_path / "sweep"))) == 8


def test_a_sweep_that_was_left_goes_on_without_its_index(tmp_path: Path) -> None:
    whole = sweep(ASKED, folder=tmp_path / "whole").drop(columns=UNEQUAL)
    playing = play(ASKED, folder=tmp_path / "left")
    for _ in range(5):
        next(playing)
    playing.close()
    (tmp_path / "left" / "results.parquet").unlink()
    assert len(Results(tmp_path / "left").table()) == 5
    left = sweep(ASKED, folder=tmp_path / "left").drop(columns=UNEQUAL)
    pd.testing.assert_frame_equal(whole, left)


def test_two_sweeps_at_once_in_one_folder_meet_in_the_middle(tmp_path: Path) -> None:
    """The second begins from the end, so that all but the last runs are played by one of them alone."""
    alone = sweep(ASKED, folder=tmp_path / "alone").drop(columns=UNEQUAL)
    first, second = play(ASKED, folder=tmp_path / "both"), play(ASKED, folder=tmp_path / "both")
    played = [each.run.name for pair in zip_longest(first, second) for each in pair if each is not None]
    assert set(played) == set(alone.run)
    assert len(played) <= len(alone) + 2
    pd.testing.assert_frame_equal(_in_order_of(alone, tmp_path / "both"), alone)


def test_sweeps_of_two_processes_in_one_folder_find_the_same(tmp_path: Path) -> None:
    asked = 'scenarios = "cold_start"\npolicies = ["uniform", "epsilon_greedy"]\nseeds = 2\n'
    (tmp_path / "asked.toml").write_text(f"{asked}overrides.arrivals.per_day = [20, 30]")
    alone = sweep(tmp_path / "asked.toml").drop(columns=UNEQUAL)
    command = [sys.executable, "-m", "launchsim", "sweep", "asked.toml", "--out", "both", "-j", "1"]
    both = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[0] for process in both]
    assert all(f"{len(alone)} of {len(alone)} runs are finished" in each for each in told)
    pd.testing.assert_frame_equal(_in_order_of(alone, tmp_path / "both"), alone)


def _in_order_of(alone: pd.DataFrame, folder: Path) -> pd.DataFrame:
    found = Results(folder).table().set_index("run", drop=False).loc[alone.run]
    return found[alone.columns].reset_index(drop=True)


def test_values_that_do_not_go_together_fail_alone(tmp_path: Path) -> None:
    asked = ASKED | {"overrides": {"days": [1.5, 3], "products.2.launch": [1, 2]}}
    found = sweep(asked, folder=tmp_path / "sweep")
    failed = found[found.error != ""]
    assert len(found) == 16
    assert set(zip(failed["days"], failed["products.2.launch"], strict=True)) == {(1.5, 2.0)}
    assert failed.error.str.contains("must be before day 1.5, got 2.0").all()
    about = json.loads(next((tmp_path / "sweep" / "runs" / "failed").iterdir()).read_text())
    assert about["days"] == 1.5


def test_a_folder_of_another_experiment_is_left_as_it_is(tmp_path: Path) -> None:
    sweep(ASKED | {"seeds": 1}, folder=tmp_path / "sweep")
    with pytest.raises(OSError, match="holds the experiment 'asked', not 'other'"):
        sweep(ASKED | {"name": "other"}, folder=tmp_path / "sweep")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("mine")
    with pytest.raises(OSError, match="something else than a sweep"):
        sweep(ASKED, folder=tmp_path / "notes")


def test_a_full_disk_leaves_what_is_finished_readable(tmp_path: Path) -> None:
    sweep(ASKED | {"seeds": 1}, folder=tmp_path / "sweep")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))  # bytes of a file: less than a run needs
    try:
        with pytest.raises(OSError, match="File too large") as told:
            sweep(ASKED, folder=tmp_path / "sweep")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert Path(told.value.filename).parent == tmp_path / "sweep" / "runs"
    assert not list((tmp_path / "sweep").rglob("*.part"))
    assert len(Results(tmp_path / "sweep").table()) == 8
    assert len(sweep(ASKED, folder=tmp_path / "sweep")) == 16


def test_a_kill_while_the_folder_was_made_does_not_make_it_another(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / ".experiment.json.0a1b2c3d.part").write_text("{")
    assert len(sweep(ASKED | {"seeds": 1}, folder=tmp_path / "sweep")) == 8


def test_an_unknown_key_or_setting_is_told_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"got 'arrivals\.per_dya'"):
        sweep(ASKED | {"overrides": {"arrivals.per_dya": [1]}}, folder=tmp_path / "sweep")
    with pytest.raises(PolicyError, match="got 'alhpa'"):
        sweep(ASKED | {"policies": ["linucb"], "settings": {"linucb": {"alhpa": [1]}}}, folder=tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


def test_duckdb_reads_the_folder(tmp_path: Path) -> None:
    sweep(ASKED, folder=tmp_path / "sweep")
    runs = f"read_parquet('{tmp_path}/sweep/runs/*.parquet', union_by_name=true)"
    rows = duckdb.sql(f'select policy, max(units) from {runs} where "arrivals.per_day" = 100 group by all')
    assert len(rows.fetchall()) == 2


def test_what_other_code_played_is_superseded(tmp_path: Path) -> None:
    found = sweep(ASKED | {"seeds": 1}, folder=tmp_path / "sweep")
    older = found.assign(run="older", finished=found.finished - pd.Timedelta(days=1))
    assert set(latest(pd.concat([found, older], ignore_index=True)).run) == set(found.run)


def test_an_experiment_in_python_is_the_one_in_toml(tmp_path: Path) -> None:
    file = tmp_path / "asked.toml"
    file.write_text("scenarios = 'tight_stock'\npolicies = ['uniform']\nseeds = 1\noverrides.days = [2, 3]\n")
    in_python = {"name": "asked", "scenarios": "tight_stock", "policies": ["uniform"], "seeds": 1}
    assert list(Experiment.read(file).points()) == list(
        Experiment.read(in_python | {"overrides": {"days": [2, 3]}}).points()
    )
