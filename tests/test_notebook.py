"""What a notebook shows of a result."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from matplotlib.figure import Figure
from shop import SIX, fixed

from benchmarks.notebook import figures, html
from policies.policy import PolicyError


def test_a_comparison_shows_its_answer_and_a_row_a_policy() -> None:
    found = fixed(SIX)
    shown = found._repr_html_()
    assert re.search(r"<p>.*linucb.*more than.*uniform", shown)
    assert all(f"<th>{policy}</th>" in shown for policy in found.table.index)
    assert "difference_lower" in shown
    assert "regret_lower" not in shown


def test_text_of_somebody_elses_is_escaped() -> None:
    shown = html(["<script>x</script>"], pd.DataFrame({"<b>": ["<i>tea</i>"]}))
    assert "<script>" not in shown
    assert "<i>" not in shown
    assert "&lt;b&gt;" in shown


def test_long_tables_say_what_is_left_out() -> None:
    shown = html([], pd.DataFrame({"x": range(50)}))
    assert "and 20 more rows" in shown
    assert shown.count("<tr") == 31


@pytest.mark.parametrize(("value", "shown"), [(0.012341, "0.01234"), (45.6, "45.6"), (12345.6, "12,346"), (3.0, "3")])
def test_numbers_have_four_figures(value: float, shown: str) -> None:
    assert figures(value) == shown


@pytest.mark.parametrize("name", ["gain", "verdicts", "sales", "regret", "season"])
def test_a_picture_is_drawn_into_axes_of_ones_own_or_on_its_own_figure(name: str) -> None:
    found = fixed(SIX)
    mine = Figure()
    left, right = mine.subplots(1, 2)
    assert found.draw(name, right) == (mine, right)
    assert not left.has_data()
    assert right.has_data()
    figure, axes = found.draw(name)
    assert figure is not mine
    assert axes.get_title(loc="left") != "" != right.get_title()


def test_an_unknown_picture_is_refused_with_those_there_are() -> None:
    with pytest.raises(PolicyError, match="must be one of gain, verdicts, sales, regret, season, got 'pie'"):
        fixed(SIX).draw("pie")
