"""Scenarios: every packaged one loads, every rule is named with its value."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from seasons import product, season, seasons

from simulator.scenario import Scenario, ScenarioError

MINIMAL = """
title = "t"
about = "a"
days = 5
[arrivals]
per_day = 10
[[products]]
title = "p"
category = "c"
price = 10
launch = 0
"""


@pytest.mark.parametrize("name", Scenario.names())
def test_every_packaged_scenario_loads_and_says_what_it_teaches(name: str) -> None:
    scenario = Scenario.load(name)
    assert scenario.name == name
    assert len(scenario.about.split()) > 25


def test_a_scenario_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINIMAL)
    assert Scenario.load(file).name == "mine"
    assert Scenario.load(str(file)).products[0].price == 10


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("per_day = 10", "per_day = -5", r"arrivals\.per_day must be greater than 0, got -5"),
        ("price = 10", "price = -1", r"products\.0\.price must be greater than 0, got -1"),
        ("price = 10", "price = 10\nstock = -3", r"products\.0\.stock must be greater than or equal to 0, got -3"),
        ("price = 10", "price = 10\nprize = 3", r"products\.0\.prize must be a known key, got 3"),
        ("launch = 0", "launch = 7", r"products\.launch must be before day 5\.0, got 7\.0"),
        ("launch = 0", "", r"launch must be given for the candidate 'p', got none"),
        ("per_day = 10", "per_day = 10\nword_of_mouth = 1.2", r"arrivals\.word_of_mouth must be less than 1, got 1\.2"),
        ("per_day = 10", "per_day = nan", r"arrivals\.per_day must be a finite number, got nan"),
        ("per_day = 10", "per_day = 10\nhours = [1.0]", r"arrivals\.hours must have at least 24 items.*got \[1\.0\]"),
        ("days = 5", 'days = "many"', r"days must be a valid number.*got 'many'"),
        ("days = 5", "days = 5\nslots = 3", r"slots must be at most the 1 products, got 3"),
        ("days = 5", "days = 5\ndiscounts = [1.5]", r"discounts must be between 0 and 1, got 1\.5"),
        ("days = 5", 'days = 5\nquestion = "launch"', r"launching must be given exactly where question is 'launch'"),
        ("[arrivals]", "[buying]\nreturns = 2\n[arrivals]", r"buying\.returns must be less than or equal to 1, got 2"),
        ("[arrivals]", "[choice]\nexamination=[2.0]\n[arrivals]", r"examination must be between 0 and 1, got 2\.0"),
        (
            "[arrivals]",
            "[choice]\nnesting = 0\n[arrivals]",
            r"choice\.nesting must be greater than or equal to 0.01, got 0",
        ),
        (
            "[arrivals]",
            "[restocking]\nat = 5\nup_to = 5\nlead_days = 1\n[arrivals]",
            r"restocking\.up_to must be greater than at = 5, got 5",
        ),
        (
            "[arrivals]",
            '[[promotions]]\ncategory = "hats"\nstart = 0\ndays = 1\ndiscount = 0.1\n[arrivals]',
            r"promotions\.category must be one of c, got 'hats'",
        ),
        ("per_day = 10", "per_day =", r"line 6 must be TOML, got 'per_day ='"),
        ('title = "p"', "title = oops", r"line 8 must be TOML, got 'title = oops'"),
    ],
)
def test_every_broken_rule_is_one_line_with_name_rule_and_value(old: str, new: str, rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule) as error:
        Scenario.parse(MINIMAL.replace(old, new), "mine")
    assert "\n" not in str(error.value)
    assert "mine" in str(error.value)


def test_more_places_than_candidates_are_refused() -> None:
    launching = {"every": 1.0, "windows": 2, "capacity": 2, "horizon": 1.0}
    products = [product(0, incumbent=True)] + [product(k) for k in range(1, 4)]
    with pytest.raises(ValueError, match="at most 3 places for the candidates, got 4"):
        season(question="launch", launching=launching, products=products)


def test_windows_after_the_season_are_refused() -> None:
    launching = {"every": 2.0, "windows": 3, "capacity": 1, "horizon": 1.0}
    with pytest.raises(ValueError, match=r"before day 3\.0, got one on day 4\.0"):
        season(question="launch", launching=launching, products=[product(k) for k in range(5)])


def test_an_unknown_scenario_lists_what_there_is() -> None:
    with pytest.raises(ScenarioError, match=r"one of .*spring_launch.* or a \.toml file, got 'sprung_launch'"):
        Scenario.load("sprung_launch")


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ScenarioError, match=r"must be a file that exists, got 'gone\.toml'"):
        Scenario.load("gone.toml")


def test_a_changed_scenario_is_checked_again() -> None:
    scenario = season()
    assert scenario.changed(days=9.0).days == 9
    with pytest.raises(ScenarioError, match="days must be greater than 0, got -1"):
        scenario.changed(days=-1.0)


@pytest.mark.parametrize(
    ("about", "rule"),
    [
        ({"arrivals": {"per_day": True}}, "arrivals.per_day must not be true or false, got True"),
        ({"slots": True}, "slots must not be true or false, got True"),
        ({"choice": {"examination": [0.5, True]}}, "choice.examination must not be true or false, got True"),
    ],
)
def test_true_is_no_number(about: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(rule)):
        season().changed(**about)


def test_true_is_a_truth_where_one_is_asked_for() -> None:
    assert not season().changed(users={"durable": False}).users.durable


@pytest.mark.parametrize("name", Scenario.names())
def test_a_packaged_scenario_that_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    scenario = Scenario.load(name)
    scenario.write(tmp_path / f"{name}.toml")
    assert Scenario.load(tmp_path / f"{name}.toml") == scenario


@settings(max_examples=30, deadline=None)
@given(seasons())
def test_any_scenario_that_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, scenario: Scenario
) -> None:
    path = tmp_path_factory.mktemp("written") / "season.toml"
    scenario.write(path)
    assert Scenario.load(path) == scenario.changed(name="season")


def test_where_candidates_alone_are_offered_they_come_first() -> None:
    products = [product(0, incumbent=True), product(1, launch=0.0), product(2, incumbent=True), product(3, launch=1.0)]
    scenario = season(products=products, shelf={"offers": "candidates"})
    assert [about.title for about in scenario.products] == [f"product {k}" for k in (1, 3, 0, 2)]
    assert scenario.n_offered == 2


@pytest.mark.parametrize(
    ("about", "rule"),
    [
        (
            {"slots": 3, "shelf": {"offers": "candidates"}, "choice": {"examination": [1.0] * 3}},
            "at most the 2 products",
        ),
        ({"shelf": {"considered": 2.5}}, "shelf.considered must be whole where no shape is given, got 2.5"),
        ({"calendar": {"closed": ["caturday"]}}, "calendar.closed must hold .*, got 'caturday'"),
        ({"calendar": {"closed": [date(2010, 12, 25)]}}, "calendar.start must be given where closed holds dates"),
        ({"calendar": {"dates": {"2010-12-25": 2.0}}}, "calendar.start must be given where there are dates, got none"),
        (
            {"calendar": {"start": "2010-12-01", "dates": {"2010-12-25": -2.0}}},
            "calendar.dates.2010-12-25 must be .*-2",
        ),
        ({"users": {"segments": [{"name": "none", "share": 0.0}]}}, "users.segments must have a share that is not 0"),
    ],
)
def test_parts_that_cannot_be_are_refused(about: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule):
        season(3).changed(**about)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_scenario_is_read_as_editors_write_it(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "tea.toml"
    text = 'title = "Thé"\nabout = "One."\ndays = 3\narrivals.per_day = 5\n'
    text += 'products = [{ title = "Maté", category = "tea", price = 8.0, incumbent = true }]\n'
    file.write_bytes(text.encode(encoding))
    assert Scenario.load(file).products[0].title == "Maté"


def test_a_scenario_in_another_encoding_is_told_where(tmp_path: Path) -> None:
    file = tmp_path / "tea.toml"
    file.write_bytes('days = 3\ntitle = "Thé"\n'.encode("cp1252"))
    with pytest.raises(ScenarioError, match="line 2 must be UTF-8, got byte 0xe9"):
        Scenario.load(file)
