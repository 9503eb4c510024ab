"""The page of a search: what was found and how it was judged, each trial drawn by order and by setting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from benchmarks.pages import page
from benchmarks.pages.figures import STYLE, panels
from benchmarks.pages.labels import head, thousands
from benchmarks.pages.palette import QUIET
from benchmarks.tuning.space import Choice
from benchmarks.tuning.tune import Tuned

_TRIAL, _BEST, _DEFAULT = "#56B4E9", "#D55E00", "#222222"
_ACROSS = 3  # panels side by side
_SHOWN = 20  # trials in the table
_WIDTH, _HEIGHT = 4.6, 3.6  # inches, of a panel


def write(folder: str | Path, tuned: Tuned) -> Path:
    """`index.html`, which needs no other file, and its picture as files, into the folder; answers the path."""
    folder = Path(folder)
    drawn = {"tuning": picture(tuned)[0], "tuning_narrow": picture(tuned, across=1)[0]}
    best = tuned.trials[tuned.trials.value.notna()].sort_values("value", ascending=False, kind="stable")
    return page.write(
        folder,
        "tuning.html",
        tuned=tuned,
        answer=answer(tuned),
        settings=list(tuned.space),
        trials=best.head(_SHOWN),
        tried=len(tuned.trials),
        addresses={name: page.write_figure(folder, name, figure) for name, figure in drawn.items()},
        told={"tuning": f"Value of each trial in order and by setting. {' '.join(answer(tuned))}"},
    )


def answer(tuned: Tuned) -> list[str]:
    """What was found, the finding first, in plain sentences."""
    part, unit = f"{len(tuned.judging)} {tuned.part} that the search never saw", tuned.unit
    if tuned.best == tuned.default:
        return [f"Keep {tuned.default}: none of {len(tuned.trials)} trials did better."]
    found = tuned.difference
    between = f"95% interval {found.lower:+,.4g} to {found.upper:+,.4g}"
    if tuned.refusal:
        return [f"{tuned.best} did best in the search, but cannot be judged.", tuned.refusal]
    gain = f"{found.mean:+,.4g} {unit} against {tuned.default} on {part}, {between}"
    first = {
        "better": f"{tuned.best} is better: {gain}.",
        "worse": f"Keep {tuned.default}: {tuned.best} did best in the search and is worse where it was judged: {gain}.",
    }
    return [first.get(found.verdict, f"We cannot tell whether {tuned.best} is better than the default: {gain}.")]


def picture(tuned: Tuned, across: int = _ACROSS, axes: Sequence[Axes] | None = None) -> tuple[Figure, list[Axes]]:
    """A panel of trials in order, and one a setting; so many beside each other on a figure of its own."""
    settings = list(tuned.space)
    across = min(across, len(settings) + 1)
    down = -(-(len(settings) + 1) // across)
    with rc_context(STYLE | {"axes.titlesize": 11.5}):
        shape = (down, across) if axes is None else (1, len(settings) + 1)
        figure, places = panels(axes, shape, (_WIDTH * across, _HEIGHT * down))
        order, *others = places
        _draw_order(order, tuned)
        for setting, place in zip(settings, others, strict=False):
            _draw_setting(place, tuned, setting)
        for place in others[len(settings) :]:
            place.set_axis_off()
        return figure, places[: len(settings) + 1]


def _draw_order(axes: Axes, tuned: Tuned) -> None:
    values = tuned.trials.value.to_numpy(float)
    axes.plot(values, "o", color=_TRIAL, markersize=5)
    axes.step(np.arange(len(values)), np.fmax.accumulate(values), where="post", color=_BEST, linewidth=1.5)
    _mark(axes, tuned, int(np.nanargmax(values)), None)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial")
    axes.set_ylabel(f"{tuned.unit}, mean of {len(tuned.tuning)} {tuned.part}")
    head(axes, f"Best of {len(values)} trials", "line: best so far; dashes: default")


def _draw_setting(axes: Axes, tuned: Tuned, setting: str) -> None:
    dimension = tuned.space[setting]
    drawn = tuned.trials[setting]
    default = drawn.iloc[0]
    if isinstance(dimension, Choice):
        places = {value: place for place, value in enumerate(dimension.values)}
        drawn, default = drawn.map(places), places.get(default)
        axes.set_xticks(range(len(places)), [value.strip("'\"") for value in places])
        axes.set_xlim(-0.5, len(places) - 0.5)
        axes.grid(visible=False, axis="x")
    elif dimension.log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.plot(drawn, tuned.trials.value, "o", color=_TRIAL, markersize=5)
    best = float(drawn.iloc[int(np.nanargmax(tuned.trials.value))])
    _mark(axes, tuned, best, default if isinstance(default, (int, float)) else None)
    axes.set_xlabel(setting)
    head(axes, setting, "star: best trial; diamond and dashes: default")


def _mark(axes: Axes, tuned: Tuned, best: float, default: Any) -> None:
    """The best trial as a star; the default's value as a line, and as a diamond where its setting has a number."""
    axes.axhline(tuned.default_value, color=QUIET, linewidth=1.2, linestyle="--")
    if default is not None:
        axes.plot(default, tuned.default_value, "D", color=_DEFAULT, markersize=7)
    axes.plot(best, tuned.best_value, "*", color=_BEST, markersize=15)
    if tuned.best_value >= 1_000:
        axes.yaxis.set_major_formatter(thousands)
