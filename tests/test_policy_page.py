"""The page of policies: every policy is there, its settings are those of the code, the tables those of runs."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shop import SIX, fixed

import policies
from benchmarks.suites import policies_by_scenario as by_scenario
from benchmarks.suites.marks import between
from benchmarks.suites.policy_pictures import shares
from benchmarks.suites.policy_settings import meaning, table
from benchmarks.trace import Trace
from envs.environment import Rounds
from policies.policy import Decisions, Feedback
from simulator.scenario import Scenario

PAGE = Path(__file__).parents[1] / "docs" / "policies.md"


@pytest.mark.parametrize("name", policies.names())
def test_the_page_has_every_policy_with_its_picture_and_its_settings_of_today(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"\n## {name}\n" in page
    assert between(page, f"settings of {name}", table(name)) == page, "run python -m benchmarks.suites.policy_settings"
    picture = PAGE.parent / "policies" / f"{name}.png"
    assert f"](policies/{name}.png)" in page
    assert picture.stat().st_size < 60_000


@pytest.mark.parametrize("name", policies.names())
def test_every_setting_has_a_meaning(name: str) -> None:
    told = meaning(name)
    for setting in inspect.signature(policies.find(name)).parameters:
        assert told[setting] or setting in ("problem", "seed"), setting


def test_a_meaning_goes_on_over_lines_and_is_taken_from_the_policy_it_is_left_to() -> None:
    assert meaning("neural_linear")["widths"] == "of the dense layers."
    assert meaning("neural_linear")["ridge"].startswith("of the regressions, how many lessons")
    assert meaning("popularity")["half_life"].endswith("None counts all alike.")
    assert meaning("vowpal")["psi"] == "of `cover`"


def test_a_generated_part_is_replaced_and_the_rest_stays() -> None:
    page = "before\n<!-- a: start -->\nold\n<!-- a: end -->\n<!-- b: start -->\n<!-- b: end -->\n"
    once = between(page, "a", r"new \1")
    assert once == "before\n<!-- a: start -->\n\nnew \\1\n\n<!-- a: end -->\n<!-- b: start -->\n<!-- b: end -->\n"
    assert between(once, "a", r"new \1") == once
    with pytest.raises(ValueError, match="<!-- c: start -->"):
        between(page, "c", "new")


def found() -> pd.DataFrame:
    return by_scenario.table(fixed(SIX))


def test_the_table_says_what_the_comparison_does() -> None:
    told = found()
    lines = by_scenario.markdown(told).splitlines()
    lower, upper = told.loc[("corner_shop", "linucb"), ["difference_lower", "difference_upper"]]
    assert lines[0] == "### corner_shop"
    assert lines[4].startswith("| `oracle` | 130 | +30.0%")
    assert lines[5].startswith(f"| `linucb` | 120 | +20.0% ({lower:+.0f} to {upper:+.0f}) | better | 120 | 6 |")
    assert lines[-2] == "| `uniform` | 100 |  |  | 100 | 6 | 3.5 |"
    assert lines[-1].startswith("| `vowpal` | 100 | +0.0% (-")
    assert "| cannot tell |" in lines[-1]


def test_the_picture_shows_gains_in_percent_of_the_oracles() -> None:
    figure = by_scenario.picture(found())
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert {"67", "0"} <= texts  # linucb gains 20 of the oracle's 30, vowpal nothing
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["linucb", "vowpal"]


def test_shares_of_a_day_are_those_of_its_decisions() -> None:
    times = np.array([0.1, 0.2, 0.9, 0.95, 2.5])
    decisions = Decisions(times, np.ones((5, 1)), np.empty((3, 0)), np.ones((5, 3), bool))
    trace = Trace()
    trace.add(Rounds(Feedback(decisions, np.array([0, 2, 2, 1, 1]), np.ones(5), np.zeros(5)), np.zeros((5, 3))))
    assert shares(trace, 3, 3).tolist() == [[0.25, 0.25, 0.5], [0, 0, 0], [0, 1, 0]]


def test_seasons_of_millions_of_visits_are_told_from_modest_ones() -> None:
    assert by_scenario.modest(Scenario.load("spring_launch"))
    assert not by_scenario.modest(Scenario.load("flagship"))


def test_what_is_judged_stands_in_the_head_and_one_season_has_no_interval() -> None:
    told = found().assign(measure="margin", seeds=1)
    lines = by_scenario.markdown(told).splitlines()
    assert lines[2].startswith("| policy | margin, euros | gain over uniform |")
    assert lines[4].startswith("| `oracle` | 130 | +30.0% |")
