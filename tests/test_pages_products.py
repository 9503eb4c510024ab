"""Pictures of products: every policy has its ribbon, and every product that is shown has a place in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from shop import DAYS, SIX, fixed

from benchmarks.compared import Comparison
from benchmarks.pages import products

NOTHING = {"chosen": 0, "sold": 0, "lost": 0, "launched": 0, "run_out": 0}
LAUNCHES = (0, 2, 5)


@pytest.fixture
def comparison() -> Comparison:
    """Every product that is there is shown as often as each other one."""
    rows = [
        NOTHING
        | {"policy": policy, "seed": seed, "day": day, "product": k, "chosen": 5}
        | {"launched": int(day == start + 1)}
        for policy in SIX
        for seed in range(6)
        for day in range(1, DAYS + 1)
        for k, start in enumerate(LAUNCHES)
        if day > start
    ]
    return replace(fixed(SIX), products=pd.DataFrame(rows))


def names(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("width", [7.2, 4.3])
def test_every_policy_has_a_ribbon_and_every_product_a_name(comparison: Comparison, width: float) -> None:
    figure, _ = products.ribbons(comparison, width)
    assert len(figure.axes) == len(SIX)
    assert names(figure) == ["Coffee & Co", "Mate", "Tea"]


@pytest.mark.parametrize("width", [7.2, 4.3])
def test_title_and_subtitle_of_low_ribbons_stand_one_above_the_other(comparison: Comparison, width: float) -> None:
    figure, places = products.ribbons(comparison, width)
    figure.draw_without_rendering()
    (subtitle,) = (text for text in places[0].texts if text.get_text().startswith("% of what is shown"))
    title = places[0].title if places[0].get_title() else places[0]._left_title
    assert title.get_window_extent().y0 >= subtitle.get_window_extent().y1 - 1


def test_ribbons_fill_the_whole_of_every_day(comparison: Comparison) -> None:
    for axes in products.ribbons(comparison, 7.2)[1]:
        top = axes.collections[-1].get_paths()[0].vertices
        assert np.asarray(top)[:, 1].max() == pytest.approx(100)


def test_products_without_a_colour_of_their_own_are_told_as_others(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_NAMED", 1)
    assert names(products.ribbons(comparison, 7.2)[0]) == ["2 others", "Tea"]


def test_sales_since_launch_are_drawn_only_where_a_launch_can_be_followed(comparison: Comparison) -> None:
    assert products.launches_early(comparison)
    assert comparison.products is not None
    late = comparison.products.assign(launched=0)
    assert not products.launches_early(replace(comparison, products=late))
