"""The page of a plan, made by hand: what is launched stands open, what waits is folded, a verdict says its reason."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.pages import plan_page, uplift_picture
from benchmarks.planning.launch_plan import LaunchPlan
from simulator.scenario import Scenario

_SEASON = {"season_lower": 40.0, "season_upper": 200.0}
_UPLIFT = {"difference": 120.0, "lower": 100.0, "upper": 140.0, "percent": 2.0, **_SEASON, "verdict": "discuss"}


@pytest.fixture
def found() -> LaunchPlan:
    good = {"launch": pd.Timestamp("2024-03-01"), "category": "mug", "price": 4.0, "cost": 2.0, "predicted": 30.0}
    bounds = {"lower80": 20.0, "upper80": 50.0, "lower90": 15.0, "upper90": 60.0}
    stock = {"stock": 40, "restock_at": 10, "stockout": 0.2, "leftovers": 5.0, "sold": 28.0, "why": "like MUG ONE"}
    return LaunchPlan(
        table=pd.DataFrame(
            [
                {"window": window, "title": title, **good, **bounds, **stock}
                for window, title in ((1, "MUG GREEN"), (0, "MUG GREY"))
            ]
        ),
        scenario=Scenario.load("spring_launch"),
        played=pd.DataFrame([{"plan": "plan", "seed": seed, "margin": 6_000.0} for seed in range(5)]),
        uplift=pd.DataFrame([{"against": "past order", "measure": "margin", **_UPLIFT}]),
        left=None,
        measure="margin",
        strands=0.02,
        predictor="ridge",
        n_learned=80,
        horizon=28,
        notes=[],
    )


def test_what_is_not_launched_is_folded_away(found: LaunchPlan, tmp_path: Path) -> None:
    shown = plan_page.write(tmp_path, found, None).read_text()
    folded = shown[shown.index("<details") : shown.index("</details>")]
    assert "1 candidate is not launched in these windows" in folded
    assert "MUG GREY" in folded
    assert "MUG GREEN" not in folded


def test_to_discuss_a_plan_is_said_with_its_reason(found: LaunchPlan) -> None:
    assert plan_page.answer(found)[1] == (
        "Against the order in which candidates were given: +120 margin a season (95%: +100 to +140; +2.0%), "
        "+40 to +200 in a single one: discuss, since it may leave a larger share of what it buys over."
    )


def test_on_a_phone_a_verdict_touches_no_axis() -> None:
    far = {"against": "two stages", "measure": "margin", "lower": -35_600.0, "difference": -8_100.0, "upper": -1_300.0}
    near = {"against": "past order", "measure": "margin", "lower": 5_000.0, "difference": 6_600.0, "upper": 8_100.0}
    far |= {"season_lower": -38_000.0, "season_upper": 15_000.0}
    near |= {"season_lower": 1_000.0, "season_upper": 12_000.0}
    uplift = pd.DataFrame([far | {"verdict": "worse"}, near | {"verdict": "better"}])
    figure, axes = uplift_picture.draw(uplift, "margin", "the plan", 20, uplift_picture.NARROW)
    figure.draw_without_rendering()
    inside = axes.get_window_extent()
    labels = [text for text in axes.texts if text.get_window_extent().y1 < inside.y1]  # the rest is a heading
    assert len(labels) == 4
    for text in labels:
        box = text.get_window_extent()
        assert box.x0 > inside.x0 + 3, text.get_text()
        assert box.x1 <= inside.x1 + 1, text.get_text()
