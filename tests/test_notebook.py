"""What a notebook shows of a result."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pkgutil import iter_modules

import pandas as pd
import pytest
from matplotlib.figure import Figure
from seasons import season
from shop import SIX, fixed

from benchmarks import pages
from benchmarks.explain import Explanation
from benchmarks.notebook import figures, html
from benchmarks.pages import explain_page
from policies.policy import PolicyError

IMPORTANCE = pd.DataFrame(
    {"feature": ["price"], "of": ["product"], "changed": [0.4], "lost": [0.1], "lost_lower": [0.0], "lost_upper": [0.2]}
)
EXPLAINED = Explanation("linucb", season(), 0, 10, 0.5, IMPORTANCE, pd.DataFrame())


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


def test_every_function_that_makes_a_picture_takes_axes_and_answers_the_figure_and_them() -> None:
    made = []
    for module in (import_module(f"benchmarks.pages.{each.name}") for each in iter_modules(pages.__path__)):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            answers = str(function.__annotations__.get("return"))
            if function.__module__ != module.__name__ or name.startswith("_") or "Figure" not in answers:
                continue
            made.append(f"{module.__name__.rpartition('.')[2]}.{name}")
            if name not in ("figure", "overview", "pictures", "owner"):  # what makes, finds or gathers figures
                assert "axes" in inspect.signature(function).parameters, name
                assert answers in ("tuple[Figure, Axes]", "tuple[Figure, list[Axes]]"), name
    assert {"sensitivity_page.tornado", "products.ribbons", "backtest_page.picture", "season.plan"} <= set(made)


def test_panels_are_drawn_into_axes_of_ones_own() -> None:
    mine = Figure()
    above, *below = mine.subplots(3, 1)
    assert explain_page.importance(EXPLAINED, below) == (mine, below)
    assert not above.has_data()
    assert all(axes.has_data() for axes in below)


def test_an_unknown_picture_is_refused_with_those_there_are() -> None:
    with pytest.raises(PolicyError, match="must be one of gain, verdicts, sales, regret, season, got 'pie'"):
        fixed(SIX).draw("pie")
