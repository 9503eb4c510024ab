"""The search: it finds a hill's top, goes on where it stopped, never judges where it searched, says what it found."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from typer import Typer
from typer.testing import CliRunner

pytest.importorskip("optuna")

from benchmarks.commands.simulate import simulate
from benchmarks.commands.tune import tune as tune_command
from benchmarks.pages import tuning_page
from benchmarks.tuning import space
from benchmarks.tuning.tune import Tuned, tune
from policies.calls import parse
from policies.policy import Floats, PolicyError, Problem

SPACE = space.read(["alpha=0.01..3 log"], "linucb")


class Hill:
    """Worth most at alpha 0.2; every part has luck of its own, the same for all."""

    unit, part, name, problem = "metres", "walks", "hill", Problem(2, 1)

    def __init__(self, stop_after: float = math.inf, refuses: float = math.inf) -> None:
        self.stop_after, self.refuses = stop_after, refuses
        self.calls: list[tuple[str, int]] = []

    def together(self, parts: Sequence[int]) -> list[tuple[int, ...]]:
        return [(part,) for part in parts]

    def values(self, call: str, parts: Sequence[int]) -> list[float]:
        if len(self.calls) >= self.stop_after:
            raise KeyboardInterrupt
        alpha = parse(call)[1].get("alpha", 1.0)
        if alpha > self.refuses:
            raise PolicyError(f"alpha must be at most {self.refuses}, got {alpha}")
        self.calls += [(call, part) for part in parts]
        return [100 - math.log(alpha / 0.2) ** 2 + 7 * part for part in parts]

    def judged(self, calls: Sequence[str], parts: Sequence[int], **how: Any) -> tuple[dict[str, Floats], str]:
        return {call: np.array(self.values(call, parts)) for call in calls}, ""


def searched(hill: Hill, folder: Path | None = None, **how: Any) -> Tuned:
    return tune(hill, "linucb", [0, 1, 2], [7, 8, 9], space=SPACE, folder=folder, **how)


@pytest.mark.parametrize("search", ["bayes", "random", "grid"])
def test_every_search_comes_near_the_top(search: str) -> None:
    found = searched(Hill(), search=search, trials=30)
    assert 0.1 < parse(found.best)[1]["alpha"] < 0.4
    assert len(found.trials) == 30


def test_the_bayesian_search_tries_more_near_the_top_than_chance_does() -> None:
    near = {}
    for search in ("bayes", "random"):
        alphas = np.concatenate([searched(Hill(), search=search, trials=40, seed=s).trials.alpha for s in range(3)])
        near[search] = np.mean(np.abs(np.log(alphas / 0.2)) < 0.5)
    assert near["bayes"] > 1.5 * near["random"]


def test_values_are_means_over_the_parts_searched_on() -> None:
    found = searched(Hill(), search="grid", trials=4)
    expected = [100 - math.log(alpha / 0.2) ** 2 + 7 for alpha in (1.0, 0.01, 0.1732, 3.0)]
    assert found.trials.value.to_list() == pytest.approx(expected)
    assert found.default_value == pytest.approx(107 - math.log(5) ** 2)
    assert found.best == "linucb(alpha=0.1732)"


def test_the_best_is_judged_only_on_parts_never_searched_on() -> None:
    hill = Hill()
    found = searched(hill, trials=5)
    assert {part for _, part in hill.calls if part >= 7} == {7, 8, 9}
    assert {call for call, part in hill.calls if part >= 7} == {"linucb", found.best}


def test_parts_searched_and_judged_are_refused() -> None:
    with pytest.raises(PolicyError, match="walks to judge on must be none of those searched on, got 2 in both"):
        tune(Hill(), "linucb", [0, 1, 2], [2, 3], space=SPACE)


def test_the_difference_is_paired_and_its_interval_is_students() -> None:
    judged = {"linucb": np.array([10.0, 30, 20, 40, 25]), "linucb(alpha=2)": np.array([13.0, 34, 22, 45, 31])}
    trials = searched(Hill(), trials=2).trials
    found = Tuned("linucb", "linucb(alpha=2)", SPACE, "m", "walks", trials, [0], list(range(1, 6)), 9.0, judged, "")
    half = stats.t.ppf(0.975, 4) * math.sqrt(2.5 / 5)  # differences 3 4 2 5 6: mean 4, s^2 = 10 / 4
    difference = found.difference
    assert (difference.mean, difference.lower, difference.upper) == pytest.approx((4, 4 - half, 4 + half))
    assert difference.verdict == "better"
    refused = Tuned("linucb", "linucb(alpha=2)", SPACE, "m", "walks", trials, [0], [1], 9.0, judged, "too few rows")
    assert refused.difference.verdict == "refuse"
    assert "too few rows" in refused.told()


def test_a_stopped_search_goes_on_without_playing_finished_trials_again(tmp_path: Path) -> None:
    first = Hill(stop_after=20)  # the default and 5 trials through, 2 parts of the next
    with pytest.raises(KeyboardInterrupt):
        searched(first, tmp_path, trials=12)
    second = Hill()
    found = searched(second, tmp_path, trials=12)
    assert len(found.trials) == 12
    assert len([part for _, part in second.calls if part < 7]) == (12 - 6) * 3
    assert not {call for call, _ in first.calls[:18]} & {call for call, part in second.calls if part < 7}
    unstopped = searched(Hill(), trials=8)  # what was asked together is asked again
    assert set(unstopped.trials.call) <= set(found.trials.call)


@pytest.mark.parametrize("cut", [1, 20])
def test_a_journal_that_a_kill_cut_off_is_mended_and_the_search_goes_on(
    tmp_path: Path, cut: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tune(Hill(), "linucb", [0], [1, 2], trials=8, folder=tmp_path)
    journal = tmp_path / "study.journal"
    written = journal.read_bytes()
    journal.write_bytes(written[:-cut])
    again = Hill()
    found = tune(again, "linucb", [0], [1, 2], trials=10, folder=tmp_path)
    assert len(found.trials) == 10
    assert sum(part == 0 for _, part in again.calls) <= 3  # two more trials, and at most the torn one again
    assert "set aside" in capsys.readouterr().err
    assert len(tune(Hill(), "linucb", [0], [1, 2], trials=10, folder=tmp_path).trials) == 10


def test_a_lock_that_a_kill_left_behind_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tune(Hill(), "linucb", [0], [1, 2], trials=2, folder="out")
    (tmp_path / "out" / "study.journal.lock").symlink_to("out/study.journal")
    (tmp_path / "out" / "study.held").touch()
    assert len(tune(Hill(), "linucb", [0], [1, 2], trials=3, folder="out").trials) == 3


def test_where_no_trial_beats_the_default_the_default_is_the_best() -> None:
    found = tune(Hill(), "linucb(alpha=1.0)", [0], [1, 2], space=space.read(["alpha=2..3"], "linucb"), trials=3)
    assert found.best == found.default == "linucb(alpha=1.0)"
    assert found.best_value == found.default_value
    assert "no trial did better" in found.told()
    assert "better" not in found.told().replace("did better", "")


def test_a_finished_search_is_not_played_again_and_another_seed_is_another_search(tmp_path: Path) -> None:
    before = searched(Hill(), tmp_path, trials=4)
    again = Hill()
    assert searched(again, tmp_path, trials=4).trials.equals(before.trials)
    assert all(part >= 7 for _, part in again.calls)
    other = searched(Hill(), tmp_path, trials=4, seed=1)
    assert set(other.trials.call) & set(before.trials.call) == {"linucb"}


def test_settings_that_the_policy_refuses_are_kept_with_the_reason() -> None:
    found = searched(Hill(refuses=1.0), search="grid", trials=4)
    assert found.trials.refused.to_list() == ["", "", "", "alpha must be at most 1.0, got 3"]
    assert np.isnan(found.trials.value.iloc[3])
    assert "1 refused by the policy" in found.told()


def test_a_search_that_is_refused_everywhere_says_why() -> None:
    with pytest.raises(PolicyError, match=r"alpha must be at most 0\.001"):
        searched(Hill(refuses=0.001), search="grid", trials=3)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"search": "magic"}, "search must be one of bayes, random, grid, got 'magic'"),
        ({"trials": 0}, "trials must be at least 1, got 0"),
        ({"space": space.read(["alpha=-1..1"], "linucb")}, "alpha must be a number of at least 0, got -1"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_played(how: dict[str, Any], told: str) -> None:
    hill = Hill()
    with pytest.raises(PolicyError, match=told):
        tune(hill, "linucb", [0], [1], **({"space": SPACE} | how))
    assert hill.calls == []


def test_the_picture_has_a_panel_for_the_search_and_one_a_setting(tmp_path: Path) -> None:
    two = space.read(["alpha=0.01..3 log", "forgetting=0.9|1"], "linucb")
    found = tune(Hill(), "linucb", [0], [1, 2], space=two, trials=6)
    labels = [axes.get_xlabel() for axes in tuning_page.picture(found)[1]]
    assert labels == ["trial", "alpha", "forgetting"]
    found.write(tmp_path)
    tuning_page.write(tmp_path, found)
    assert (tmp_path / "tuning.png").stat().st_size > 10_000
    assert (tmp_path / "judged.csv").read_text().splitlines()[0] == f'part,linucb,"{found.best}"'


def test_the_command_tunes_on_a_scenario_and_a_log_and_says_what_it_found(tmp_path: Path) -> None:
    scenario = tmp_path / "small.toml"
    scenario.write_text(
        'title = "Small"\nabout = "Small."\ndays = 4\narrivals.per_day = 200\nusers.population = 300\nproducts = ['
        '{ title = "Tea", category = "hot", price = 10.0, incumbent = true },'
        '{ title = "Mate", category = "hot", price = 12.0, launch = 0.0 }]\n'
    )
    log = tmp_path / "log.parquet"
    app = Typer()
    app.command("simulate")(simulate)
    app.command("tune")(tune_command)
    how = ["--policy", "epsilon_greedy", "--space", "epsilon=0.01..0.5 log", "--trials", "3", "--seeds", "2", "-j", "1"]
    assert CliRunner().invoke(app, ["simulate", str(scenario), "--log", str(log)]).exit_code == 0
    for where in (scenario, log):
        out = tmp_path / where.stem
        done = CliRunner().invoke(app, ["tune", str(where), *how, "--judge", "5", "--out", str(out)])
        assert done.exit_code == 0, done.output
        assert "judged    on 5" in done.output
        assert {"study.journal", "trials.csv", "judged.csv", "tuning.png"} <= {file.name for file in out.iterdir()}


def test_without_optuna_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "benchmarks.tuning.study")
    with pytest.raises(PolicyError, match=r"tuning requires optuna. Install it with pip install launchsim\[tune\]"):
        importlib.import_module("benchmarks.tuning.study")


@pytest.mark.parametrize("search", ["random", "grid"])
def test_the_default_is_the_first_of_the_trials(search: str) -> None:
    """Five trials of three walks: the default and four others, and no more."""
    hill = Hill()
    found = tune(hill, "linucb", [0, 1, 2], [7], space=SPACE, search=search, trials=5)
    assert len(found.trials) == 5
    assert found.trials.iloc[0][["call", "alpha", "value"]].to_list() == ["linucb", 1.0, found.default_value]
    assert len({call for call, part in hill.calls if part < 7}) == 5
    assert "5 trials, the default among them, each on the same 3 walks" in found.told()
    alone = tune(Hill(), "linucb", [0], [7], space=SPACE, trials=1)
    assert alone.best == alone.default == "linucb"


class Bare(Hill):
    """Where visitors have no contexts; which model an epsilon_greedy goes by is all that matters."""

    problem = Problem(2, 0)

    def values(self, call: str, parts: Sequence[int]) -> list[float]:
        assert parse(call)[1].get("model", "mean") == "mean"
        return super().values(call, parts)


def test_what_needs_contexts_is_not_searched_where_there_are_none() -> None:
    found = tune(Bare(), "epsilon_greedy", [0], [1], trials=3)
    assert "epsilon" in found.space
    assert "model" not in found.space
    assert "model" in tune(Hill(), "epsilon_greedy", [0], [1], trials=1).space
    with pytest.raises(PolicyError, match=r"linucb: n_context_features must be positive, got 0"):
        tune(Bare(), "linucb", [0], [1], trials=3)
