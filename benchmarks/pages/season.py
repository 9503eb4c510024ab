"""Pictures of one season: who comes, what is launched, what sells, what runs out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.pages.figures import STYLE, panel, panels
from benchmarks.pages.labels import counted, head, spread
from benchmarks.pages.palette import INK, QUIET, darker
from simulator.catalogue import UNLIMITED
from simulator.ledger import Ledger
from simulator.profile import Profile
from simulator.scenario import Scenario

_FLAGS = 20  # launch days that are named; more get ticks alone
_LATE = 0.6  # of the season
_NAMED = 10  # products whose curve is named: those that sell most
_DRAWN = 60  # products whose curves are told from each other; of a larger shop, new ones are drawn alone
_LEVELS = 15  # products whose stock is drawn one by one
_VISITS, _BUZZ = "#b9cfe0", "#E69F00"
_OTHERS = "#c9c9c9"
_DISTINCT = (  # Okabe & Ito (2008), then darker and paler ones far from these
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"),
    *("#7A5195", "#882255", "#5D8C3E", "#A0522D", "#332288", "#17A398"),
)
_STEPS = 24  # of a day, when traffic is summed up

Floats = npt.NDArray[np.float64]
Launches = list[tuple[float, str]]  # day, title


def expected_visits(scenario: Scenario) -> tuple[Floats, Floats]:
    """(days,) visits expected on each day without launches, and (days,) those that launches bring; friends apart.

    The rate of a launch's visits is per_day x buzz x exp(-age / buzz_days), shaped by hour and week as all traffic.
    """
    about = scenario.arrivals
    times = np.arange(0, scenario.days, 1 / _STEPS)
    rates = about.per_day / _STEPS * Profile(scenario).at(times)
    ages = times[:, np.newaxis] - np.array([day for day, _ in planned_launches(scenario)] or [np.inf])
    lift = about.buzz * np.exp(-np.abs(ages) / about.buzz_days) * (ages >= 0)
    days = times.astype(np.int64)
    return np.asarray(np.bincount(days, rates), float), np.asarray(np.bincount(days, rates * lift.sum(axis=1)), float)


def planned_launches(scenario: Scenario) -> Launches:
    """Candidates by launch day; where the question is what to launch, the windows and their places."""
    if scenario.launching is not None:
        about = scenario.launching
        places = "1 launch" if about.capacity == 1 else f"{about.capacity} launches"
        return [(about.first + number * about.every, places) for number in range(about.windows)]
    candidates = [product for product in scenario.products if not product.incumbent]
    return sorted((product.launch, product.title) for product in candidates if product.launch is not None)


def daily_sales(ledger: Ledger, days: int) -> Floats:
    """(days, K) units sold of each product, net of returns; what happens after the season counts on its last day."""
    K = len(ledger.catalogue)
    net = np.zeros((days, K))
    for table, sign in (("purchases", 1), ("returns", -1)):
        events = ledger.table(table)
        day = np.minimum(events["time"].to_numpy().astype(np.int64), days - 1)
        np.add.at(net, (day, events["product"].to_numpy()), sign * events["units"].to_numpy())
    return net


def stock_levels(ledger: Ledger, product: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Times (m,) and units on hand (m,) after each change; the first is the start of the season."""
    times, changes = [0.0], [int(ledger.catalogue.stock[product])]
    for table, sign in (("purchases", -1), ("returns", 1), ("replenishments", 1)):
        events = ledger.table(table)
        events = events[events["product"] == product]
        times.extend(events["time"])
        changes.extend(sign * events["units"])
    order = np.argsort(times, kind="stable")
    return np.array(times)[order], np.cumsum(np.array(changes, np.int64)[order])


def plan(scenario: Scenario, axes: Axes | None = None) -> tuple[Figure, Axes]:
    """What is known before the season: expected visits by day, launches, promotions."""
    with rc_context(STYLE):
        made, axes = panel(axes, (11, 4.8))
        base, buzz = expected_visits(scenario)
        _bars(axes, base, _VISITS)
        if buzz.any():
            _bars(axes, buzz, _BUZZ, base)
        launches = planned_launches(scenario)
        _name_launches(axes, launches, (base + buzz).max())
        _shade_promotions(axes, scenario)
        _finish(axes, scenario, "expected visits a day")
        friends = ", friends of buyers apart" if scenario.arrivals.word_of_mouth else ""
        lifted = " (orange: brought by launches)" if buzz.any() else ""
        head(axes, f"{scenario.title}: about {_round(base.sum() + buzz.sum())} visits", f"by day{lifted}{friends}")
        return made, axes


def season(
    scenario: Scenario, ledger: Ledger, policy: str, axes: Sequence[Axes] | None = None
) -> tuple[Figure, list[Axes]]:
    """What happened under a policy: visits and launches, cumulative sales, stock where it is limited."""
    limited = np.count_nonzero(ledger.catalogue.stock < UNLIMITED)
    told = 0 < limited <= _LEVELS or ledger.count("stock_outs") > 0  # of many that never run out: nothing
    with rc_context(STYLE):
        n = 3 if told else 2
        made, places = panels(axes, (n, 1), (11, 13 if told else 9), sharex=True, height_ratios=[1.2, 1, 1][:n])
        draw_visits(places[0], scenario, ledger, policy)
        draw_sales(places[1], scenario, ledger)
        if told:
            draw_stock(places[2], scenario, ledger)
        for place in places[:-1] if axes is None else []:
            place.set_xlabel("")
        return made, places


def draw_visits(axes: Axes, scenario: Scenario, ledger: Ledger, policy: str) -> None:
    """Visits by day, with what was launched when."""
    visits = ledger.daily_visits()
    _bars(axes, visits, _VISITS)
    titles = ledger.catalogue.titles
    launched = [
        (float(day), titles[k]) for day, k in ledger.events("launches") if not ledger.catalogue.incumbent[k]
    ]  # in order of time
    _name_launches(axes, launched, visits.max(initial=1))
    _shade_promotions(axes, scenario)
    _finish(axes, scenario, "visits a day")
    total = ledger.totals()
    title = f"{scenario.title}, played by {policy}: {total['visits']:,.0f} visits, {total['units']:,.0f} units sold"
    head(axes, title, "visits by day, and what is launched when")


def draw_sales(axes: Axes, scenario: Scenario, ledger: Ledger) -> None:
    """Cumulative units of each product, the best-selling ones named; incumbents dashed grey."""
    days = int(np.ceil(scenario.days))
    paths = np.vstack([np.zeros(len(ledger.catalogue)), daily_sales(ledger, days).cumsum(axis=0)])
    drawn = _worth_drawing(ledger, paths[-1])
    best = drawn[np.argsort(-paths[-1, drawn], kind="stable")[:_NAMED]]
    palette = _told_apart(ledger)
    for k in drawn.tolist():
        style = "--" if ledger.catalogue.incumbent[k] else "-"
        wide, order = (1.8, 3) if k in best else (0.9, 2)
        axes.plot(paths[:, k], style, color=palette[k], linewidth=wide, zorder=order)
    _finish(axes, scenario, "units sold, net of returns")
    _name_ends(axes, [ledger.catalogue.titles[k] for k in best], paths[-1, best], [palette[k] for k in best])
    shelf = paths[-1, ledger.catalogue.incumbent].sum()
    title = f"Sales: {paths[-1].sum() - shelf:,.0f} units of new products, {shelf:,.0f} of incumbents"
    others = len(drawn) - len(best)
    rest = f"; the {len(best)} best-selling named, the other {others} thin" if others else ""
    left = len(palette) - len(drawn)
    told = f"{left:,} others not drawn" if left else "incumbents dashed"
    head(axes, title, f"cumulative; {told}{rest}")


def _worth_drawing(ledger: Ledger, sold: Floats) -> npt.NDArray[np.int64]:
    """Products whose curves tell something: all of a small shop; of a large one the new ones, or what sells most."""
    new = np.flatnonzero(~ledger.catalogue.incumbent)
    if len(sold) <= _DRAWN:
        return np.arange(len(sold))
    return new if len(new) else np.argsort(-sold, kind="stable")[:_DRAWN]


def draw_stock(axes: Axes, scenario: Scenario, ledger: Ledger) -> None:
    """Units on hand of each product whose stock is limited, stock-outs marked; of very many, how many are sold out."""
    limited = np.flatnonzero(ledger.catalogue.stock < UNLIMITED)
    outs = ledger.table("stock_outs")
    title = f"Stock: {outs['product'].nunique()} of {len(limited)} limited products sold out at some time"
    lost = f"{ledger.count('lost_sales'):,} buyers came back for what was gone"
    if len(limited) > _LEVELS:
        times, empty = sold_out(ledger)
        axes.fill_between(times, empty, step="post", color=QUIET, alpha=0.5, linewidth=0)
        _finish(axes, scenario, "products sold out")
        head(axes, title, f"how many at the same time; {lost}")
        return
    palette = _told_apart(ledger)
    for k in limited:
        times, levels = stock_levels(ledger, int(k))
        axes.step([*times, scenario.days], [*levels, levels[-1]], where="post", color=palette[k], linewidth=1.6)
    outs = outs[outs["time"] <= scenario.days]  # what sells out when its last orders arrive has no place on the axis
    for day, k in zip(outs["time"], outs["product"], strict=True):
        axes.plot(day, 0, "X", color=palette[k], markeredgecolor="white", markersize=11, clip_on=False, zorder=5)
    _finish(axes, scenario, "units on hand")
    ends = np.array([stock_levels(ledger, int(k))[1][-1] for k in limited], float)
    _name_ends(axes, [ledger.catalogue.titles[k] for k in limited], ends, [palette[k] for k in limited])
    head(axes, title, f"a cross marks a stock-out; {lost}")


def sold_out(ledger: Ledger) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Times (m,) and how many limited products have nothing on hand from each on; the first is the season's start."""
    times, changes = [0.0], [0]
    for k in np.flatnonzero(ledger.catalogue.stock < UNLIMITED).tolist():
        when, levels = stock_levels(ledger, k)
        empty = (levels == 0).astype(np.int64)
        moved = np.flatnonzero(np.diff(empty, prepend=0))
        times.extend(when[moved])
        changes.extend(np.diff(empty, prepend=0)[moved])
    order = np.argsort(times, kind="stable")
    return np.array(times)[order], np.cumsum(np.array(changes, np.int64)[order])


def _bars(axes: Axes, visits: Any, colour: str, bottom: Any = 0.0) -> None:
    axes.bar(np.arange(len(visits)) + 0.5, visits, 1.0, bottom, color=colour, edgecolor="white", linewidth=0.5)


def _finish(axes: Axes, scenario: Scenario, label: str) -> None:
    axes.set_xlim(0, scenario.days)
    axes.set_ylim(bottom=0)
    counted(axes.yaxis)
    counted(axes.xaxis)
    axes.set_xlabel("days since the season began")
    axes.set_ylabel(label)


def _name_launches(axes: Axes, launches: Launches, top: float) -> None:
    """Flags above the bars, stepping down so that titles do not meet; too many launch days get ticks alone."""
    named: dict[float, list[str]] = {}
    for day, title in launches:
        named.setdefault(day, []).append(title)
    if len(named) > _FLAGS:
        for day in named:
            axes.axvline(day, ymax=0.03, color=QUIET, linewidth=1.5)
        return
    for row, (day, titles) in enumerate(named.items()):
        height = top * (1.1 + 0.085 * (len(named) - 1 - row))
        axes.plot([day, day], [0, height], color=QUIET, linewidth=1)
        axes.plot(day, height, "o", color=INK, markersize=4, clip_on=False)
        late = day > axes.get_xlim()[1] * _LATE  # its title would leave the picture on the right
        axes.annotate(
            ", ".join(titles),
            (day, height),
            (-6 if late else 6, 0),
            textcoords="offset points",
            ha="right" if late else "left",
            va="center",
            fontsize=9,
        )


def _shade_promotions(axes: Axes, scenario: Scenario) -> None:
    for promotion in scenario.promotions:
        end = min(promotion.start + promotion.days, scenario.days)
        axes.axvspan(promotion.start, end, color="#f7ddd0", linewidth=0, zorder=0)
        text = f"{promotion.title or promotion.category or 'all'}\n-{promotion.discount:.0%}"
        axes.annotate(
            text,
            ((promotion.start + end) / 2, 0),
            (0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )


def _name_ends(axes: Axes, names: list[str], ends: Floats, palette: list[Any]) -> None:
    """Names at the right edge, beside the ends of their curves."""
    low, high = axes.get_ylim()
    heights = spread(ends, (high - low) * 0.065)
    for name, end, height, colour in zip(names, ends, heights, palette, strict=True):
        axes.annotate(
            name,
            (1.0, end),
            xytext=(1.03, height),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            color=darker(colour),
            va="center",
            fontsize=9.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8, "relpos": (0, 0.5)},
        )


def _told_apart(ledger: Ledger) -> list[Any]:
    """K colours, the same in every panel: those that sell most are told apart, incumbents dark, the rest pale grey."""
    sold = ledger.products()["sold"].to_numpy()
    palette: list[Any] = [_OTHERS] * len(sold)
    distinct = iter(_DISTINCT)
    for k in np.argsort(-sold, kind="stable").tolist():
        if ledger.catalogue.incumbent[k]:
            palette[k] = QUIET if len(sold) <= _LEVELS else _OTHERS
        elif (colour := next(distinct, None)) is not None:
            palette[k] = colour
    return palette


def _round(visits: float) -> str:
    """Two significant figures."""
    return f"{float(f'{visits:.2g}'):,.0f}"
