"""Pictures: names at the ends of lines do not meet, a policy keeps its colour, matplotlib's own settings stay."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.optimize import isotonic_regression
from shop import DAYS, SIX, fixed

from benchmarks.pages import figures, labels, palette, plots

CLOSE = {
    name: [100.0 + k + s for s in (0, 1, 5, 3, 2)] for k, name in enumerate([*SIX, "popularity", "mine:Best(x=1)"])
}


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12), st.floats(0.1, 20))
def test_names_are_a_gap_apart_in_the_order_of_the_lines_and_moved_no_more_than_needed(
    ends: list[float], gap: float
) -> None:
    moved = labels.spread(np.array(ends), gap)
    order = np.argsort(ends, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9).all()
    ranks = np.arange(len(ends)) * gap
    expected = isotonic_regression(np.array(ends)[order] - ranks).x + ranks
    np.testing.assert_allclose(moved[order], expected, atol=1e-9)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12), st.data())
def test_names_of_any_size_stay_within_the_axes_where_there_is_room(ends: list[float], data: st.DataObject) -> None:
    sizes = np.array(data.draw(st.lists(st.floats(0.1, 9), min_size=len(ends), max_size=len(ends))))
    moved = labels.spread(np.array(ends), sizes, -100, 100)  # 12 of 9 at most: there is room
    order = np.argsort(ends, kind="stable")
    assert (np.diff(moved[order]) >= (sizes[order][1:] + sizes[order][:-1]) / 2 - 1e-9).all()
    assert moved.min() >= -100 - 1e-9
    assert moved.max() <= 100 + 1e-9


@pytest.mark.parametrize("draw", [plots.draw_sales, plots.draw_gain, plots.draw_regret])
def test_no_name_covers_another(draw: plots.Draw) -> None:
    picture = figures.figure(draw, fixed(CLOSE))
    figures.render(picture, "png")
    names = [text for text in picture.axes[0].texts if text.get_text() in CLOSE]
    boxes = sorted((Text.get_window_extent(name) for name in names), key=lambda box: box.y0)
    assert len(boxes) >= len(CLOSE) - 1
    for below, above in pairwise(boxes):
        assert above.y0 >= below.y0 + 0.75 * below.height


def test_everything_drawn_lies_within_the_picture() -> None:
    for draw in plots.pictures(fixed(CLOSE)).values():
        picture = figures.figure(draw, fixed(CLOSE))
        figures.render(picture, "png")
        box = picture.axes[0].get_tightbbox()
        assert box.x0 >= 0
        assert box.x1 <= picture.bbox.width
        assert box.y1 <= picture.bbox.height


def test_a_policy_keeps_its_colour_and_no_two_share_one() -> None:
    here = palette.colours(["linucb", "oracle", "linucb(alpha=0.5)", "a:B", "c:D"])
    there = palette.colours(["vowpal", "linucb"])
    assert here["linucb"] == there["linucb"]
    assert len(set(here.values())) == 5


def test_curves_end_where_the_table_says() -> None:
    found = fixed(SIX)
    axes = figures.figure(plots.draw_gain, found).axes[0]
    ends = sorted(line.get_ydata()[-1] for line in axes.lines if len(line.get_xdata()) == DAYS + 1)
    assert ends == pytest.approx(sorted(found.table.difference.drop("uniform")))


def test_the_oracle_is_dashed_and_alone_in_that() -> None:
    axes = figures.figure(plots.draw_sales, fixed(SIX)).axes[0]
    assert [line.get_linestyle() for line in axes.lines if len(line.get_xdata()) == DAYS + 1].count("--") == 1


def test_verdicts_stand_beside_their_policy_in_words() -> None:
    axes = figures.figure(plots.draw_verdicts, fixed(SIX)).axes[0]
    words = " / ".join(text.get_text() for text in axes.texts)
    assert "+20 (+20.0%): better" in words
    assert "cannot tell" in words
    one = fixed({policy: seasons[:1] for policy, seasons in SIX.items()})
    assert "one season" in " / ".join(
        text.get_text() for text in figures.figure(plots.draw_verdicts, one).axes[0].texts
    )


def test_axes_have_units() -> None:
    for name, draw in plots.pictures(fixed(SIX)).items():
        axes = figures.figure(draw, fixed(SIX)).axes[0]
        assert "units" in (axes.get_xlabel() if name == "verdicts" else axes.get_ylabel())
        assert "days" in axes.get_xlabel() or name == "verdicts"


def test_one_policy_alone_has_pictures_too() -> None:
    alone = fixed({"uniform": SIX["uniform"]})
    assert isinstance(alone.plot(), Figure)
    assert list(plots.pictures(alone)) == ["sales", "regret"]


def test_the_same_picture_is_the_same_bytes() -> None:
    once, again = (figures.render(figures.figure(plots.draw_sales, fixed(SIX)), "svg") for _ in range(2))
    assert once == again


def test_matplotlib_is_left_as_it_was() -> None:
    before = dict(mpl.rcParams)
    figures.render(fixed(SIX).plot(), "png")
    assert dict(mpl.rcParams) == before


def test_pyplot_is_never_imported() -> None:
    code = "import sys, benchmarks.pages.plots, benchmarks.pages.report; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_days_and_units_have_ticks_at_whole_numbers_only() -> None:
    few = {policy: [value / 50 for value in seasons] for policy, seasons in SIX.items()}
    axes = figures.figure(plots.draw_sales, fixed(few)).axes[0]
    for axis in (axes.xaxis, axes.yaxis):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        assert len(labels) == len(set(labels))
        assert all(float(place).is_integer() for place in axis.get_ticklocs())


def test_a_dollar_in_a_title_is_a_dollar() -> None:
    picture = figures.figure(lambda axes, title: axes.set_title(title) and None, "Gift card $25 & $50")
    assert not picture.axes[0].title.get_parse_math()
    figures.render(picture, "png")


def test_characters_without_a_glyph_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    figures._told.clear()
    for _ in range(2):
        figures.render(figures.figure(lambda axes, title: axes.set_title(title) and None, "tea \U000130b8"), "png")
    assert capsys.readouterr().err.count("no font here has them") == 1


def test_a_narrow_picture_holds_all_that_it_draws_whatever_policies_are_called() -> None:
    long = SIX | {"my_package.my_module:MyVeryOwnPolicy": SIX["vowpal"]}
    for draw in plots.pictures(fixed(long)).values():
        picture = figures.figure(draw, fixed(long), **figures.NARROW)
        figures.render(picture, "png")
        box = picture.axes[0].get_tightbbox()
        assert box.x0 >= 0
        assert box.x1 <= picture.bbox.width
        assert picture.axes[0].get_window_extent().width > 0.4 * picture.bbox.width


@pytest.mark.filterwarnings("error")  # as of axes without any room left
@pytest.mark.parametrize("size", [(2.0, 1.5), (3.0, 1.5), (2.0, 4.0)])
@pytest.mark.parametrize("name", ["gain", "verdicts", "sales", "regret", "season"])
def test_a_tiny_picture_keeps_its_labels_within_it_and_leaves_room_for_what_is_drawn(
    name: str, size: tuple[float, float]
) -> None:
    found = fixed(SIX | {"my_package.my_module:MyVeryOwnPolicy": SIX["vowpal"], "linear_thompson": SIX["linucb"]})
    mine = Figure(figsize=size, layout="constrained")
    found.draw(name, mine.subplots())
    mine.draw_without_rendering()
    box = mine.axes[0].get_tightbbox()
    assert min(box.x0, box.y0) >= 0
    assert box.x1 <= mine.bbox.width
    assert box.y1 <= mine.bbox.height
    assert mine.axes[0].get_window_extent().width > 0.3 * mine.bbox.width


@pytest.mark.parametrize("size", [(figures.WIDTH, 4.4), (figures.NARROW["width"], 2.0)])
def test_a_picture_as_broad_as_a_phone_has_letters_of_the_usual_size(size: tuple[float, float]) -> None:
    axes = figures.figure(plots.draw_gain, fixed(SIX), *size).axes[0]
    assert {text.get_fontsize() for text in axes.texts if text.get_text()} == {figures.STYLE["font.size"]}


def test_a_long_name_takes_two_lines_and_leaves_the_picture_its_room() -> None:
    long = SIX | {"my_package.my_module:MyVeryOwnPolicy": SIX["vowpal"]}
    picture = figures.figure(plots.draw_verdicts, fixed(long))
    figures.render(picture, "png")
    names = [label.get_text() for label in picture.axes[0].get_yticklabels()]
    assert max(len(line) for name in names for line in name.split("\n")) <= 20
    assert picture.axes[0].get_window_extent().width > 0.2 * picture.bbox.width


def test_a_name_is_broken_after_a_bracket_or_a_dot_and_never_within_a_word() -> None:
    calls = ["neural_ensemble(members=3)", "shop_rules.py:NewestFirst_1", "linucb"]
    found = fixed(dict.fromkeys(calls, SIX["vowpal"]) | {"uniform": SIX["uniform"]})
    names = [label.get_text() for label in figures.figure(plots.draw_verdicts, found).axes[0].get_yticklabels()]
    assert sorted(names) == ["linucb", "neural_ensemble(\nmembers=3)", "shop_rules.py:\nNewestFirst_1"]


def test_axes_of_somebodys_must_be_as_many_as_there_are_panels() -> None:
    with pytest.raises(ValueError, match="at least 3, one a panel, got 1"):
        figures.panels([Figure().subplots()], (1, 3), (4, 4))


def test_no_two_policies_have_the_same_colour() -> None:
    calls = [f"linucb(alpha={alpha})" for alpha in range(40)]
    assert len(set(palette.colours(calls).values())) == 40


def test_a_logarithmic_axis_within_one_power_of_ten_is_labelled_at_whole_powers_alone() -> None:
    figure = Figure()
    axes = figure.add_subplot()
    labels.decades(axes, [0, 350, 900, np.nan])
    figure.draw_without_rendering()
    minor = [label.get_text() for label in axes.get_yticklabels(minor=True)]
    major = [label.get_text() for label in axes.get_yticklabels()]
    assert set(minor) <= {""}
    assert {"100", "1,000"} <= set(major)


def test_one_interval_from_0_to_1_does_not_flatten_all_others() -> None:
    low, high = labels.window([0.10, 0.11, 0.5], [0.09, 0.10, 0.0], [0.11, 0.12, 1.0])
    assert 0.0 < low < 0.09
    assert 0.5 < high < 0.6  # the value of the broad one is there, its ends are not
    assert labels.window([0.1], [np.nan], [np.nan])[0] < 0.1 < labels.window([0.1], [np.nan], [np.nan])[1]
