"""What is told of a sweep: rows by setting, conditions, joins, one row for runs played anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks import cli
from benchmarks.comparison.statistics import mean_interval, paired
from benchmarks.sweeps.results import ResultsError, joined, latest, where
from benchmarks.sweeps.settings import by_setting
from benchmarks.sweeps.sweeping import sweep

SEEDS = 8


def runs() -> pd.DataFrame:
    """Two settings, two policies; the second sells 3 units more in one setting and as many in the other."""
    rows = [
        {
            "run": f"{per_day}-{policy}-{seed}",
            "scenario": "shop",
            "arrivals.per_day": float(per_day),
            "policy": policy,
            "seed": seed,
            "units": 10.0 * seed + (3 + seed % 2 if (per_day, policy) == (800, "b") else 0),
            "finished": pd.Timestamp("2024-01-01", tz="UTC"),
            "error": "",
        }
        for per_day in (400, 800)
        for policy in ("a", "b")
        for seed in range(SEEDS)
    ]
    return pd.DataFrame(rows)


def test_a_setting_has_its_mean_and_a_paired_difference_adjusted_for_all_comparisons() -> None:
    table = by_setting(runs()).set_index(["arrivals.per_day", "policy"])
    assert list(table.columns[:2]) == ["runs", "failed"]
    row, alone = table.loc[(800, "b")], 10.0 * np.arange(SEEDS)
    more = 3 + np.arange(SEEDS) % 2
    assert row[["mean", "lower", "upper"]].tolist() == [float(value) for value in mean_interval(alone + more)]
    expected = paired(more.astype(float), 2)
    assert row[["difference", "difference_lower", "difference_upper"]].tolist() == [
        expected.mean,
        expected.lower,
        expected.upper,
    ]
    assert table.verdict.tolist() == ["baseline", "cannot tell", "baseline", "better"]


def test_a_failed_run_is_counted_and_leaves_its_pair_out() -> None:
    table = runs()
    table.loc[(table.policy == "b") & (table.seed == 7), ["units", "error"]] = [np.nan, "failed"]
    found = by_setting(table).set_index(["arrivals.per_day", "policy"])
    assert found.loc[(800, "b"), ["runs", "failed", "difference"]].tolist() == [7, 1, 24 / 7]


def test_of_runs_played_anew_the_last_counts() -> None:
    again = runs().assign(run="anew", finished=pd.Timestamp("2024-01-02", tz="UTC"))
    assert set(latest(pd.concat([runs(), again])).run) == {"anew"}


def test_a_condition_is_sql_over_quoted_columns() -> None:
    assert set(where(runs(), "\"arrivals.per_day\" > 400 and policy = 'b'").run) == {f"800-b-{s}" for s in range(SEEDS)}


@pytest.mark.parametrize("condition", ["units >", "shop = 1", "1=1) union (select 1 from read_csv('/etc/passwd')"])
def test_what_is_no_condition_is_one_line(condition: str) -> None:
    with pytest.raises(ResultsError, match="must be SQL over the columns") as told:
        where(runs(), condition)
    assert "\n" not in str(told.value)


def test_a_table_joins_by_the_columns_it_shares(tmp_path: Path) -> None:
    pd.DataFrame({"policy": ["a", "b"], "owner": ["Ann", "Ben"]}).to_csv(tmp_path / "owners.csv", index=False)
    found = joined(runs(), tmp_path / "owners.csv")
    assert len(found) == len(runs())
    assert (found.owner == found.policy.map({"a": "Ann", "b": "Ben"})).all()
    pd.DataFrame({"policy": ["a", "a"], "owner": ["Ann", "Ben"]}).to_csv(tmp_path / "twice.csv", index=False)
    with pytest.raises(ResultsError, match="one row for each policy"):
        joined(runs(), tmp_path / "twice.csv")
    pd.DataFrame({"owner": ["Ann"]}).to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(ResultsError, match="must share a column with the results, got owner"):
        joined(runs(), tmp_path / "none.csv")


def test_the_commands_play_tell_and_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cli._add_commands()
    text = 'scenarios = "cold_start"\npolicies = ["uniform"]\nseeds = 2\n'
    Path("mine.toml").write_text(text + "overrides.arrivals.per_day = [30, 60]\n")
    played = CliRunner().invoke(cli.app, ["sweep", "mine.toml", "-j", "1"])
    assert "4 of 4 runs are finished; see launchsim results reports/sweeps/mine" in played.output
    told = CliRunner().invoke(cli.app, ["results", "reports/sweeps/mine", "--runs", "--out", "all.csv"])
    assert told.exit_code == 0
    assert "4 runs, 0 failed" in told.output
    assert len(pd.read_csv("all.csv")) == 4


def test_who_is_asked_for_many_runs_may_say_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cli._add_commands()
    Path("vast.toml").write_text('scenarios = "cold_start"\npolicies = ["uniform"]\nseeds = 10000000\n')
    asked = CliRunner().invoke(cli.app, ["sweep", "vast.toml"], input="n\n")
    assert "vast has 10,000,000 runs; play them all?" in asked.output
    assert asked.exit_code == 1
    assert not Path("reports").exists()


def test_a_folder_of_something_else_is_named(tmp_path: Path) -> None:
    from benchmarks.sweeps.results import Results

    with pytest.raises(OSError, match="that `launchsim sweep` wrote, got"):
        Results.of(tmp_path)


def test_a_sweep_without_a_folder_can_be_told_by_setting() -> None:
    asked = {"scenarios": "cold_start", "policies": ["uniform"], "seeds": 2}
    table = by_setting(sweep(asked | {"overrides": {"arrivals.per_day": [30, 60]}}), "reward")
    assert table["arrivals.per_day"].tolist() == [30, 60]
    assert table["mean"].is_monotonic_increasing
