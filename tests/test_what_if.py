"""What would change the answer: every point is judged as a comparison judges it, and the page turns to it offline."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from shop import SIX, fixed

from benchmarks.compare import compare
from benchmarks.pages import report, turned
from benchmarks.what_if import WhatIf, what_if
from simulator.scenario import Scenario

SMALL = Scenario.parse(
    """
    title = "Corner shop"
    about = "Three drinks for everyone."
    days = 10
    arrivals.per_day = 60
    products = [
        { title = "Tea", category = "hot", price = 10.0, incumbent = true },
        { title = "Mate", category = "hot", price = 10.0, launch = 2.0, stock = 9 },
        { title = "Coffee", category = "hot", price = 10.0, launch = 5.0 },
    ]
    """,
    "corner_shop",
)
CALLS = ["uniform", "popularity"]


@pytest.fixture(scope="module")
def found() -> WhatIf:
    return what_if(SMALL, CALLS, 2, baseline="uniform", measure="units")


def test_only_what_the_scenario_has_is_turned(found: WhatIf) -> None:
    assert set(found.factors) == {"traffic", "stock"} | ({"novelty"} if SMALL.choice.novelty else set())
    points = 1
    for factors in found.factors.values():
        points *= len(factors)
    assert len(found.cells) == 2 * points


def test_the_scenario_as_it_is_is_one_point_and_judged_as_a_comparison_judges(found: WhatIf) -> None:
    cells = found.cells[(found.cells[list(found.factors)] == 1).all(axis=1)].set_index("policy")
    table = compare(SMALL, CALLS, 2).table
    assert cells.sales.to_dict() == pytest.approx(table.sales.to_dict())
    assert cells.lower["popularity"] == pytest.approx(table.difference_lower["popularity"])


def test_more_traffic_sells_more_and_is_the_same_as_a_scenario_with_more_traffic(found: WhatIf) -> None:
    alone = found.alone("traffic").set_index(["policy", "traffic"]).sales
    assert alone["uniform", 0.5] < alone["uniform", 1.0] < alone["uniform", 2.0]
    arrivals = SMALL.arrivals.model_dump() | {"per_day": 2 * SMALL.arrivals.per_day}
    busy = compare(SMALL.changed(arrivals=arrivals), ["uniform"], 2)
    assert alone["uniform", 2.0] == pytest.approx(busy.table.sales["uniform"])


GRID = WhatIf(
    {"traffic": (0.5, 1.0, 2.0)},
    pd.DataFrame(
        [
            {"traffic": factor, "policy": policy, "sales": 100 * factor + gain}
            | {"difference": gain, "lower": gain - 5, "upper": gain + 5}
            | {
                "difference_percent": gain,
                "lower_percent": gain - 5.0,
                "upper_percent": gain + 5.0,
                "verdict": "better",
            }
            for factor in (0.5, 1.0, 2.0)
            for policy, gain in (("uniform", 0.0), ("linucb", 10 * factor), ("vowpal</script>", 12.0))
        ]
    ),
    "uniform",
    5,
)


def test_the_page_carries_every_point_and_no_name_ends_its_script(tmp_path: Path) -> None:
    page = report.write(tmp_path, fixed(SIX), "launchsim compare x --what-if", turned=GRID).read_text()
    held = re.search(r'<script type="application/json" id="points">(.*?)</script>', page, re.DOTALL)
    assert held is not None
    grid = json.loads(held[1])
    assert set(grid["cells"]) == {"0.5", "1", "2"}
    assert [row["policy"] for row in grid["cells"]["2"]] == ["linucb", "vowpal</script>", "uniform"]
    assert grid["cells"]["2"][0]["gain"] == "+20.0% (+15.0 to +25.0)"
    assert grid["reach"] == [-5.0, 25.0]
    assert page.count("<script") == page.count("</script>") == 2
    assert not re.search(r"https?://(?!www\.w3\.org)", page)


def test_the_answer_says_what_the_leader_gains_at_either_end() -> None:
    first, last = turned.answer(GRID, "linucb")
    assert first == "With traffic x0.5 linucb gains +5.0% over uniform, with x2 +20.0%."
    assert last == "linucb sells the most at 1 of the 3 points of the grid."


def test_every_setting_has_a_panel_wide_and_narrow() -> None:
    for width in (14.4, 4.3):
        assert [axes.get_xlabel() for axes in turned.picture(GRID, width)[1]] == ["traffic (visits)"]
