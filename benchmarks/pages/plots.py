"""Pictures of a comparison that a strategist understands at a glance."""

from __future__ import annotations

import io
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

import numpy as np
import pandas as pd
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import hsv_to_rgb, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator, NullFormatter

from benchmarks.compared import Comparison
from benchmarks.comparison.statistics import CONFIDENCE, path_interval
from policies.policy import Floats

if TYPE_CHECKING:
    from benchmarks.pages.real_logs import RealLogs

_FIXED = {  # Okabe & Ito (2008), told apart by colour-blind readers; one policy, one colour, in every picture
    "oracle": "#000000",
    "uniform": "#8a8a8a",
    "popularity": "#E69F00",
    "epsilon_greedy": "#56B4E9",
    "linucb": "#0072B2",
    "neural_argmax": "#D55E00",
    "vowpal": "#009E73",
}
_FURTHER = (
    *("#CC79A7", "#B8A500", "#7A5195", "#5D8C3E", "#A0522D", "#3F7F93", "#882255", "#332288", "#999933"),
    *("#DB3A7B", "#17A398", "#5C4B3B", "#8F8FE0", "#B22222"),
)
_TURN = 0.381966  # golden section: hues far from all before
_LEADER = {"arrowstyle": "-", "linewidth": 0.8, "shrinkA": 1, "shrinkB": 1, "relpos": (0, 0.5)}
_RATE = ("rate", "lower", "upper")
_DPI = 150
WIDTH = 7.2  # inches of a picture that is read on a desk
_ONE_LINE = 20  # characters of a policy's name beside a picture on a desk
_LETTER = 0.085  # inches that a letter is broad, about
_APART = 0.08  # inches around each panel
_BAND = 0.11  # ink of a band; many on each other share it out
_FLATTENING = 6  # times the median width: such an interval is cut off, with an arrowhead
_SHORT = 16  # the same in a narrow picture
_SENTENCE = 48  # characters of a policy's name and of what is found, above its interval
NARROW: Any = {"width": 4.3, "height": 4.6}  # on a phone
_PAD = 3.5  # points between a tick and its label
_LOWEST = 3.4  # inches that such a picture with letters of the usual size would be high, at least
_TITLES = 3  # that a flag bears
_FLAGS = 12  # launch days named in the picture of the season
INK, QUIET = "#222222", "#6b6b6b"
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
UNITS = {"units": "units sold", "revenue": "EUR revenue", "margin": "EUR margin", "reward": "reward"}

Draw = Callable[[Axes, Comparison], None]
T = TypeVar("T")


def colours(policies: list[str]) -> dict[str, str]:
    """A colour for each policy, no two alike; those known by name always have the same."""
    further = chain(_FURTHER, (_hex(_TURN * turn % 1) for turn in count(1)))
    taken: dict[str, str] = {}
    for policy in policies:
        name = policy.partition("(")[0]
        known = _FIXED.get(name)
        taken[policy] = known if known and known not in taken.values() else next(further)
    return taken


def _hex(hue: float) -> str:
    return to_hex(tuple(hsv_to_rgb((hue, 0.75, 0.6)).tolist()))


def draw_sales(axes: Axes, comparison: Comparison) -> None:
    """Cumulative net sales, a line a policy, its band the 95% interval of the mean over seeds."""
    policies = list(comparison.table.index)
    _curves(axes, comparison, {policy: comparison.paths(policy, comparison.measure) for policy in policies})
    best, base = comparison.leaders[0], comparison.baseline
    amounts = comparison.table.sales
    title = f"Sales: {best} {amounts[best]:,.0f} {UNITS[comparison.measure]}"
    head(axes, title if best == base else f"{title}, {base} {amounts[base]:,.0f}", f"cumulative, {_over(comparison)}")
    axes.set_ylabel(UNITS[comparison.measure])


def draw_gain(axes: Axes, comparison: Comparison) -> None:
    """Cumulative sales minus those of the baseline on the same visitors."""
    base = comparison.paths(comparison.baseline, comparison.measure)
    others = [policy for policy in comparison.table.index if policy != comparison.baseline]
    _curves(axes, comparison, {policy: comparison.paths(policy, comparison.measure) - base for policy in others})
    axes.axhline(0, color=QUIET, linewidth=1.2)
    best = next((policy for policy in others if policy != "oracle"), others[0])
    found = comparison.table.loc[best]
    title = f"{best}: {found.difference:+,.0f} {UNITS[comparison.measure]} over {comparison.baseline}"
    head(axes, f"{title} ({found.percent:+.1f}%)", f"gain with the same visitors, {_over(comparison)}")
    axes.set_ylabel(f"extra {UNITS[comparison.measure]}")


def draw_regret(axes: Axes, comparison: Comparison) -> None:
    """Cumulative regret: expected reward of the best available product minus that of the one shown."""
    ranked = comparison.table.sort_values("regret")
    _curves(axes, comparison, {str(policy): comparison.paths(str(policy), "regret") for policy in ranked.index[::-1]})
    best = ranked.drop(index="oracle", errors="ignore").iloc[0] if len(ranked) > 1 else ranked.iloc[0]
    unit = "EUR" if getattr(comparison.scenario, "reward", "units") != "units" else "units"
    head(
        axes,
        f"Regret of what was offered: {best.name} gave away {best.regret:,.0f} expected {unit}",
        f"offer against best offer, {_over(comparison)}",
    )
    what = f"expected {unit} lost by offers" if breadth(axes) >= WIDTH else f"{unit} lost"
    axes.set_ylabel(f"{what} (lower is better)")


def draw_verdicts(axes: Axes, comparison: Comparison) -> None:
    """Forest plot: paired difference of each policy to the baseline, its interval and the verdict in words."""
    table = comparison.table.drop(index=comparison.baseline)[::-1]
    wide = breadth(axes) >= WIDTH  # a narrow picture has each policy's words above its interval
    palette = colours(comparison.policies)
    for row, (policy, found) in enumerate(table.iterrows()):
        colour = palette[str(policy)]
        filled = colour if found.verdict in ("better", "worse") else "white"
        axes.plot([found.difference_lower, found.difference_upper], [row, row], color=colour, linewidth=3)
        axes.plot(found.difference, row, "o", color=colour, markersize=9, markerfacecolor=filled, markeredgewidth=2)
        text = f"{found.difference:+,.0f} ({found.percent:+.1f}%): {found.verdict or 'one season'}"
        if not wide:
            text = f"{_shortened(str(policy), _SENTENCE - len(text))}  {text}"
        axes.annotate(
            text,
            (1.02, row) if wide else (0.0, row + 0.33),
            backgroundcolor="#ffffffd0",
            xycoords=("axes fraction", "data"),
            va="center",
            annotation_clip=False,
        )
    axes.axvline(0, color=QUIET, linewidth=1.2)
    axes.set_yticks(range(len(table)), [shown_as(str(policy), axes) if wide else "" for policy in table.index])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    counted(axes.xaxis)
    beside = max(len(line) for policy in table.index for line in shown_as(str(policy), axes).split("\n"))
    room = 1 - _LETTER * max(0, beside - 8) / WIDTH if wide else 1.0
    together = "95% interval" if len(table) == 1 else f"{len(table)} intervals that hold together with 95%"
    sure = together if len(comparison.seeds) > 1 else "one season: no intervals"
    head(axes, f"Who sells more than {comparison.baseline}?", f"difference with the same visitors, {sure}", share=room)
    axes.set_xlabel(f"difference in {UNITS[comparison.measure]} over the season")


def draw_season(axes: Axes, comparison: Comparison) -> None:
    """Visits by day, and what is launched when."""
    visits = np.diff(comparison.paths(comparison.baseline, "visits").mean(axis=0), prepend=0)
    axes.bar(np.arange(len(visits)) + 0.5, visits, width=1.0, color="#b9cfe0", edgecolor="white", linewidth=0.5)
    _name_launches(axes, comparison, visits.max())
    axes.set_xlim(0, len(visits))
    counted(axes.yaxis)
    counted(axes.xaxis)
    axes.set_xlabel("days since the season began")
    axes.set_ylabel("visits a day")
    days = len(launch_days(comparison.scenario))
    title = f"The season: {visits.sum():,.0f} visits, {days} launch day{'s' * (days != 1)}"
    head(axes, title, "visits by day, and what is launched when")


def figure(draw: Callable[[Axes, T], None], subject: T, width: float = WIDTH, height: float = 4.4) -> Figure:
    """One picture of a subject, on a figure of its own (inches)."""
    with rc_context(STYLE):
        made = Figure(figsize=(width, height), layout="constrained")
        _draw_to_scale(draw, made.add_subplot(), subject)
        return made


def height_for(comparison: Comparison, narrow: bool = False) -> float:
    """Inches that a picture of these policies needs, so that no name stands on another."""
    if narrow:  # words above each interval
        return max(float(NARROW["height"]), 1.8 + 0.42 * len(comparison.policies))
    return max(4.4, 1.6 + 0.26 * sum(min(2, len(_lines(policy))) for policy in comparison.policies))


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


def overview(comparison: Comparison) -> Figure:
    """The pictures of the finding on one figure."""
    draws = list(pictures(comparison).values())
    with rc_context(STYLE):
        made = Figure(figsize=(15, 4.5 * len(draws) // 2), layout="constrained")
        for axes, draw in zip(made.subplots(len(draws) // 2, 2).flat, draws, strict=True):
            draw(axes, comparison)
        return made


def pictures(comparison: Comparison) -> dict[str, Draw]:
    """What there is to draw, by name: one policy alone gains over nobody."""
    if len(comparison.policies) == 1:
        return {"sales": draw_sales, "regret": draw_regret}
    return {"gain": draw_gain, "verdicts": draw_verdicts, "sales": draw_sales, "regret": draw_regret}


def real_logs(found: RealLogs, axes: Sequence[Axes] | None = None, narrow: bool = False) -> tuple[Figure, list[Axes]]:
    """Click rates by campaign: what the two logged policies got, and what the random log says of each policy."""
    with rc_context(STYLE):
        n = len(found.observed)
        size = (NARROW["width"], 1.0 + 2.6 * n) if narrow else (9.6, 4.8)
        made, places = panels(axes, (n, 1) if narrow else (1, n), size, sharex=True, sharey=True)
        for place, observed in zip(places, found.observed.to_dict("records"), strict=True):
            _draw_campaign(place, found.estimates[found.estimates.campaign == observed["campaign"]], observed)
        if axes is None:
            title = "Real logs: what happened, and what SNIPS says from the random log"
            made.suptitle(textwrap.fill(title, 40 if narrow else 80), x=0.01, ha="left", weight="bold")
            made.supxlabel("clicks per 100 items shown, 95% intervals", fontsize=11)
        return made, places


def _draw_campaign(axes: Axes, estimates: pd.DataFrame, observed: dict[Any, Any]) -> None:
    happened = {"uniform, as it happened": "random", "Thompson sampling, as it happened": "thompson"}
    rates = {name: [observed[f"{log}_{what}"] for what in _RATE] for name, log in happened.items()}
    rates |= {row["policy"]: [row[f"snips{what}"] for what in ("", "_lower", "_upper")] for row in _rows(estimates)}
    palette = colours(list(rates))
    for height, (name, (rate, lower, upper)) in enumerate(rates.items()):
        colour = INK if name in happened else palette[name]
        axes.plot([100 * lower, 100 * upper], [height, height], color=colour, linewidth=4 if name in happened else 2)
        axes.plot(100 * rate, height, "o", color=colour, markerfacecolor="white", markeredgewidth=2, clip_on=False)
    axes.axhline(len(happened) - 0.5, color=QUIET, linewidth=0.8)
    axes.set_yticks(range(len(rates)), list(rates))
    axes.set_ylim(len(rates) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0, pad=8)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_title(f"{observed['campaign']} ({observed['items']} items)", fontsize=11)


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")


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


def _curves(axes: Axes, comparison: Comparison, paths: dict[str, Floats]) -> None:
    """Lines from day 0 with bands, launches marked, each line named at its end."""
    palette = colours(comparison.policies)
    days = np.arange(next(iter(paths.values())).shape[1] + 1)
    ends = []
    for policy, path in paths.items():
        mean, lower, upper = path_interval(np.pad(path, ((0, 0), (1, 0))), CONFIDENCE)
        dashes = "--" if policy == "oracle" else "-"
        axes.plot(days, mean, dashes, color=palette[policy], linewidth=2, solid_capstyle="round")
        axes.fill_between(days, lower, upper, color=palette[policy], alpha=band_ink(len(paths)), linewidth=0)
        ends.append(mean[-1])
    axes.set_xlim(0, days[-1])
    shop = comparison.scenario is not None
    since = "days since the season began" if breadth(axes) >= WIDTH else "days"
    axes.set_xlabel(f"{since} (ticks on the axis: launches)" if shop else "% of all decisions")
    counted(axes.xaxis)
    counted(axes.yaxis)
    _mark_launches(axes, comparison)
    name_ends(axes, list(paths), np.array(ends), palette)


def band_ink(policies: int) -> float:
    """How opaque a band is: of many that lie on each other each is paler."""
    return _BAND * min(1.0, 7 / policies)


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


def _name_launches(axes: Axes, comparison: Comparison, top: float) -> None:
    """Flags above the bars, stepping down so that titles do not meet; too many launches get ticks alone."""
    launched: dict[float, list[str]] = {}
    for product in sorted(launches(comparison.scenario), key=lambda product: product.launch):
        launched.setdefault(product.launch, []).append(product.title)
    if not launched or len(launched) > _FLAGS:
        _mark_launches(axes, comparison)
        return
    for row, (day, titles) in enumerate(launched.items()):
        height = top * (1.12 + 0.11 * (len(launched) - 1 - row))
        axes.plot([day, day], [0, height], color=QUIET, linewidth=1)
        axes.plot(day, height, "o", color=INK, markersize=4, clip_on=False)
        late = day > 0.6 * comparison.scenario.days  # its title would leave the picture on the right
        place: Any = {"xytext": (-6 if late else 6, 0), "ha": "right" if late else "left"}
        axes.annotate(_flag(titles), (day, height), textcoords="offset points", va="center", fontsize=10, **place)


def _flag(titles: list[str]) -> str:
    return ", ".join(titles) if len(titles) <= _TITLES else f"{titles[0]} and {len(titles) - 1} more"


def _mark_launches(axes: Axes, comparison: Comparison) -> None:
    for day in launch_days(comparison.scenario):
        axes.axvline(day, ymax=0.03, color=QUIET, linewidth=1.5)


def launch_days(scenario: Any) -> list[float]:
    """When products come to market: at the policy's launch windows, or as the scenario plans."""
    if scenario is not None and scenario.launching is not None:
        return [
            scenario.launching.first + window * scenario.launching.every for window in range(scenario.launching.windows)
        ]
    return sorted({product.launch for product in launches(scenario)})


def launches(scenario: Any) -> list[Any]:
    """The scenario's products that are launched on a day it names."""
    products = [] if scenario is None else scenario.products
    return [product for product in products if product.launch is not None and not product.incumbent]


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


def shown_as(policy: str, axes: Axes) -> str:
    """A policy's name on two short lines at most, so that it leaves room for what it names."""
    most = _ONE_LINE if breadth(axes) >= WIDTH else _SHORT
    first, *more = _lines(policy, most)
    return "\n".join([first, *([_shortened("".join(more), most)] if more else [])])


def _lines(policy: str, most: int = _ONE_LINE) -> list[str]:
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


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"…{text[1 - most :]}"  # somebody's own ends in its class


def _over(comparison: Comparison) -> str:
    n = len(comparison.seeds)
    return "one season" if n == 1 else f"mean of {n} seasons, band: 95% interval"


def darker(colour: str) -> tuple[float, ...]:
    """The colour with enough ink in it to be read as text on white."""
    return tuple(0.65 * np.array(to_rgb(colour)))


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
