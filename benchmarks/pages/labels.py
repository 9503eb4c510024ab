"""Titles, names beside lines and numbers on axes, none of which runs into another."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator, NullFormatter

from benchmarks.pages.figures import WIDTH, breadth, scale
from benchmarks.pages.palette import QUIET, darker
from policies.policy import Floats

_LEADER = {"arrowstyle": "-", "linewidth": 0.8, "shrinkA": 1, "shrinkB": 1, "relpos": (0, 0.5)}
_ONE_LINE = 20  # characters of a policy's name beside a picture on a desk
_SHORT = 16  # the same in a narrow picture
LETTER = 0.085  # inches that a letter is broad, about
_FLATTENING = 6  # times the median width: such an interval is cut off, with an arrowhead


def spread(heights: Floats, sizes: float | Floats, low: float = -np.inf, high: float = np.inf) -> Floats:
    """Heights moved as little as possible so that things of these sizes do not meet, their order kept.

    Isotonic regression by pooling adjacent violators on heights - what stands below (least squares), clipped so that
    all stand from `low` to `high` where there is room.
    """
    order = np.argsort(heights, kind="stable")
    size = np.broadcast_to(np.asarray(sizes, float), len(heights))[order]
    below = np.concatenate([[0.0], np.cumsum((size[1:] + size[:-1]) / 2)])
    blocks: list[list[float]] = []  # sum, count
    for height, offset in zip(np.asarray(heights, float)[order], below, strict=True):
        blocks.append([height - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    level = np.concatenate([np.full(int(count), total / count) for total, count in blocks])
    moved = np.empty(len(heights))
    moved[order] = np.maximum(np.minimum(level, high - below[-1]), low) + below
    return moved


def name_ends(axes: Axes, policies: list[str], ends: Floats, palette: dict[str, str]) -> None:
    """Each line named beside its end, within the height of the axes where there is room."""
    low, high = axes.get_ylim()
    inches = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted()).height
    names = [shown_as(policy, axes) for policy in policies]
    line = (high - low) * 0.21 * scale(axes) / inches  # a line of text is about 0.21 inches high
    sizes = line * np.array([1 + name.count("\n") for name in names])
    for policy, name, end, height in zip(policies, names, ends, spread(ends, sizes, low, high), strict=True):
        axes.annotate(
            name,
            (1.0, end),
            xytext=(1.06, height),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            color=darker(palette[policy]),
            va="center",
            annotation_clip=False,
            arrowprops=_LEADER | {"color": palette[policy]},
        )


def head(axes: Axes, title: str, subtitle: str, lift: float = 0, share: float = 1.0) -> None:
    """The finding in bold, what is drawn below it, so many points above where it stands otherwise.

    `share` is how much of the picture's breadth it has: less where long names stand left of the axis.
    """
    fits = (62, 83) if breadth(axes) >= WIDTH else (32, 40)  # characters
    title, subtitle = (
        textwrap.fill(text, int(share * most)) for text, most in zip((title, subtitle), fits, strict=True)
    )
    pad = lift + 11 + (14 * (1 + subtitle.count("\n")) if subtitle else 0)
    axes.set_title(title, pad=pad)
    axes.annotate(subtitle, (0, 1), (0, 9 + lift), xycoords="axes fraction", textcoords="offset points", color=QUIET)


def shown_as(policy: str, axes: Axes) -> str:
    """A policy's name on two short lines at most, so that it leaves room for what it names."""
    most = _ONE_LINE if breadth(axes) >= WIDTH else _SHORT
    first, *more = name_lines(policy, most)
    return "\n".join([first, *([shortened("".join(more), most)] if more else [])])


def name_lines(policy: str, most: int = _ONE_LINE) -> list[str]:
    """A policy's name in lines, broken after a bracket, a dot or an underscore where that is possible."""
    lines = [""]
    for part in re.split(r"(?<=[(,:/_ ])|(?<=[^\W\d]\.)", policy):  # not within 0.5
        for piece in [part[i : i + most] for i in range(0, len(part), most)]:
            if len(lines[-1]) + len(piece) > most:
                lines.append("")
            lines[-1] += piece
    return lines


def begun(text: str, most: int = 14) -> str:
    """The beginning of a title, for a tick."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"…{text[1 - most :]}"  # somebody's own ends in its class


def window(values: Any, lowers: Any, uppers: Any, *more: float) -> tuple[float, float]:
    """Limits of an axis that shows every value, and of intervals all but those that would flatten the others."""
    values, lowers, uppers = (np.asarray(each, float) for each in (values, lowers, uppers))
    widths = uppers - lowers
    some = widths <= _FLATTENING * np.nanmedian(widths) if np.isfinite(widths).any() else np.zeros(len(widths), bool)
    shown = np.concatenate([values, lowers[some], uppers[some], more])
    low, high = float(np.nanmin(shown)), float(np.nanmax(shown))
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room


def few(axes: Axes) -> MaxNLocator:
    """Ticks few enough not to run into each other, on a desk and on a phone."""
    return MaxNLocator(5 if breadth(axes) >= WIDTH else 2)


def cut(axes: Axes, lower: float, upper: float, height: float, colour: str, limits: tuple[float, float]) -> None:
    """Arrowheads where an interval goes on beyond the axis."""
    for end, beyond, mark in ((limits[0], lower < limits[0], "<"), (limits[1], upper > limits[1], ">")):
        if beyond:
            axes.plot(end, height, mark, color=colour, markersize=7, clip_on=False)


def decades(axes: Axes, values: Any) -> None:
    """A logarithmic y axis over whole powers of ten, labelled at these alone, around the values that are above 0."""
    some = np.asarray(values, float)
    some = some[np.isfinite(some) & (some > 0)]
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_formatter(NullFormatter())
    if len(some):
        axes.set_ylim(10.0 ** np.floor(np.log10(some.min())) / 1.3, 10.0 ** np.ceil(np.log10(some.max())) * 1.3)


def plain(value: float, _: Any) -> str:
    """A tick of a logarithmic axis as a number: 0.01, 100, 10,000."""
    return f"{value:,.10g}"


def counted(axis: Axis) -> None:
    """Ticks at whole numbers only, as 12,000, few enough not to run into each other."""
    axis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 5, 10], integer=True))
    axis.set_major_formatter(thousands)


def thousands(value: float, _: Any) -> str:
    """A tick such as 12,000."""
    return f"{value:,.0f}"
