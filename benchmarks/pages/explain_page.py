"""The page of an explanation: what moves a policy's choices, what it believes of each product, drawn and told."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from benchmarks.explain import Explanation
from benchmarks.pages.figures import NARROW, STYLE, WIDTH, panel, panels, rendered
from benchmarks.pages.labels import head
from benchmarks.pages.page import template, typed, versions
from benchmarks.pages.palette import INK, QUIET
from benchmarks.pages.plots import UNITS
from policies.policy import Floats

_OF = {"visitor": "#0072B2", "product": "#D55E00"}
_WHISKER = {
    "ecolor": INK,
    "elinewidth": 1.8,
    "capsize": 3.5,
    "path_effects": [withStroke(linewidth=4, foreground="white")],
}
_MOST_CELLS = 40  # rows or columns of the picture of coefficients
_UNSURE = "#4d4d4d"  # enough ink to be read on white
_NARROW_NAME = 14  # characters of a line of a feature's name on a phone
_COLUMN = 18  # of a line of it below the grid
_NAMED = 3  # features that the first sentence names


def write(folder: str | Path, found: Explanation) -> Path:
    """Write the tables (CSV), figures (PNG, SVG) and `index.html`, which needs no other file, into the folder.

    Returns:
        The page's path.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found.importance.to_csv(folder / "importance.csv", index=False)
    if len(found.coefficients):
        found.coefficients.to_csv(folder / "coefficients.csv", index=False)
    drawn = pictures(found) | {f"{name}_narrow": figure for name, figure in pictures(found, narrow=True).items()}
    images = {name: _kept(figure, folder / name) for name, figure in drawn.items()}
    page = folder / "index.html"
    page.write_text(_html(found, images), encoding="utf-8")
    return page


def answer(found: Explanation) -> list[str]:
    """What moves the policy's choices, in plain sentences, the finding first."""
    moving = found.importance[found.importance.changed > 0]
    if moving.empty:
        return [f"{found.policy} chooses the same whatever the visitor or the product looks like."]
    first = moving.head(_NAMED)
    named = [f"{row.feature} of the {row.of} ({row.changed:.0%})" for row in first.itertuples()]
    sentences = [f"{found.policy} goes by {', '.join(named)}: so many of its choices are others if that is shuffled."]
    dearest = moving.iloc[int(np.argmax(moving.lost))]
    if dearest.lost_lower > 0 and found.expected > 0:
        share = dearest.lost / found.expected
        sentences.append(
            f"With {dearest.feature} of the {dearest.of} mixed up it would lose {share:.0%} of its reward."
        )
    unused = found.importance[found.importance.changed == 0].feature.to_list()
    if unused:
        sentences.append(f"It makes no use of {', '.join(unused)}.")
    return sentences


def pictures(found: Explanation, narrow: bool = False) -> dict[str, Figure]:
    """What there is to draw, by name; narrow: panels below each other, and the grid without its numbers."""
    drawn = {"importance": importance(found, narrow=narrow)[0]}
    if len(found.coefficients):
        drawn["coefficients"] = coefficients(found, narrow=narrow)[0]
    return drawn


def importance(
    found: Explanation, axes: Sequence[Axes] | None = None, narrow: bool = False
) -> tuple[Figure, list[Axes]]:
    """Two panels of bars by feature: choices that change where it is shuffled, and the reward that is lost."""
    table = found.importance[::-1]
    if narrow:
        table = table.assign(feature=[_folded(name) for name in table.feature])
    lines = sum(1 + name.count("\n") for name in table.feature)
    height = 0.32 * len(table) + 0.1 * (lines - len(table)) + 1.9
    with rc_context(STYLE):
        size = (NARROW["width"], 2 * height) if narrow else (10.5, height)
        figure, places = panels(axes, (2, 1) if narrow else (1, 2), size, sharey=not narrow)
        _draw_importance(places[0], places[1], found, table, narrow)
        return figure, places


def _folded(name: str) -> str:
    """A feature's name for a phone: what it is in brackets on a line of its own."""
    first, bracket, rest = name.partition(" (")
    return f"{first}\n({rest}" if bracket else textwrap.fill(name, _NARROW_NAME)


def _draw_importance(left: Axes, right: Axes, found: Explanation, table: pd.DataFrame, narrow: bool) -> None:
    colours = [_OF[of] for of in table.of]
    left.barh(table.feature, 100 * table.changed, color=colours)
    head(
        left,
        "Choices that change",
        "% of choices that are others if a feature is shuffled",
        share=0.75 if narrow else 1.0,
    )
    scale = 100 / found.expected if found.expected > 0 else 1.0
    errors = scale * np.array([table.lost - table.lost_lower, table.lost_upper - table.lost])
    right.barh(table.feature, scale * table.lost, color=colours, xerr=errors, error_kw=_WHISKER)
    right.axvline(0, color=QUIET, linewidth=1)
    lost = "% of the expected reward" if found.expected > 0 else "expected reward a decision"
    head(right, "Reward that is lost", f"{lost}, under the truth, with 95% interval", share=0.75 if narrow else 1.0)
    for axes in (left, right):
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    for of, colour in _OF.items():
        left.barh(table.feature.iloc[:1], [0], color=colour, label=f"of the {of}")
    left.legend(loc="lower right", frameon=False)


def coefficients(found: Explanation, axes: Axes | None = None, narrow: bool = False) -> tuple[Figure, Axes]:
    """A row a product, a column a feature; told where the interval leaves out 0, in colours alone where narrow."""
    table = found.coefficients
    if (own := table[table["product"] != "all products"]).size:
        table = own
    values, sure = _grid(table, "coefficient"), _grid(table.assign(sure=table.lower * table.upper > 0), "sure")
    values, sure = values.iloc[:_MOST_CELLS, :_MOST_CELLS], sure.iloc[:_MOST_CELLS, :_MOST_CELLS]
    reach = float(np.nanmax(np.abs(values.to_numpy()[sure.to_numpy()]), initial=1e-9))
    unit = UNITS.get(found.scenario.reward, "reward")
    with rc_context(STYLE):
        wide = max(WIDTH, 0.8 * len(values.columns) + 3.6)
        figure, axes = panel(axes, (NARROW["width"] if narrow else wide, (0.27 if narrow else 0.34) * len(values) + 3))
        norm = TwoSlopeNorm(0, -1.3 * reach, 1.3 * reach)
        axes.imshow(values.where(sure, 0.0), cmap="PuOr_r", norm=norm, aspect="auto")
        axes.set_xticks(range(len(values.columns)), [textwrap.fill(name, _COLUMN) for name in values.columns])
        axes.set_yticks(
            range(len(values)),
            [textwrap.shorten(name, 17, placeholder="…") for name in values.index] if narrow else values.index,
        )
        axes.tick_params(length=0)
        axes.grid(visible=False)
        if narrow:
            axes.tick_params(axis="x", rotation=90, labelsize=8.5)
            axes.tick_params(axis="y", labelsize=8.5)
            head(axes, "What it believes of each product", _shades(reach, unit), share=0.75)
            return figure, axes
        if len(values.columns) > 6:
            axes.tick_params(axis="x", rotation=30)
        _tell(axes, values.to_numpy(float), sure.to_numpy(bool), reach)
        head(axes, "What it believes of each product", f"{unit} a decision a unit of the feature; grey: could be 0")
        return figure, axes


def _shades(reach: float, unit: str) -> str:
    return f"orange: more, purple: less {unit}, {reach:.2g} at most a unit of the feature; white: could be 0"


def _grid(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Products by features, in the order of the table."""
    grid = table.pivot(index="product", columns="feature", values=column)
    return grid.loc[table["product"].unique(), table["feature"].unique()]


def _tell(axes: Axes, values: Floats, sure: Any, reach: float) -> None:
    digits = max(0, 1 - int(np.floor(np.log10(reach))))
    for (row, column), value in np.ndenumerate(values):
        colour = _UNSURE if not sure[row, column] else "white" if abs(value) > 0.8 * reach else "#222222"
        weight = "bold" if sure[row, column] else "normal"
        text = f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9, weight=weight)


def _kept(figure: Figure, path: Path) -> str:
    """Write a picture as PNG and SVG; answer the PNG as a data address."""
    content = rendered(figure)
    for kind, written in content.items():
        path.with_suffix(f".{kind}").write_bytes(written)
    return f"data:image/png;base64,{base64.b64encode(content['png']).decode()}"


def _told(found: Explanation) -> dict[str, str]:
    """What the pictures show, for who does not see them."""
    beliefs = "Coefficients of a linear model, a row a product, a column a feature; the table below has them all."
    return {"importance": " ".join(answer(found)), "coefficients": beliefs}


def _html(found: Explanation, images: dict[str, str]) -> str:
    filters = {"figures": lambda value: f"{value:.3g}", "percent": lambda value: f"{value:.1%}"}
    return template("explanation.html", **filters).render(
        found=found, answer=answer(found), addresses=images, told=_told(found), versions=versions(), command=typed()
    )
