"""The page of a launch plan: product by product, and what the plan is worth beside others."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from benchmarks.pages import page, uplift_picture
from benchmarks.pages.figures import NARROW, STYLE, panel
from benchmarks.pages.labels import begun, head, thousands
from benchmarks.planning.backtesting import LOTS, Backtest
from benchmarks.planning.launch_plan import LaunchPlan

TRIED = ("neighbours", "ridge", "boosted", "forest", "gaussian", "blend")  # cheap enough to be tried beforehand
_MOST = 40  # products drawn
_RIVALS = {
    "past order": "the order in which candidates were given",
    "most pieces first": "launching first what sells most pieces",
    "random order": "a random order",
    "searched": "the order that a search found",
    "two stages": "launching all small for a week and ranking them anew",
}
_WHY = {"discuss": ", since it may leave a larger share of what it buys over"}


def write(folder: str | Path, found: LaunchPlan, judged: Backtest | None) -> Path:
    """`plan.csv`, `plan.toml`, `uplift.csv`, `played.csv`, pictures and `index.html`; answers the page's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("plan", "uplift", "played"):
        page.write_table(folder, name, found.table if name == "plan" else getattr(found, name))
    found.scenario.write(folder / "plan.toml")
    images = uplift_picture.write(folder, found.uplift, found.measure, "the plan", found.played["seed"].nunique())
    images |= page.both(folder, {"products": partial(draw_products, found)})
    best = None
    if judged is not None:
        rows = judged.table[(judged.table["predictor"] == found.predictor) & (judged.table["days_seen"] == 0)]
        best = rows.iloc[0]
    return page.write(
        folder, "plan.html", found=found, answer=answer(found), images=images, judged=judged, best=best, lots=LOTS
    )


def answer(found: LaunchPlan) -> list[str]:
    """The finding in sentences: what goes first, and what the plan has more than each rival."""
    first = found.table.iloc[0]
    sentences = [
        f"Launch {first['title']} first: {first['predicted']:,.0f} pieces in {found.horizon} days "
        f"(90%: {first['lower90']:,.0f} to {first['upper90']:,.0f}), {first['stock']:,.0f} in stock."
    ]
    for _, row in found.uplift[found.uplift["measure"] == found.measure].iterrows():
        sentences.append(
            f"Against {_RIVALS.get(row['against'], row['against'])}: {row['difference']:+z,.0f} "
            f"{uplift_picture.UNITS[found.measure]} a season (95%: {row['lower']:+z,.0f} to {row['upper']:+z,.0f}; "
            f"{row['percent']:+z.1f}%), {row['season_lower']:+z,.0f} to {row['season_upper']:+z,.0f} in a single one: "
            f"{row['verdict']}{_WHY.get(row['verdict'], '')}."
        )
        if (row["against"], row["verdict"]) == ("two stages", "worse"):
            sentences.append(
                "So launch small and look first, unless that week itself, which is not counted, costs more."
            )
    return sentences


def draw_products(found: LaunchPlan, axes: Axes | None = None, narrow: bool = False) -> tuple[Figure, Axes]:
    """Predicted pieces with intervals, and the stock, product by product in the order of the plan."""
    table = found.table[found.table["window"] > 0].head(_MOST)[::-1]
    with rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure, axes = panel(axes, (NARROW["width"] if narrow else 9.5, (1.9 if narrow else 1.6) + 0.27 * len(table)))
        places = np.arange(len(table))
        axes.hlines(
            places, table["lower90"].clip(lower=0.5), table["upper90"].clip(lower=0.5), color="#9ecae1", linewidth=2
        )
        axes.hlines(
            places, table["lower80"].clip(lower=0.5), table["upper80"].clip(lower=0.5), color="#0072B2", linewidth=4
        )
        axes.plot(
            table["predicted"].clip(lower=0.5), places, "o", color="white", markeredgecolor="#0072B2", markersize=6
        )
        axes.plot(table["stock"].clip(lower=0.5), places, "|", color="#D55E00", markersize=11, markeredgewidth=2.2)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if narrow else (1.0, 3.0)))
        axes.xaxis.set_major_formatter(thousands)
        axes.xaxis.set_minor_formatter(NullFormatter())
        most = 16 if narrow else 38
        rows = zip(table["title"], table["window"], strict=True)
        labels = [f"{begun(str(title), most)}  ·  {window}" for title, window in rows]
        axes.set_yticks(places, labels, fontsize=8.5)
        axes.set_xlabel(f"pieces in {found.horizon} days (logarithmic)")
        head(
            axes,
            "What each launch is predicted to sell",
            "dot: median; bars: 80% and 90%; orange: stock; number: window",
            share=0.75,
        )
        return figure, axes
