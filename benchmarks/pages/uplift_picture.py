"""What one contender has more than each rival, with intervals and verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks.pages import page
from benchmarks.pages.figures import STYLE, panel
from benchmarks.pages.labels import head
from benchmarks.pages.palette import QUIET

UNITS = {"units": "pieces", "revenue": "revenue", "margin": "margin"}
_COLOURS = {"better": "#009E73", "worse": "#D55E00", "discuss": "#E69F00"}


NARROW = 4.3  # inches, on a phone
_WIDE = 8.5


def write(folder: Path, uplift: pd.DataFrame, measure: str, what: str, seasons: int) -> dict[str, str]:
    """The picture, broad and narrow, as files and as the addresses of images `uplift` and `uplift_narrow`."""
    return {
        name: page.write_figure(folder, name, draw(uplift, measure, what, seasons, width)[0])
        for name, width in (("uplift", _WIDE), ("uplift_narrow", NARROW))
    }


def draw(
    uplift: pd.DataFrame, measure: str, what: str, seasons: int, width: float = _WIDE, axes: Axes | None = None
) -> tuple[Figure, Axes]:
    """A line a rival.

    Args:
        uplift: as `planning.uplift.against` answers.
        measure: which of its kinds.
        what: whose uplift that is, as the title shall say.
        seasons: in which they were played.
        width: inches; below each line stands its rival where that is little.
        axes: of somebody's, in place of a figure of its own.
    """
    rows = uplift[uplift["measure"] == measure][::-1].reset_index(drop=True)
    with rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure, axes = panel(axes, (width, 1.8 + (0.5 if width == _WIDE else 0.7) * len(rows)))
        for place, (_, row) in enumerate(rows.iterrows()):
            colour = _COLOURS.get(row["verdict"], QUIET)
            axes.plot([row["season_lower"], row["season_upper"]], [place, place], color=colour, linewidth=1)
            axes.plot([row["lower"], row["upper"]], [place, place], color=colour, linewidth=3)
            axes.plot(row["difference"], place, "o", color=colour, markersize=8)
            _judged(axes, row, place, colour, width == _WIDE)
        axes.axvline(0, color=QUIET, linewidth=1.2)
        named(axes, [f"against {name}" for name in rows["against"]], beside=width == _WIDE)
        axes.xaxis.set_major_locator(MaxNLocator(6 if width == _WIDE else 4))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+,.0f}" if value else "0")
        axes.set_xlabel(f"{UNITS[measure]} more in a season")
        axes.margins(x=0.18, y=0.2)
        below = f"same {seasons} seasons; 95%: thick, of the mean; thin, of a season"
        head(axes, f"More with {what}: {UNITS[measure]}", below)
        return figure, axes


def _judged(axes: Axes, row: pd.Series, place: int, colour: str, beside: bool) -> None:
    """The verdict at the line's end that is farther from nought, or above it, where a phone has the room."""
    about: Any = {"textcoords": "offset points", "color": colour}
    if beside:
        below = row["upper"] < 0
        about |= {"xytext": (-8 if below else 8, 0), "ha": "right" if below else "left", "va": "center"}
        axes.annotate(row["verdict"], (row["season_lower" if below else "season_upper"], place), **about)
    else:
        about |= {"xytext": (0, 9), "ha": "right", "fontsize": 9}
        axes.annotate(row["verdict"], (1, place), xycoords=axes.get_yaxis_transform(), **about)


def named(axes: Axes, names: list[str], beside: bool) -> None:
    """Names beside the lines they belong to, from below, or above them."""
    axes.set_yticks(range(len(names)), names if beside else [""] * len(names))
    for place, name in enumerate([] if beside else names):
        axes.annotate(
            name, (0, place), (5, 9), xycoords=axes.get_yaxis_transform(), textcoords="offset points", fontsize=9
        )
