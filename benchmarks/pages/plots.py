"""Pictures of a comparison that a strategist understands at a glance."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.compared import Comparison
from benchmarks.comparison.statistics import CONFIDENCE, path_interval
from benchmarks.pages.figures import NARROW, STYLE, WIDTH, breadth, panels
from benchmarks.pages.labels import LETTER, counted, head, name_ends, name_lines, shortened, shown_as
from benchmarks.pages.palette import INK, QUIET, band_ink, colours
from policies.policy import Floats

if TYPE_CHECKING:
    from benchmarks.pages.real_logs import RealLogs

_RATE = ("rate", "lower", "upper")
_SENTENCE = 48  # characters of a policy's name and of what is found, above its interval
_TITLES = 3  # that a flag bears
_FLAGS = 12  # launch days named in the picture of the season
UNITS = {"units": "units sold", "revenue": "EUR revenue", "margin": "EUR margin", "reward": "reward"}
Draw = Callable[[Axes, Comparison], None]


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
            text = f"{shortened(str(policy), _SENTENCE - len(text))}  {text}"
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
    room = 1 - LETTER * max(0, beside - 8) / WIDTH if wide else 1.0
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


def height_for(comparison: Comparison, narrow: bool = False) -> float:
    """Inches that a picture of these policies needs, so that no name stands on another."""
    if narrow:  # words above each interval
        return max(float(NARROW["height"]), 1.8 + 0.42 * len(comparison.policies))
    return max(4.4, 1.6 + 0.26 * sum(min(2, len(name_lines(policy))) for policy in comparison.policies))


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


def _over(comparison: Comparison) -> str:
    n = len(comparison.seeds)
    return "one season" if n == 1 else f"mean of {n} seasons, band: 95% interval"
