"""The page of what would change the answer: sentences, a tornado, the difference along what turns it, a heat map."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rich.console
import rich.text
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from benchmarks.comparison.turning import Curve, Stretch
from benchmarks.pages import page
from benchmarks.pages.figures import NARROW, STYLE, panel, panels
from benchmarks.pages.labels import few, head
from benchmarks.pages.palette import QUIET
from benchmarks.pages.plots import UNITS
from benchmarks.sensitivity import Range, Sensitivity

_FOLDED = 14  # characters of a line of a parameter's name on a phone
_BETTER, _WORSE = "#0072B2", "#D55E00"
_TOLD = {
    "tornado": "Difference between the two policies at both ends of each parameter's range, with intervals",
    "curves": "Difference between the two policies along the parameters that turn the verdict, with bands",
    "heat": "Difference between the two policies over two parameters together",
}
_NAMED = {  # place -> what it is called, and its unit where it is a number of its own
    "arrivals.per_day": ("traffic", "visits a day"),
    "products.*.stock": ("stock of all products", ""),
    "products.*.price": ("prices of all products", ""),
    "users.information": ("what features say of taste", ""),
    "users.taste": ("spread of tastes", ""),
    "users.price_sensitivity": ("price sensitivity", "per euro"),
    "users.population": ("number of users", "users"),
    "users.drift": ("drift of tastes", ""),
    "quality_spread": ("spread of quality", ""),
    "choice.leaving": ("pull of leaving", ""),
    "choice.novelty": ("pull of what is new", ""),
    "choice.social_proof": ("social proof", ""),
    "arrivals.word_of_mouth": ("word of mouth", "friends a sale"),
    "buying.returns": ("returns", ""),
    "refresh_minutes": ("minutes between lessons", "minutes"),
}


def write(folder: str | Path, found: Sensitivity, command: str) -> Path:
    """`sensitivity.csv`, `heat.csv`, pictures and `index.html`; answers the page's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page.write_table(folder, "sensitivity", found.table)
    draws: dict[str, Any] = {"tornado": tornado}
    if found.curves:
        draws["curves"] = curves
    if len(found.heat):
        page.write_table(folder, "heat", found.heat)
        draws["heat"] = heat
    images = page.both(folder, {name: partial(draw, found) for name, draw in draws.items()})
    return page.write(
        folder,
        "sensitivity.html",
        found=found,
        answer=answer(found),
        images=images,
        told=_TOLD,
        command=command,
        named=name,
        ends={key: rows.to_dict("records") for key, rows in found.table.groupby(["place", "end"])},
        unit=UNITS[found.measure],
    )


def answer(found: Sensitivity) -> list[str]:
    """Whether anything turns the verdict, and where: the finding first."""
    first, second = found.policies
    base = found.table[found.table.place == ""].iloc[0]
    said = {
        "better": f"{second} sells more than {first}",
        "worse": f"{first} sells more than {second}",
        "cannot tell": f"These seasons cannot tell {second} from {first}",
    }[base.verdict]
    amount = f"{base.difference:+,.0f} {UNITS[found.measure]} a season, {base.lower:+,.0f} to {base.upper:+,.0f}"
    sentences = [f"With the scenario as it is: {said} ({amount})."]
    turned = [_walk(found, place, curve) for place, curve in found.curves.items()]
    if not found.turning:
        sentences.append(f"None of the {len(found.ranges)} parameters turns that within its range.")
    sentences = [*turned, *sentences] if any(" overtakes " in each for each in turned) else [*sentences, *turned]
    further = [name(place) for place in found.turning if place not in found.curves]
    if further:
        sentences.append(f"At an end of their ranges {', '.join(further)} change the verdict, or how sure it is, too.")
    return sentences


def _walk(found: Sensitivity, place: str, curve: Curve) -> str:
    """What is known along a range, in one sentence."""
    first, second = found.policies
    moved = found.ranges[place]
    known = [stretch for stretch in curve.stretches if stretch.ahead]
    span = (
        f"{'x' if moved.factors else ''}{_figures(moved.low)} to {'x' if moved.factors else ''}{_figures(moved.high)}"
    )
    if not known:
        return f"Along {name(place)} ({span}) these seasons cannot tell who sells more."
    if len({stretch.ahead for stretch in known}) == 1:
        return _one_sided(found, place, curve, known, span)
    if len(_merged(known)) > 2:
        return f"Along {name(place)} ({span}) the two overtake each other more than once; see the picture."
    below, above = _merged(known)
    start, end = below.last, above.first
    winner, loser, way = (second, first, "above") if above.ahead > 0 else (first, second, "above")
    if moved.base > (start + end) / 2:  # the scenario lies above: what changes below is the news
        winner, loser, way = loser, winner, "below"
    crossing = at(place, moved, curve.crossing(start, end))
    return (
        f"{winner} overtakes {loser} {way} {crossing} (95%: {at(place, moved, start, bare=True)} to "
        f"{at(place, moved, end)})."
    )


def _one_sided(found: Sensitivity, place: str, curve: Curve, known: list[Stretch], span: str) -> str:
    first, second = found.policies
    moved = found.ranges[place]
    winner = second if known[0].ahead > 0 else first
    loser = first if winner == second else second
    if len(curve.stretches) == 1:
        return f"Along {name(place)} ({span}) {winner} sells more than {loser} throughout."
    parts = " and ".join(
        f"from {at(place, moved, each.first, bare=True)} to {at(place, moved, each.last)}" for each in known
    )
    return f"{winner} sells more than {loser} {parts}; elsewhere along {name(place)} these seasons cannot tell."


def _merged(known: list[Stretch]) -> list[Stretch]:
    """Neighbours of the same kind as one."""
    merged: list[Stretch] = []
    for each in known:
        if merged and merged[-1].ahead == each.ahead:
            merged[-1] = Stretch(merged[-1].first, each.last, each.ahead)
        else:
            merged.append(each)
    return merged


def name(place: str) -> str:
    """What a place is called."""
    return _NAMED.get(place, (place, ""))[0]


def at(place: str, moved: Range, value: float, bare: bool = False) -> str:
    """A value of a parameter in words: 300 visits a day, 0.5 times the stock of all products."""
    number = _figures(value)
    if bare:
        return number
    if moved.factors:
        return f"{number} times the {name(place)}"
    unit = _NAMED.get(place, ("", ""))[1]
    return f"{number} {unit}" if unit else f"{number} ({name(place)})" if place in _NAMED else f"{place} = {number}"


def _figures(value: float) -> str:
    """Two significant figures, or all of a large number's."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:g}"


def tornado(found: Sensitivity, axes: Axes | None = None, narrow: bool = False) -> tuple[Figure, Axes]:
    """The difference at both ends of each range, what moves it most on top, with intervals."""
    ends = found.table[found.table.place != ""]
    order = list(found.swings.index)[::-1]
    base = float(found.table.loc[found.table.place == "", "difference"].iloc[0])
    first, second = found.policies
    with rc_context(STYLE):
        figure, axes = panel(axes, (NARROW["width"] if narrow else 9.2, 2.2 + 0.62 * len(order)))
        for row, place in enumerate(order):
            own = ends[ends.place == place]
            for end in own.itertuples():
                about: Any = end
                colour = _BETTER if about.difference > 0 else _WORSE
                height = row + (0.17 if about.end == "high" else -0.17)
                axes.barh(height, about.difference - base, 0.3, left=base, color=colour, alpha=0.35)
                axes.plot([about.lower, about.upper], [height, height], color=colour, linewidth=1.8)
                filled = colour if about.verdict in ("better", "worse") else "white"
                axes.plot(about.difference, height, "o", color=colour, markerfacecolor=filled, markersize=5.5)
                text = at(place, found.ranges[place], about.value, bare=True)
                axes.annotate(
                    f"x{text}" if found.ranges[place].factors else text,
                    (1.01, height),
                    xycoords=("axes fraction", "data"),
                    va="center",
                    fontsize=9,
                    annotation_clip=False,
                )
        axes.axvline(0, color=QUIET, linewidth=1.2)
        axes.axvline(base, color=QUIET, linewidth=1, linestyle=":")
        names = [textwrap.fill(name(place), _FOLDED) if narrow else name(place) for place in order]
        axes.set_yticks(range(len(order)), names)
        axes.set_ylim(-0.6, len(order) - 0.4)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(few(axes))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+,.0f}" if value else "0")
        axes.set_xlabel(f"{UNITS[found.measure]} a season that {second} has\nmore than {first}")
        together = f"{found.seeds} seasons each, intervals hold together with 95%, full dots: a verdict"
        head(axes, _turned(found), f"dotted: as it is; at the right the ends; {together}", share=0.75)
        return figure, axes


def _turned(found: Sensitivity) -> str:
    """How many parameters turn the verdict, or change how sure it is."""
    n, turned, changed = len(found.swings), len(found.reversing), len(found.turning)
    if not changed:
        return f"None of {n} parameters changes the verdict"
    return f"{turned} of {n} parameters turn the verdict, {changed - turned} change how sure it is"


def curves(found: Sensitivity, axes: Sequence[Axes] | None = None, narrow: bool = False) -> tuple[Figure, list[Axes]]:
    """The difference along the ranges that turn the verdict, a panel each, with the band that the sentences rest on."""
    first, second = found.policies
    n = len(found.curves)
    with rc_context(STYLE):
        figure, places = panels(
            axes, (n, 1) if narrow else (1, n), (NARROW["width"], 3.6 * n) if narrow else (max(6.4, 4.4 * n), 4.3)
        )
        for one, (moved, curve) in zip(places, found.curves.items(), strict=True):
            _draw_curve(one, found, moved, curve)
        places[0].set_ylabel(f"{UNITS[found.measure]} that {second}\nhas more than {first}")
        head(places[0], "Who overtakes whom, and where", f"mean of {found.seeds} seasons, band: 95% as in the table")
        return figure, places


def _draw_curve(axes: Axes, found: Sensitivity, place: str, curve: Curve) -> None:
    moved = found.ranges[place]
    axes.plot(curve.places, curve.mean, color=_BETTER, linewidth=2)
    axes.fill_between(curve.places, curve.lower, curve.upper, color=_BETTER, alpha=0.15, linewidth=0)
    axes.axhline(0, color=QUIET, linewidth=1.2)
    if moved.low <= moved.base <= moved.high:
        axes.axvline(moved.base, color=QUIET, linewidth=1, linestyle=":")
    if moved.low > 0 and moved.high / moved.low >= 3:
        axes.set_xscale("log")
        axes.set_xticks(ticks := np.geomspace(moved.low, moved.high, 4), [_figures(tick) for tick in ticks])
        axes.minorticks_off()
    axes.set_xlabel(_axis(found, place))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:+,.0f}")


def heat(found: Sensitivity, axes: Axes | None = None, narrow: bool = False) -> tuple[Figure, Axes]:
    """The difference over two parameters moved together; what is no verdict stands in brackets."""
    first, second = found.policies
    across, up = found.heat_places
    grid = found.heat.pivot(index=up, columns=across, values="difference").sort_index(ascending=False)
    verdicts = found.heat.pivot(index=up, columns=across, values="verdict").loc[grid.index, grid.columns]
    farthest = max(float(np.nanmax(np.abs(grid.to_numpy()))), 1.0)
    with rc_context(STYLE | {"axes.grid": False}):
        figure, axes = panel(axes, (NARROW["width"], NARROW["height"]) if narrow else (7.6, 5.2))
        axes.imshow(grid, cmap="RdBu", norm=TwoSlopeNorm(0, -farthest, farthest), aspect="auto")
        for (row, column), value in np.ndenumerate(grid.to_numpy()):
            sure = verdicts.iloc[row, column] in ("better", "worse")
            dark = abs(value) > 0.6 * farthest
            axes.text(
                column,
                row,
                f"{value:+,.0f}" if sure else f"({value:+,.0f})",
                ha="center",
                va="center",
                color="white" if dark else "black",
                fontweight="bold" if sure else "normal",
                fontsize=9 if narrow else 11,
            )
        axes.set_xticks(range(len(grid.columns)), [_figures(float(value)) for value in grid.columns.to_numpy(float)])
        axes.set_yticks(range(len(grid.index)), [_figures(float(value)) for value in grid.index.to_numpy(float)])
        axes.set_xlabel(_axis(found, across))
        axes.set_ylabel(_axis(found, up))
        axes.tick_params(length=0)
        head(
            axes,
            f"{UNITS[found.measure]} that {second} has more than {first}",
            f"blue: {second} ahead, red: {first}; in brackets: {found.seeds} seasons cannot tell (95% each)",
        )
        return figure, axes


def _axis(found: Sensitivity, place: str) -> str:
    unit = _NAMED.get(place, ("", ""))[1]
    return f"times the {name(place)}" if found.ranges[place].factors else unit or name(place)


def tell(found: Sensitivity) -> None:
    """The answer, and what moves the difference, on the terminal."""
    console = rich.console.Console(highlight=False)
    console.print(rich.text.Text(" ".join(answer(found))), "", sep="\n")
    for place in found.swings.index:
        own = found.table[found.table.place == place]
        ends = " to ".join(f"{row.difference:+,.0f}" for row in own.itertuples())
        changed = "changes how sure it is" if place in found.turning else ""
        turns = "turns the verdict round" if place in found.reversing else changed
        console.print(rich.text.Text(f"{name(place):28}{ends:20}{turns}".rstrip()))
