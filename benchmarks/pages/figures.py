"""Figures of one style: their sizes, letters that small ones have room for, and the files that they become."""

from __future__ import annotations

import io
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Annotation, Text

from benchmarks.pages.palette import INK, QUIET

_DPI = 150
WIDTH = 7.2  # inches of a picture that is read on a desk
_APART = 0.08  # inches around each panel
NARROW: Any = {"width": 4.3, "height": 4.6}  # on a phone
_PAD = 3.5  # points between a tick and its label
_LOWEST = 3.4  # inches that such a picture with letters of the usual size would be high, at least
_NOT_STYLE = ("backend", "interactive", "toolbar", "timezone", "date.", "webagg.", "tk.", "savefig.dir", "figure.raise")
_BEYOND_LATIN = (  # of those that are there, for titles that DejaVu Sans has no characters for
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Droid Sans Fallback", "PingFang SC", "Hiragino Sans", "Microsoft YaHei", "SimHei", "Arial Unicode MS"),
)
_MISSING = re.compile(r"Glyph (\d+) .* missing from font")
STYLE: Any = {  # the library's own, whatever a matplotlibrc says, and ours
    **{key: value for key, value in rcParamsDefault.items() if not key.startswith(_NOT_STYLE)},
    "font.family": ["DejaVu Sans", *sorted(set(fontManager.get_font_names()) & set(_BEYOND_LATIN))],
    "text.parse_math": False,  # a $ in a product's title is a dollar
    "font.size": 11,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
}
T = TypeVar("T")


def figure(draw: Callable[[Axes, T], None], subject: T, width: float = WIDTH, height: float = 4.4) -> Figure:
    """One picture of a subject, on a figure of its own (inches)."""
    with rc_context(STYLE):
        made = Figure(figsize=(width, height), layout="constrained")
        _draw_to_scale(draw, made.add_subplot(), subject)
        return made


def drawn(draw: Callable[[Axes, T], None], subject: T, axes: Axes | None = None) -> tuple[Figure, Axes]:
    """One picture of a subject: in somebody's axes, with what they have set of letters, or on a figure of its own."""
    if axes is None:
        made = figure(draw, subject)
        return made, made.axes[0]
    _draw_to_scale(draw, axes, subject)
    return owner(axes), axes


def owner(axes: Axes) -> Figure:
    """The figure that axes belong to."""
    there = axes.get_figure(root=True)
    if there is None:
        raise ValueError("axes must belong to a figure, got some that were removed from theirs")
    return there


def panel(axes: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Somebody's axes and their figure, or axes on a figure of its own of that size (inches)."""
    made, (one,) = panels(axes, (1, 1), size)
    return made, one


def panels(
    axes: Axes | Sequence[Axes] | None, shape: tuple[int, int], size: tuple[float, float], **shared: Any
) -> tuple[Figure, list[Axes]]:
    """Somebody's axes, one a panel, and their figure, or panels on a figure of its own.

    Args:
        axes: of somebody's, such as `figure.subplots(1, 2)` answers; None for a figure of its own.
        shape: rows and columns of panels.
        size: inches of a figure of its own.
        shared: `sharex`, `sharey`, `height_ratios` of a figure of its own.

    Raises:
        ValueError: there are fewer axes than panels.
    """
    if axes is None:
        made = Figure(figsize=size, layout=ConstrainedLayoutEngine(h_pad=_APART, w_pad=_APART))
        return made, made.subplots(*shape, squeeze=False, **shared).ravel().tolist()
    given: list[Axes] = np.ravel(np.asarray(axes, object)).tolist()
    if len(given) < shape[0] * shape[1]:
        raise ValueError(f"axes must be at least {shape[0] * shape[1]}, one a panel, got {len(given)}")
    return owner(given[0]), given[: shape[0] * shape[1]]


def render(picture: Figure, kind: str) -> bytes:
    """The figure as a file's content, `kind` "png" or "svg"; the same picture gives the same bytes."""
    return rendered(picture, [kind])[kind]


def rendered(picture: Figure, kinds: Sequence[str] = ("png", "svg")) -> dict[str, bytes]:
    """The figure as files of these kinds, laid out once for all: that takes longer than drawing."""
    with rc_context(STYLE | {"svg.hashsalt": "launchsim"}), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        if engine := picture.get_layout_engine():
            picture.set_dpi(_DPI)
            engine.execute(picture)
            picture.set_layout_engine(None)  # else each file is drawn twice, once to lay it out
        content = {kind: _file(picture, kind) for kind in kinds}
    _pass_on(heard)
    return content


def _file(picture: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.savefig(buffer, format=kind, dpi=_DPI, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def _pass_on(heard: list[warnings.WarningMessage]) -> None:
    """Warnings as they came, but those about characters without a glyph as one line, once."""
    missing = set()
    for each in heard:
        if match := _MISSING.match(str(each.message)):
            missing.add(match[1])
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if new := missing - _told:
        shown = "".join(chr(int(code)) for code in sorted(new, key=int)[:20])
        print(
            f"launchsim: pictures show boxes for {shown}: no font here has them (Noto Sans CJK would)", file=sys.stderr
        )
        _told.update(new)


_told: set[str] = set()  # code points that were told to have no glyph


def breadth(axes: Axes) -> float:
    """Inches that a picture, or one of its panels side by side, is broad."""
    drawing, place = axes.get_figure(root=True), axes.get_subplotspec()
    if drawing is None:
        return WIDTH
    return float(drawing.get_figwidth() / (1 if place is None else place.get_gridspec().ncols))


def scale(axes: Axes) -> float:
    """How large letters are in a picture that is less broad than on a phone; 1 where they have their usual size."""
    drawing, place = axes.get_figure(root=True), axes.get_subplotspec()
    if drawing is None or axes not in _scaled or breadth(axes) >= float(NARROW["width"]):
        return 1.0
    tall = float(drawing.get_figheight()) / (1 if place is None else place.get_gridspec().nrows)
    return min(1.0, breadth(axes) / float(NARROW["width"]), tall / _LOWEST)


def _draw_in(axes: Axes, factor: float) -> None:
    """What stands above the axes stands as much nearer to them as its letters become smaller."""
    mine: Any = axes
    points = 72 * float(mine.titleOffsetTrans.get_matrix()[1, 2]) / owner(axes).dpi
    where = next((loc for loc in ("left", "right") if mine.get_title(loc)), "center")
    mine.set_title(mine.get_title(where), loc=where, pad=factor * points)
    notes: list[Any] = axes.findobj(Annotation)
    for note in notes:
        if note.xycoords == "axes fraction" and note.xy == (0, 1):
            note.xyann = (0, factor * note.xyann[1])


def _draw_to_scale(draw: Callable[[Axes, T], None], axes: Axes, subject: T) -> None:
    _scaled.add(axes)
    draw(axes, subject)
    _shrink(axes)


_scaled: WeakSet[Axes] = WeakSet()  # of one picture each; panels have letters of the usual size


def _shrink(axes: Axes) -> None:
    """Letters and marks as large as a small picture has room for."""
    factor = scale(axes)
    if factor == 1:
        return
    _draw_in(axes, factor)
    texts: list[Any] = axes.findobj(Text)
    for text in texts:
        text.set_fontsize(text.get_fontsize() * factor)
    for line in axes.lines:
        line.set(linewidth=factor * line.get_linewidth(), markersize=factor * line.get_markersize())
    for axis in (axes.xaxis, axes.yaxis):  # ticks to come too
        axis.labelpad *= factor
        axis.set_tick_params(labelsize=axis.get_major_ticks(1)[0].label1.get_fontsize(), pad=_PAD * factor)
