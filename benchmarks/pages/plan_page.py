"""The page of a launch plan: product by product, and what the plan is worth beside others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.pages import page
from benchmarks.pages.plots import QUIET, STYLE, head, thousands
from benchmarks.planning.backtesting import LOTS, Backtest
from benchmarks.planning.launch_plan import LaunchPlan

TRIED = ("ridge", "boosted", "forest", "gaussian", "blend")  # predictors that are cheap enough to be tried beforehand
_MOST = 40  # products drawn
_UNITS = {"units": "pieces", "revenue": "revenue", "margin": "margin"}
_COLOURS = {"better": "#009E73", "worse": "#D55E00", "discuss": "#E69F00"}


def write(folder: str | Path, found: LaunchPlan, judged: Backtest | None) -> Path:
    """`plan.csv`, `plan.toml`, `uplift.csv`, `played.csv`, pictures and `index.html`; answers the page's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("plan", "uplift", "played"):
        page.write_table(folder, name, found.table if name == "plan" else getattr(found, name))
    found.scenario.write(folder / "plan.toml")
    images = {
        "products": page.write_figure(folder, "products", draw_products(found)),
        "uplift": page.write_figure(folder, "uplift", draw_uplift(found)),
    }
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
            f"Against {row['against']}: {row['difference']:+,.0f} {_UNITS[found.measure]} "
            f"({row['lower']:+,.0f} to {row['upper']:+,.0f}; {row['percent']:+.1f}%): {row['verdict']}."
        )
    return sentences


def draw_products(found: LaunchPlan) -> Figure:
    """Predicted pieces with intervals, and the stock, product by product in the order of the plan."""
    table = found.table[found.table["window"] > 0].head(_MOST)[::-1]
    with rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure = Figure(figsize=(9.5, 1.6 + 0.27 * len(table)), layout="constrained")
        axes = figure.subplots()
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
        axes.xaxis.set_major_formatter(thousands)
        labels = [
            f"{str(title)[:38]}  ·  {window}" for title, window in zip(table["title"], table["window"], strict=True)
        ]
        axes.set_yticks(places, labels, fontsize=8.5)
        axes.set_xlabel(f"pieces in {found.horizon} days (logarithmic)")
        head(
            axes,
            "What each launch is predicted to sell",
            "dot: median; bars: 80% and 90%; orange: stock; number: window",
        )
        return figure


def draw_uplift(found: LaunchPlan) -> Figure:
    """What the plan has more than each rival, in percent, with intervals."""
    rows = found.uplift[found.uplift["measure"] == found.measure][::-1].reset_index(drop=True)
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
        axes.set_xlabel(f"{_UNITS[found.measure]} more in a season")
        axes.margins(x=0.18, y=0.2)
        n = found.played["seed"].nunique()
        head(axes, f"What the plan has more: {_UNITS[found.measure]}", f"same {n} seasons, 95% intervals")
        return figure
