"""The loop on itself: small seasons whose logs are judged, and the commands from a season to its verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import seasons
from typer.testing import CliRunner, Result

from benchmarks import cli
from benchmarks.suites.loop import Case, Loop, Season, _truth_of_replay, drawn, played, summary
from policies.policy import Decisions, Feedback
from simulator.scenario import Scenario

SCENARIO = seasons.season(days=6.0, arrivals={"per_day": 500.0})


def by_hand() -> Season:
    """Two decisions between two products."""
    decisions = Decisions(np.array([0.0, 1.0]), np.ones((2, 1)), np.empty((2, 0)), np.ones((2, 2), bool))
    feedback = Feedback(decisions, np.array([0, 1]), np.array([0.5, 0.5]), np.array([0.0, 1.0]))
    answers = {"a": np.array([[0.25, 0.75], [1.0, 0.0]])}
    return Season(feedback, np.array([[0.4, 0.8], [0.2, 0.6]]), answers, {})


def test_the_truth_of_two_decisions_by_hand() -> None:
    """(0.25 x 0.4 + 0.75 x 0.8 + 0.2) / 2 = 0.45 for the policy, (0.4 + 0.6) / 2 for what was chosen."""
    season = by_hand()
    assert season.truth_of(season.answers["a"]) == pytest.approx(0.45)
    assert season.observed() == pytest.approx(0.5)
    assert season.take(np.array([1])).truth_of(season.answers["a"][1:]) == pytest.approx(0.2)


def test_logs_of_a_season_share_no_row() -> None:
    logs = drawn(100, 30, 5, seed=1)
    assert [len(log) for log in logs] == [30, 30, 30]
    together = np.concatenate(logs)
    assert len(np.unique(together)) == 90
    assert all((np.diff(log) > 0).all() for log in logs)
    assert drawn(10, 30, 5, seed=1) == []


def test_the_logging_policy_is_estimated_at_the_mean_of_its_log() -> None:
    loop = Loop(Case("small", SCENARIO), ("uniform",), (600,), logs=2, replayed=("uniform",), estimators=("ips", "dm"))
    found = loop.play().set_index(["log", "estimator", "interval"]).sort_index()
    season = played(loop.case, ("uniform",), 0)
    for number, rows in enumerate(drawn(len(season.truth), 600, 2, 0)):
        log = season.take(rows)
        row = found.loc[(number, "ips", "gamma")]
        assert row.value == pytest.approx(log.feedback.rewards.mean())
        assert row.truth == pytest.approx((log.truth * log.feedback.decisions.available).sum(axis=1).mean() / 4)
        assert found.loc[(number, "ips", "confidence_sequence")].lower < row.truth
        assert found.loc[(number, "ips", "confidence_sequence")].upper > row.truth
    assert found.index.get_level_values("estimator").value_counts().to_dict() == {
        "ips": 12, "dm": 4, "chosen": 2, "replay": 1
    }  # fmt: skip


def test_the_truth_of_a_replayed_policy_that_learns_nothing_is_its_frozen_truth() -> None:
    season = played(Case("small", SCENARIO), ("uniform",), 3)
    assert _truth_of_replay(season, "uniform", 0) == pytest.approx(season.truth_of(season.answers["uniform"]))


def test_judged_policies_have_not_seen_the_rows_they_are_judged_on() -> None:
    """The first 40% of the season are theirs; what is judged comes after."""
    case = Case("small", SCENARIO)
    season = played(case, ("popularity",), 0)
    assert season.feedback.decisions.times.min() > 0.4 * 6 - 0.5
    assert season.answers["popularity"].max() > 0.9  # it has learned something


def test_a_summary_by_hand() -> None:
    """Errors -1, +1, +2 about a truth of 10; two of three intervals hold it; one verdict has the wrong sign."""
    found = pd.DataFrame({
        "case": "c", "rows": 5, "policy": "p", "estimator": "ips", "interval": "gamma",
        "value": [9.0, 11.0, 12.0], "truth": 10.0, "observed": [9.0, 11.0, 9.0],
        "lower": [8.0, 9.0, 11.0], "upper": [11.0, 12.0, 13.0],
        "verdict": ["cannot tell", "deploy-worthy", "deploy-worthy"],
    })  # fmt: skip
    (row,) = summary(found).to_dict("records")
    assert row["bias"] == pytest.approx(2 / 3)
    assert row["rmse"] == pytest.approx(np.sqrt(2.0))
    assert row["bias_error"] == pytest.approx(np.std([-1, 1, 2], ddof=1) / np.sqrt(3))
    assert (row["coverage"], row["answered"], row["wrong"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 1)
    assert row["coverage_lower"] == pytest.approx(0.0943, abs=1e-4)  # Clopper & Pearson, 2 of 3


def launchsim(*arguments: str) -> Result:
    cli._add_commands()
    done = CliRunner().invoke(cli.app, list(arguments))
    assert done.exit_code == 0, done.output
    return done


def test_a_season_is_simulated_evaluated_and_replayed_from_the_command_line(tmp_path: Path) -> None:
    log, scenario = str(tmp_path / "season.parquet"), Scenario.load("cold_start")
    quiet = scenario.changed(arrivals=scenario.arrivals.model_copy(update={"per_day": 150}))
    quiet.write(tmp_path / "quiet.toml")
    launchsim("simulate", str(tmp_path / "quiet.toml"), "--policy", "uniform", "--seed", "1", "--log", log)
    judged = ["--policy", "popularity", "--policy", "uniform", "--train-until", "0.5", "--no-placebo"]
    options = ["--estimator", "snips", "--interval", "student_t", "--out", str(tmp_path / "evaluated")]
    launchsim("evaluate", log, *judged, *options)
    table = pd.read_parquet(tmp_path / "evaluated" / "estimates.parquet").set_index("policy")
    launchsim("replay", log, "--policy", "uniform", "--out", str(tmp_path / "replayed"))
    replayed = pd.read_parquet(tmp_path / "replayed" / "replay.parquet").set_index("policy")
    assert table.verdict["uniform"] == "cannot tell"
    assert table.value["popularity"] > table.value["uniform"]
    assert replayed.reason["uniform"] == ""
    logged, error = replayed.value["(as logged)"], np.sqrt(0.025 / replayed.accepted["uniform"])
    assert replayed.value["uniform"] == pytest.approx(logged, abs=4 * error)
