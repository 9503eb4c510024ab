"""The desk of the app: choices that outlive the tab, seasons that the command line knows, answers that grow."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from typer.testing import CliRunner

from benchmarks import cli
from benchmarks.app.desk import Desk
from benchmarks.app.hands import Hands
from benchmarks.app.playing import with_certain
from benchmarks.compare import compare
from policies.policy import PolicyError
from simulator.calibration import Calibrated
from simulator.scenario import Scenario, ScenarioError

SHOP = """
title = "Corner shop"
about = "Three drinks."
days = 6
arrivals.per_day = {per_day}
users.population = 400
refresh_minutes = 1440
products = [
    {{ title = "Tea", category = "hot", price = 10.0, incumbent = true }},
    {{ title = "Mate", category = "hot", price = 10.0, stock = 40, launch = 0.0 }},
    {{ title = "Cola", category = "cold", price = 8.0, launch = 2.0 }},
]
"""
CALLS = ["uniform", "popularity"]


class Threads(Hands):
    """Hands without processes of their own: quick to have."""

    def __init__(self) -> None:
        super().__init__(1)
        self._threads = ThreadPoolExecutor(1)

    def pool(self) -> ThreadPoolExecutor:  # type: ignore[override]
        return self._threads


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.toml").write_text(SHOP.format(per_day=30))
    return tmp_path / "shop.toml"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures: they are those of the page, and tested there."""

    def none(comparison: object, names: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        return {f"{name}{width}": "data:," for name in names for width in ("", "_narrow")}, {}

    monkeypatch.setattr("benchmarks.app.showing._pictures", none)


def opened(shop: Path, seeds: int = 2, **chosen: object) -> Desk:
    desk = Desk(shop.parent / "out", 1, str(shop))
    desk.hands = Threads()
    desk.change(policies=CALLS, seeds=seeds, **chosen)
    return desk


def played(desk: Desk) -> Desk:
    desk.run()
    assert desk.play is not None
    assert desk.play.join(60)
    assert desk.play.state == "finished", desk.play.why
    return desk


def files(shop: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (shop.parent / "out" / "runs").glob("*.parquet")}


def test_what_the_app_played_compare_does_not_play_again(shop: Path) -> None:
    played(opened(shop))
    before = files(shop)
    found = compare(shop, CALLS, 2, folder=shop.parent / "out" / "runs")
    assert len(before) == 4
    assert files(shop) == before
    assert len(found.seeds) == 2


def test_what_compare_played_the_app_shows_without_playing(shop: Path) -> None:
    compare(shop, CALLS, 2, folder=shop.parent / "out" / "runs")
    desk = opened(shop)
    assert "units sold a season" in desk.answer
    assert desk.play is None
    before = files(shop)
    played(desk)
    assert files(shop) == before


def test_an_edited_scenario_is_known_by_what_it_says_whatever_it_is_called(shop: Path) -> None:
    desk = opened(shop)
    desk.turn("traffic", 1.5)
    desk.edit(1, "price", "9.5")
    played(desk)
    before = files(shop)
    toml = desk.toml()
    assert Scenario.load(toml).arrivals.per_day == 45
    compare(toml, CALLS, 2, folder=shop.parent / "out" / "runs")
    compare(shop, CALLS, 2, overrides={"products.Mate.price": 9.5, "arrivals.per_day": "x1.5"}, folder=desk.kept.runs)
    assert files(shop) == before


def test_the_command_of_the_page_plays_nothing_again(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[str] = []

    def written(folder: Path, comparison: object, command: str, **_: object) -> Path:
        typed.append(command)
        return Path(folder)

    monkeypatch.setattr("benchmarks.pages.report.write", written)
    desk = opened(shop)
    desk.turn("traffic", 2.0)
    played(desk).page()
    before = files(shop)
    if not cli.app.registered_commands:
        cli._add_commands()
    done = CliRunner().invoke(cli.app, [*shlex.split(typed[0])[1:], "-j", "1"])
    assert done.exit_code == 0, done.output
    assert files(shop) == before
    assert typed[1] == typed[0]


def test_all_that_was_chosen_is_there_when_the_app_is_started_again(shop: Path) -> None:
    desk = opened(shop, measure="revenue")
    desk.turn("prices", 1.1)
    desk.edit(1, "stock", "12")
    played(desk)
    again = Desk(shop.parent / "out", 1)
    assert again.setup == desk.setup
    assert again.answer == desk.answer
    assert not again.stale


def test_a_setup_that_cannot_be_read_begins_anew(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened(shop)
    (shop.parent / "out" / "app" / "setup.json").write_text('{"base": 3')
    assert Desk(shop.parent / "out", 1).setup.base == "spring_launch"
    assert capsys.readouterr().err.count("\n") == 1


def test_a_scenario_whose_file_is_gone_begins_anew(shop: Path) -> None:
    opened(shop)
    shop.unlink()
    assert Desk(shop.parent / "out", 1).setup.base == "spring_launch"


def test_an_answer_to_other_choices_says_so_until_they_are_played(shop: Path) -> None:
    desk = played(opened(shop))
    desk.turn("traffic", 0.5)
    assert desk.stale
    played(desk)
    assert not desk.stale
    desk.turn("traffic", 1.0)  # played before: shown at once
    assert not desk.stale


def test_answers_are_told_as_seasons_arrive_and_say_how_far_they_are(shop: Path) -> None:
    desk = opened(shop, seeds=3)
    remarks: list[str] = []
    tell = desk._tell

    def heard(play: object, found: object, pictures: bool) -> None:
        tell(play, found, pictures)  # type: ignore[arg-type]
        remarks.append(desk.remark())

    desk._tell = heard  # type: ignore[method-assign]
    played(desk)
    assert remarks[0].startswith("So far, 1 of 3 seasons")
    assert desk.remark() == "All 3 seasons are played."


def test_a_stopped_run_goes_on_from_where_it_was(shop: Path) -> None:
    desk = opened(shop, seeds=20)
    desk.run()
    assert desk.play is not None
    while desk.play.done < 4:
        time.sleep(0.01)
    desk.stop()
    assert desk.play.join(10)
    assert desk.play.state == "stopped"
    n = len(files(shop))
    assert 4 <= n < 40
    assert not (shop.parent / "out" / "runs" / "failed").exists()
    desk.change(seeds=n // 2 + 1)
    before = files(shop)
    played(desk)
    assert files(shop).items() >= before.items()


def test_stop_ends_the_child_processes_within_a_second(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(shop.parent / "tmp"))
    (shop.parent / "tmp").mkdir()
    (shop.parent / "shop.toml").write_text(SHOP.format(per_day=40_000))
    others = set(psutil.Process().children())
    desk = Desk(shop.parent / "out", 2, str(shop))
    desk.change(policies=["linucb", "uniform"], seeds=50)
    desk.run()
    assert desk.play is not None
    while not (mine := {child for child in psutil.Process().children() if child not in others and busy(child)}):
        time.sleep(0.05)
    began = time.monotonic()
    desk.stop()
    _, alive = psutil.wait_procs(mine, timeout=1.0)
    assert time.monotonic() - began < 1.0
    assert [child.cmdline() for child in alive] == []
    assert desk.play.join(10)
    assert not (shop.parent / "out" / "runs" / "failed").exists()
    assert list((shop.parent / "tmp").glob("launchsim*")) == []
    desk.close()


def test_closing_waits_for_what_is_being_drawn(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread cut off in compiled code takes the whole program down with an abort."""
    desk = opened(shop)
    drawing = threading.Event()

    def draws(*_: object) -> None:
        drawing.set()
        time.sleep(0.3)

    monkeypatch.setattr(desk, "_tell", draws)
    desk.run()
    assert drawing.wait(30)
    desk.close()
    assert desk.play is not None
    assert desk.play.join(0)


def busy(child: psutil.Process) -> bool:
    return sum(child.cpu_times()[:2]) > 0.5


def test_a_policy_of_somebody_elses_is_played_only_where_it_was_named(shop: Path) -> None:
    (shop.parent / "mine.py").write_text(
        "raise SystemExit('run')\nclass Mine:\n    pass\n",
    )
    desk = opened(shop)
    with pytest.raises(PolicyError, match=r"named as launchsim app --policy, got '.*mine.py:Mine'"):
        desk.add(f"{shop.parent}/mine.py:Mine")
    assert desk.setup.policies == CALLS


def test_a_policy_that_there_is_not_is_refused_with_what_was_meant(shop: Path) -> None:
    desk = opened(shop)
    with pytest.raises(PolicyError, match="did you mean 'linucb'"):
        desk.add("linucp(alpha=0.5)")


def test_a_setting_that_there_is_not_fails_the_run_in_one_line(shop: Path) -> None:
    desk = opened(shop)
    desk.add("linucb(alfa=0.5)")
    desk.run()
    assert desk.play is not None
    assert desk.play.join(10)
    assert desk.play.state == "failed"
    assert "did you mean 'alpha'" in desk.play.why


def test_kept_scenarios_stand_side_by_side_with_what_differs(shop: Path) -> None:
    desk = played(opened(shop))
    desk.keep("as it is")
    desk.turn("traffic", 2.0)
    desk.keep("double traffic")
    shown = desk.side_by_side()
    assert shown.index("as it is") < shown.index("double traffic")
    assert "arrivals.per_day" in shown.split("double traffic")[1]
    assert "arrivals.per_day" not in shown.split("double traffic")[0]
    assert "Not played yet" in shown.split("double traffic")[1]
    desk.open("kept:as it is")
    assert desk.setup.turned == {}
    desk.forget("double traffic")
    assert desk.kept.names() == ["as it is"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 61, "a\nb"])
def test_a_name_that_is_no_file_name_is_refused(shop: Path, name: str) -> None:
    with pytest.raises(ScenarioError, match="name must have letters"):
        opened(shop).keep(name)


def test_a_csv_that_the_scenario_cannot_have_leaves_all_as_it_was(shop: Path) -> None:
    desk = opened(shop)
    with pytest.raises(ScenarioError, match=r"products\.launch must be before day"):
        desk.read_products(b"title,launch\nMate,99\n")
    assert desk.setup.rows is None


def test_a_toml_that_is_handed_over_is_opened_and_a_broken_one_leaves_nothing(shop: Path) -> None:
    desk = opened(shop)
    desk.open_file("../../my shop.toml", SHOP.format(per_day=99).encode())
    assert desk.base.arrivals.per_day == 99
    assert Path(desk.setup.base).parent == shop.parent / "out" / "app" / "opened"
    with pytest.raises(ScenarioError, match="must be TOML"):
        desk.open_file("broken.toml", b"title = ")
    assert [file.name for file in Path(desk.setup.base).parent.iterdir()] == ["my_shop.toml"]


def test_calibrated_shops_play_each_season_with_its_own_draw_and_compare_knows_them(shop: Path) -> None:
    empty = pd.DataFrame({"metric": []})
    draws = pd.DataFrame({"arrivals.per_day": [20.0, 40.0]})
    Calibrated(Scenario.load(shop), draws, empty, empty, empty, empty).write(shop.parent / "mine")
    desk = Desk(shop.parent / "out", 1, str(shop.parent / "mine"))
    desk.hands = Threads()
    desk.change(policies=CALLS, seeds=2)
    desk.turn("traffic", 2.0)
    played(desk)
    assert desk.found is not None
    assert desk.found.comparison is not None
    visits = desk.found.comparison.values("uniform", "visits")
    assert visits[1] > 1.5 * visits[0]
    assert np.isfinite(with_certain(desk.found.comparison, desk.kept.runs).widening)
    before = files(shop)
    found = compare(
        shop.parent / "mine" / "scenario.toml", CALLS, 2, overrides={"arrivals.per_day": "x2"}, folder=desk.kept.runs
    )
    assert list(found.values("uniform", "visits")) == list(visits)
    assert before.items() <= files(shop).items()


@pytest.fixture(autouse=True)
def _no_child_stays() -> Iterator[None]:
    before = set(psutil.Process(os.getpid()).children())
    yield
    psutil.wait_procs(set(psutil.Process(os.getpid()).children()) - before, timeout=2)
