"""What would change the answer: ranges, what turns a verdict, sentences, and a page, on a shop small enough to play."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_compare import SMALL

from benchmarks.comparison.turning import along
from benchmarks.pages import sensitivity_page
from benchmarks.sensitivity import Range, Sensitivity, parse, sensitivity
from policies.policy import PolicyError
from simulator.scenario import ScenarioError

SHORT = SMALL.changed(days=4.0)


def made(places: list[float], means: list[float], base: float = 800.0, noise: float = 1.0) -> Sensitivity:
    """Two policies, moved along the traffic alone; differences of six seasons about these means."""
    luck = noise * np.array([-1.5, -0.5, 0.1, 0.4, 0.6, 0.9])[:, None]
    curve = along(np.array(places), np.array(means) + luck)
    rows = [
        {"place": "", "end": "", "value": np.nan, "difference": 9.0, "lower": 5.0, "upper": 13, "verdict": "better"}
    ]
    for end, k in (("low", 0), ("high", -1)):
        verdict = "better" if means[k] > 2 else "worse" if means[k] < -2 else "cannot tell"
        about = {"place": "arrivals.per_day", "end": end, "value": places[k], "difference": means[k]}
        rows.append(about | {"lower": means[k] - 2, "upper": means[k] + 2, "verdict": verdict})
    ranges = {"arrivals.per_day": Range(places[0], places[-1], base, False, "stated")}
    table = pd.DataFrame(rows)
    found = Sensitivity(SMALL, ("newest", "linucb"), "units", 6, ranges, table, {}, pd.DataFrame(), ())
    return replace(found, curves={"arrivals.per_day": curve} if found.turning else {})


@pytest.mark.parametrize(
    ("means", "base", "words"),
    [
        ([-9.0, -3, 3, 9], 800.0, "newest overtakes linucb below 280 visits a day (95%: "),
        ([-9.0, -3, 3, 9], 150.0, "linucb overtakes newest above 280 visits a day (95%: "),
        ([9.0, 3, -3, -9], 150.0, "newest overtakes linucb above 280 visits a day (95%: "),
    ],
)
def test_the_finding_is_who_overtakes_whom_and_where(means: list[float], base: float, words: str) -> None:
    assert sensitivity_page.answer(made([100.0, 200, 400, 800], means, base))[0].startswith(words)


def test_where_only_one_side_is_known_the_other_is_said_to_be_unknown() -> None:
    told = " ".join(sensitivity_page.answer(made([100.0, 200, 400, 800], [0.0, 0.5, 4, 9])))
    assert told.startswith("With the scenario as it is: linucb sells more than newest")
    assert "to 800 visits a day; elsewhere along traffic these seasons cannot tell." in told


def test_what_turns_nothing_is_said_to_turn_nothing() -> None:
    found = made([100.0, 800.0], [8.0, 9.0])
    assert found.turning == []
    assert "None of the 1 parameters turns that within its range." in sensitivity_page.answer(found)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Sensitivity:
    folder = tmp_path_factory.mktemp("sensitivity")
    ranges = {"arrivals.per_day": (20.0, 80.0), "products.*.price": (0.5, 2.0)}
    return sensitivity(SHORT, ["uniform", "oracle"], 5, ranges=ranges, points=3, folder=folder)


def test_both_ends_of_every_range_and_every_cell_are_played(found: Sensitivity) -> None:
    assert found.table.place.tolist() == ["", *["arrivals.per_day"] * 2, *["products.*.price"] * 2]
    assert found.table.value.tolist()[1:] == [20, 80, 0.5, 2]
    assert len(found.heat) == 16
    assert set(found.heat_places) == {"arrivals.per_day", "products.*.price"}


def test_more_visitors_make_a_difference_larger(found: Sensitivity) -> None:
    ends = found.table.set_index(["place", "end"]).difference
    assert ends["arrivals.per_day", "high"] > ends["arrivals.per_day", "low"]


def test_the_page_holds_sentences_pictures_and_the_command(found: Sensitivity, tmp_path: Path) -> None:
    page = sensitivity_page.write(tmp_path, found, "launchsim sensitivity small_shop").read_text()
    assert sensitivity_page.answer(found)[0] in page.replace("&#39;", "'")
    assert "launchsim sensitivity small_shop" in page
    assert (tmp_path / "tornado.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "heat.svg").exists()
    assert len(pd.read_csv(tmp_path / "sensitivity.csv")) == 5


def test_ranges_are_read_as_typed() -> None:
    assert parse([]) is None
    assert parse(["arrivals.per_day=200..1600", "products.*.stock=x0.5..x2"]) == {
        "arrivals.per_day": (200.0, 1600.0),
        "products.*.stock": (0.5, 2.0),
    }


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"policies": ["uniform"]}, "policies must be two, got 1"),
        ({"seeds": 4}, "seeds must be at least 5, fewer cannot give a verdict, got 4"),
        ({"measure": "fame"}, "measure must be one of units, revenue, margin, got 'fame'"),
        ({"ranges": {"arrivals.per_day": (9.0, 3.0)}}, r"arrivals.per_day must go from low to high, got 9..3"),
        ({"ranges": {"arrivals.per_dya": (3.0, 9.0)}}, "got 'arrivals.per_dya', did you mean 'per_day'"),
        ({"ranges": {"title": (3.0, 9.0)}}, "title must be a number to be moved, got 'Small shop'"),
        ({"ranges": {"arrivals.per_day": (-3.0, 9.0)}}, "per_day"),
    ],
)
def test_what_makes_no_sense_is_refused(about: dict, message: str) -> None:
    asked = {"policies": ["uniform", "oracle"], "seeds": 5} | about
    with pytest.raises((ScenarioError, PolicyError), match=message):
        sensitivity(SHORT, **asked)


def test_ranges_written_otherwise_are_refused() -> None:
    with pytest.raises(ScenarioError, match=r"vary must be place=low..high .*, got 'arrivals.per_day=200'"):
        parse(["arrivals.per_day=200"])
