"""The page of a calibration: is the market like the shop, metric by metric, and what is known of each parameter."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from benchmarks.pages import page
from benchmarks.pages.figures import NARROW, STYLE, panels
from benchmarks.pages.labels import head, thousands
from benchmarks.pages.palette import INK
from envs.logs.private import private
from simulator.calibration import Calibrated

_SHOP, _MARKET, _BEFORE = INK, "#0072B2", "#E69F00"
_ACROSS = 2
_TOLD = {
    "weeks": "Weekly totals of the shop and of the market",
    "shapes": "Distributions in the shop and in the market, the least alike first",
}
_LOG = ("visits per customer", "pieces", "price", "order value", "products")  # metrics on a logarithmic axis
_WHOLE = {" by hour": "hour of the day", " by weekday": "day of the week"}  # endings of metrics, of orders or visits
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def write(folder: Path, calibrated: Calibrated, source: str, command: str) -> Path:
    """`fit.html`, `fit.json` and pictures into the folder; answers the page's path."""
    images = page.both(folder, {"weeks": partial(weeks, calibrated), "shapes": partial(shapes, calibrated)})
    with private(folder / "fit.json") as file:
        file.write(as_json(calibrated))
    written = folder / "fit.html"
    with private(written) as file:
        file.write(
            page.template("calibration.html", number=page.number, figures=page.figures).render(
                calibrated=calibrated,
                worst=worst(calibrated.fit),
                source=source,
                command=command,
                images=images,
                told=_TOLD,
                parameters=together(calibrated.parameters),
                versions=page.versions(),
            )
        )
    return written


def together(parameters: pd.DataFrame) -> list[dict[str, str]]:
    """A row a parameter, or one for neighbours of a list of which the same is known, such as the weeks of a year."""
    kind = parameters["place"].str.replace(r"\[\d+\]", "[]", regex=True) + parameters["status"] + parameters["why"]
    runs = (kind != kind.shift()).cumsum()
    return [_together(rows) for _, rows in parameters.groupby(runs, sort=False)]


def _together(rows: pd.DataFrame) -> dict[str, str]:
    first, last = rows.iloc[0], rows.iloc[-1]
    place = str(first["place"])
    if len(rows) > 1:
        place = re.sub(r"\[(\d+)\]", lambda found: f"[{found[1]} to {_number(last['place'])}]", place, count=1)
    told = {"place": place, "unit": first["unit"], "status": first["status"], "why": first["why"]}
    return told | {name: _span(rows[name]) for name in ("value", "error")}


def _number(place: str) -> str:
    return place.partition("[")[2].partition("]")[0]


def _span(values: pd.Series) -> str:
    low, high = page.figures(values.min()), page.figures(values.max())
    return low if low == high else f"{low} to {high}"


def as_json(calibrated: Calibrated) -> str:
    """The fit as a list of objects."""
    rows = calibrated.fit.astype(object).where(calibrated.fit.notna(), None).to_dict("records")
    return json.dumps(rows, indent=1)


def worst(fit: pd.DataFrame) -> pd.DataFrame:
    """The metrics, those that fail first, then those to review; the lowest score first."""
    order = fit["status"].map({"FAIL": 0, "REVIEW": 1, "PASS": 2})
    return fit.assign(order=order).sort_values(["order", "score"], kind="stable").drop(columns="order")


def told(calibrated: Calibrated) -> str:
    """The fit for a terminal, the worst first, and what every report made on it has to say."""
    rows = worst(calibrated.fit)
    width = max((len(name) for name in rows["metric"]), default=0)
    lines = [
        f"{row.status:6} {row.metric:{width}} {row.score:6.3f}  "
        f"shop {page.figures(row.observed)}, here {page.figures(row.simulated)}"
        for _, row in rows.iterrows()
    ]
    return "\n".join([*lines, *([""] if lines else []), calibrated.scenario.calibration])


def weeks(
    calibrated: Calibrated, axes: Sequence[Axes] | None = None, narrow: bool = False
) -> tuple[Figure, list[Axes]]:
    """A panel a weekly measure: the shop, the market with its band, and the same week of the year before."""
    measures = list(calibrated.series.groupby("measure", sort=False))
    with rc_context(STYLE | {"axes.titlesize": 11.5}):
        figure, places = _grid(axes, len(measures), 1 if narrow else _ACROSS, NARROW["width"] if narrow else 6.2)
        for (measure, rows), place in zip(measures, places, strict=True):
            _draw_weeks(place, str(measure), rows)
        return figure, places


def _grid(axes: Sequence[Axes] | None, n: int, across: int, width: float) -> tuple[Figure, list[Axes]]:
    """So many panels of that width; what is left of the last row of a figure of its own is blank."""
    down = -(-n // across)
    figure, places = panels(axes, (down, across) if axes is None else (1, n), (width * across, 3.3 * down))
    for place in places[n:]:
        place.set_axis_off()
    return figure, places[:n]


def _draw_weeks(axes: Axes, measure: str, rows: pd.DataFrame) -> None:
    week = rows["week"].to_numpy()
    axes.fill_between(week, rows["lower"], rows["upper"], color=_MARKET, alpha=0.2, linewidth=0)
    axes.plot(week, rows["simulated"], color=_MARKET, linewidth=1.8)
    if rows["last year"].notna().any():
        axes.plot(week, rows["last year"], color=_BEFORE, linewidth=1.2, linestyle="--")
    axes.plot(week, rows["observed"], "o", color=_SHOP, markersize=3.5)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(thousands)
    axes.set_xlabel("week from the first day")
    axes.set_ylabel(f"{measure} a week")
    held = float(((rows["lower"] <= rows["observed"]) & (rows["observed"] <= rows["upper"])).mean())
    beside = "; dashes: last year" if rows["last year"].notna().any() else ""
    head(axes, f"{measure.capitalize()}: {held:.0%} of weeks in band", f"dots: shop; line, 90% band: market{beside}")


def shapes(
    calibrated: Calibrated, axes: Sequence[Axes] | None = None, narrow: bool = False
) -> tuple[Figure, list[Axes]]:
    """A panel a distribution, the worst first: the share of the shop at or below each value, and of the market."""
    scores = calibrated.fit.set_index("metric")["score"]
    metrics = sorted(calibrated.shapes.groupby("metric", sort=False), key=lambda one: float(scores[one[0]]))
    with rc_context(STYLE | {"axes.titlesize": 11.5}):
        figure, places = _grid(axes, len(metrics), 1 if narrow else 3, NARROW["width"] if narrow else 4.4)
        for (metric, rows), place in zip(metrics, places, strict=True):
            _draw_shape(place, str(metric), rows, float(scores[metric]))
        return figure, places


def _draw_shape(axes: Axes, metric: str, rows: pd.DataFrame, score: float) -> None:
    value = rows["value"].to_numpy()
    axes.fill_between(value, rows["lower"], rows["upper"], color=_MARKET, alpha=0.25, linewidth=0, step="post")
    axes.step(value, rows["simulated"], color=_MARKET, linewidth=1.8, where="post")
    axes.step(value, rows["observed"], color=_SHOP, linewidth=1.2, where="post", linestyle=":")
    if len(np.unique(value)) == 1:  # a step of no width
        axes.plot(value[:1], rows["observed"][:1], "o", color=_SHOP)
    elif metric.startswith(_LOG) and np.min(value) > 0:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    whole = [label for ending, label in _WHOLE.items() if metric.endswith(ending)]
    if whole:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if metric.endswith(" by weekday"):
        axes.set_xticks(range(len(_WEEKDAYS)), _WEEKDAYS)
    axes.set_ylim(0, 1)
    axes.set_xlabel(whole[0] if whole else metric)
    axes.set_ylabel("share at or below")
    head(axes, f"{metric}: {score:.3f}", "dotted: shop; line: market")
