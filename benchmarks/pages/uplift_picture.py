"""What one contender has more than each rival, with intervals and verdicts."""

from __future__ import annotations

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks.pages.plots import QUIET, STYLE, head

UNITS = {"units": "pieces", "revenue": "revenue", "margin": "margin"}
_COLOURS = {"better": "#009E73", "worse": "#D55E00", "discuss": "#E69F00"}


def draw(uplift: pd.DataFrame, measure: str, what: str, seasons: int) -> Figure:
    """A line a rival.

    Args:
        uplift: as `planning.uplift.against` answers.
        measure: which of its kinds.
        what: whose uplift that is, as the title shall say.
        seasons: in which they were played.
    """
    rows = uplift[uplift["measure"] == measure][::-1].reset_index(drop=True)
    with rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure = Figure(figsize=(8.5, 1.8 + 0.5 * len(rows)), layout="constrained")
        axes: Axes = figure.subplots()
        for place, (_, row) in enumerate(rows.iterrows()):
            colour = _COLOURS.get(row["verdict"], QUIET)
            axes.plot([row["lower"], row["upper"]], [place, place], color=colour, linewidth=3)
            axes.plot(row["difference"], place, "o", color=colour, markersize=8)
            axes.annotate(
                row["verdict"],
                (row["upper"], place),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                color=colour,
            )
        axes.axvline(0, color=QUIET, linewidth=1.2)
        axes.set_yticks(range(len(rows)), [f"against {name}" for name in rows["against"]])
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+,.0f}" if value else "0")
        axes.set_xlabel(f"{UNITS[measure]} more in a season")
        axes.margins(x=0.18, y=0.2)
        head(axes, f"What {what} has more: {UNITS[measure]}", f"same {seasons} seasons, 95% intervals")
        return figure
