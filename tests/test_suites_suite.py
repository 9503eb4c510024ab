"""Suites: known problems come out known, beside what others printed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from benchmarks import cli
from benchmarks.suites import mushroom, published, wheel
from benchmarks.suites.suite import Asked, markdown, play, rows_of
from envs.outcomes import Outcomes
from envs.wheel import Wheel
from policies.policy import PolicyError


def test_showing_at_random_and_always_safe_come_out_as_in_closed_form(tmp_path: Path) -> None:
    """0.16 delta^2 + 39.16 (1 - delta^2) and 48.8 (1 - delta^2) a round: 124.13% at 0.7, in 40,000 rounds."""
    wheels = partial(Wheel, 0.7, 40_000, batch=1_000)
    known = 40_000 * (0.16 * 0.49 + 39.16 * 0.51)
    found = rows_of(
        "delta 0.7, 2,000 rounds",
        wheels,
        {name: wheel.CONTESTANTS[name] for name in ("uniform", "always safe")},
        range(3),
        lambda own: 100 * own.regret / known,
        Asked(tmp_path),
    ).set_index("contestant")
    printed = published.numbers("wheel")
    for name in found.index:
        assert found.ours[name] == pytest.approx(printed["delta 0.7, 2,000 rounds", name].value, rel=0.01)


def test_uniforms_expected_regret_is_that_of_its_choices_on_average() -> None:
    one = Wheel(0.5, 50_000, 3)
    assert wheel.expected_uniform(one) / 50_000 == pytest.approx(0.16 * 0.25 + 39.16 * 0.75, rel=0.01)


def mushrooms(folder: Path, edible: int = 60, poisonous: int = 40) -> Path:
    """A set in which the smell tells."""
    file = folder / "mushroom.csv"
    smells = ["sweet"] * edible + ["foul"] * poisonous
    pd.DataFrame({"label": ["e"] * edible + ["p"] * poisonous, "odor": smells}).to_csv(file, index=False)
    return file


def test_mushrooms_pay_what_the_paper_says(tmp_path: Path) -> None:
    """Leaving pays 0; eating 5, or of a poisonous one 5 or -35, as often: -15 in the mean."""
    found = mushroom.Mushrooms(str(mushrooms(tmp_path)), 20_000)(1)
    foul = found.contexts[:, 1 + 0] == 1  # columns: constant, odor foul, odor sweet
    assert set(np.unique(found.rewards[~foul, mushroom.EAT])) == {5.0}
    assert set(np.unique(found.rewards[foul, mushroom.EAT])) == {5.0, -35.0}
    lucky = int((found.rewards[foul, mushroom.EAT] == 5).sum())
    assert stats.binomtest(lucky, int(foul.sum()), 0.5).pvalue > 1e-4
    assert np.all(found.truth[foul, mushroom.EAT] == -15.0)
    assert not found.rewards[:, mushroom.LEAVE].any()


def test_who_reads_the_smell_leaves_the_foul_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = {name: mushroom.CONTESTANTS[name] for name in ("uniform", "LinFullPost")}
    monkeypatch.setattr(mushroom, "CONTESTANTS", two)
    table = play("mushroom", Asked(tmp_path / "out", small=True, data=(mushrooms(tmp_path),))).set_index("contestant")
    assert table.ours["uniform"] < 0 < table.ours["LinFullPost"] < table.ours["optimum"]


def test_a_suite_that_was_stopped_plays_only_what_is_missing(tmp_path: Path) -> None:
    def once(seeds: int) -> pd.DataFrame:
        environments = partial(Wheel, 0.9, 200)
        return rows_of("a", environments, {"u": "uniform"}, range(seeds), lambda own: own.regret, Asked(tmp_path))

    once(2)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").glob("*.parquet")}
    assert once(3).runs.tolist() == [3]
    assert kept
    assert all(file.stat().st_mtime_ns == when for file, when in kept.items())


def test_every_printed_number_is_of_a_case_that_is_played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name typed wrong would silently stand beside nothing."""
    asked: list[tuple[str, str]] = []

    def note(case: str, environments: object, contestants: dict[str, str], *rest: object) -> pd.DataFrame:
        asked.extend((case, label) for label in contestants)
        return pd.DataFrame()

    monkeypatch.setattr(wheel, "rows_of", note)
    monkeypatch.setattr(wheel, "Wheel", lambda *about: Outcomes(*np.zeros((3, 1, 5))))
    wheel.rows(Asked(tmp_path))
    assert set(published.numbers("wheel")) <= set(asked)


def test_the_table_shows_the_printed_number_with_its_error() -> None:
    row = ["delta 0.5, 80,000 rounds", "LinFullPost", 0.81, 0.7, 0.9, 8, 5.0, 0.79, 0.03, "", ""]
    names = [
        "case",
        "contestant",
        "ours",
        "lower",
        "upper",
        "runs",
        "seconds",
        "published",
        "error",
        "source",
        "changed",
    ]
    assert "| 0.81 | 0.7 to 0.9 | 0.79 ± 0.03 | 8 | 5.0 |" in markdown(pd.DataFrame([row], columns=names), "regret")


def test_an_unknown_suite_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"suite must be one of wheel, .*, got 'weel'"):
        play("weel", Asked(tmp_path))


def test_mushrooms_without_a_file_say_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="needs --data mushroom"):
        play("mushroom", Asked(tmp_path))


def test_any_executor_plays_a_suite(tmp_path: Path) -> None:
    wheels = partial(Wheel, 0.9, 200)

    def played(out: str, workers: int | ThreadPoolExecutor) -> pd.DataFrame:
        asked = Asked(tmp_path / out, workers=workers)
        return rows_of("a", wheels, {"u": "uniform"}, range(3), lambda own: own.regret, asked)

    with ThreadPoolExecutor(2) as threads:
        spread = played("threads", threads)
    assert spread.ours.tolist() == played("alone", 1).ours.tolist()


def test_every_suite_has_a_file_and_says_what_it_measures() -> None:
    for name in published.suites():
        assert published.measure(name)
        assert find_spec(f"benchmarks.suites.{name}") is not None, name


def test_the_command_lists_all_suites() -> None:
    cli._add_commands()
    told = CliRunner().invoke(cli.app, ["suite", "--list"]).output
    assert all(name in told for name in published.suites())
