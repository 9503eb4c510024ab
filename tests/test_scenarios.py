"""The packaged seasons, and the commands that show and play them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import cli
from benchmarks.pages.season import expected_visits
from envs.feedback import LoggedFeedback
from simulator.scenario import Scenario

NAMES = (
    "cold_start",
    "fast_fashion",
    "flagship",
    "gift_shop",
    "launch_calendar",
    "promotion_week",
    "slow_conversions",
    "spring_launch",
    "taste_drift",
    "tight_stock",
    "word_of_mouth",
)
SMALL = """
title = "Corner shop"
about = "Two drinks."
days = 2
arrivals.per_day = 200
choice.leaving = 1.0
products = [
    { title = "Tea", category = "hot", price = 10.0, incumbent = true },
    { title = "Mate", category = "hot", price = 10.0, stock = 9, launch = 0.5 },
]
"""


def launchsim(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of the command line in this process."""
    monkeypatch.setattr(sys, "argv", ["launchsim", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0)


def test_all_seasons_are_there() -> None:
    assert tuple(Scenario.names()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_season_is_of_bearable_size_and_sells_at_a_profit(name: str) -> None:
    scenario = Scenario.load(name)
    base, buzz = expected_visits(scenario)
    sizes = {"flagship": (1_500_000, 2_500_000), "gift_shop": (17_000, 19_000)}  # 17,452 in the shop
    least, most = sizes.get(name, (30_000, 100_000))
    assert least < (base + buzz).sum() < most
    worst = 1 - max([cut.discount for cut in scenario.promotions] + scenario.discounts, default=0.0)
    assert all(product.cost < product.price * worst for product in scenario.products)


def test_scenarios_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert launchsim("scenarios", monkeypatch=monkeypatch) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(NAMES)


def test_a_scenario_is_shown_with_a_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = tmp_path / "new" / "tight.svg"
    assert launchsim("scenarios", "show", "tight_stock", "--out", str(picture), monkeypatch=monkeypatch) == 0
    assert "Waxed messenger bag" in capsys.readouterr().out
    assert picture.read_text().lstrip().startswith("<?xml")


def test_a_season_of_ones_own_is_simulated_with_log_books_and_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "corner.toml").write_text(SMALL)
    log, books, picture = tmp_path / "a" / "log.parquet", tmp_path / "books", tmp_path / "b" / "season.png"
    told = ["--log", str(log), "--ledger", str(books), "--out", str(picture)]
    command = ["simulate", str(tmp_path / "corner.toml"), "--policy", "epsilon_greedy(epsilon=0.2)", *told]
    assert launchsim(*command, monkeypatch=monkeypatch) == 0
    assert "Corner shop, played by epsilon_greedy(epsilon=0.2), seed 0" in capsys.readouterr().out
    assert LoggedFeedback.read(log).actions == ("Tea", "Mate")
    assert {"visits.parquet", "purchases.parquet", "stock_outs.parquet"} <= {file.name for file in books.iterdir()}
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("command", [["simulate", "spring_launch"], ["scenarios", "show", "spring_launch"]])
def test_a_picture_of_no_known_kind_is_refused_before_anything_runs(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launchsim(*command, "--out", "season.gif", monkeypatch=monkeypatch) == 2
    said = capsys.readouterr()
    assert "season.gif" in said.err
    assert not said.out


def test_an_unknown_scenario_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert launchsim("scenarios", "show", "easter", monkeypatch=monkeypatch) == 2
    assert capsys.readouterr().err.startswith("launchsim: scenario must be one of cold_start, ")
