"""Pictures of products: what each policy shows by day, and what new products sell from their launch day on."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.compared import Comparison
from benchmarks.comparison import products
from benchmarks.comparison.statistics import path_interval
from benchmarks.pages.figures import STYLE, WIDTH, panels
from benchmarks.pages.labels import counted, head, name_ends
from benchmarks.pages.palette import band_ink, colours
from benchmarks.pages.plots import launch_days
from policies.policy import Floats
from simulator.scenario import Scenario

_NAMED = 11  # products with a colour of their own; the others together are one
_OTHERS = "#e9e9e9"
_PANEL = 1.05  # inches that a policy's ribbon is high
_MOST_POLICIES = 10  # drawn, best first
_LONGEST = 44  # characters of a policy's name above its ribbon


def ribbons(
    comparison: Comparison, width: float = WIDTH, axes: Sequence[Axes] | None = None
) -> tuple[Figure, list[Axes]]:
    """A ribbon a policy: which share of what it shows is which product, day by day; or what it has launched.

    Args:
        comparison: of policies in a shop.
        width: inches of a figure of its own.
        axes: of somebody's in its place, one a policy, of the ten best at most.
    """
    scenario, table = comparison.scenario, comparison.table
    launching = scenario.launching is not None
    drawn = _drawn(comparison)
    named, layers = _layers(drawn, scenario)
    policies = list(table.index)[:_MOST_POLICIES]
    with rc_context(STYLE):
        narrow = width < 6
        legend = 0.21 * (len(named) + 1) if narrow else 0.0
        size = (width, _PANEL * len(policies) + 1.1 + legend)
        figure, places = panels(axes, (len(policies), 1), size, sharex=True, sharey=True)
        for place, policy in zip(places, policies, strict=True):
            bands = _ribbon(place, drawn[policy][0], layers[policy], scenario, policy, list(named.values()))
        places[-1].set_xlabel("day (dotted: planned launches)" if launch_days(scenario) else "day")
        what = "launched so far, mean of seasons" if launching else "% of what is shown, all seasons"
        what += f"; the {len(policies)} best of {len(table)} policies" if len(policies) < len(table) else ""
        head(places[0], "What was launched when" if launching else "What was shown when", what, lift=14)
        beside: Any = {"loc": "outside lower center" if narrow else "outside right center"}
        if axes is not None:
            beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)}
        namer: Any = figure if axes is None else places[0]
        namer.legend(bands[::-1], list(named)[::-1], frameon=False, fontsize=9, **beside)
        return figure, places


def draw_since_launch(axes: Axes, comparison: Comparison) -> None:
    """What a new product has sold so many days after its launch, a line a policy with its band."""
    paths, horizon, n = _since_launch(comparison)
    palette, ink = colours(comparison.policies), band_ink(len(comparison.policies))
    ends = {}
    for policy in comparison.table.index:
        mean, lower, upper = path_interval(paths[policy])
        dashes = "--" if policy == "oracle" else "-"
        axes.plot(mean, dashes, color=palette[policy], linewidth=2, solid_capstyle="round")
        axes.fill_between(range(horizon + 1), lower, upper, color=palette[policy], alpha=ink, linewidth=0)
        ends[policy] = float(mean[-1])
    axes.set_xlim(0, horizon)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("days since its launch")
    axes.set_ylabel("units of a new product")
    counted(axes.xaxis)
    counted(axes.yaxis)
    name_ends(axes, list(ends), np.array(list(ends.values())), palette)
    best = max([policy for policy in ends if policy != "oracle"] or ends, key=lambda policy: ends[policy])
    title = f"{horizon} days after its launch a new product sold {ends[best]:,.0f} under {best}"
    head(axes, title, f"cumulative, net of returns, mean of {n} early launches; band: 95% interval")


def launches_early(comparison: Comparison) -> bool:
    """Whether there is anything to draw of new products since their launch."""
    return bool(_since_launch(comparison)[0])


def tints(scenario: Scenario, kept: list[int]) -> list[Any]:
    """A colour for each of these products: incumbents in greys, launches from dark to light in their order."""
    old = sum(scenario.products[k].incumbent for k in kept)
    greys = iter(colormaps["Greys"](np.linspace(0.35, 0.65, old)))
    launched = iter(colormaps["viridis"](np.linspace(0, 0.95, len(kept) - old)))
    return [next(greys if scenario.products[k].incumbent else launched) for k in kept]


def _since_launch(comparison: Comparison) -> tuple[dict[str, Floats], int, int]:
    assert comparison.products is not None
    days = int(np.ceil(comparison.scenario.days))
    incumbent = [product.incumbent for product in comparison.scenario.products]
    return products.since_launch(comparison.products, incumbent, days)


def _drawn(comparison: Comparison) -> dict[str, tuple[Floats, Floats]]:
    scenario, found = comparison.scenario, comparison.products
    assert found is not None
    if scenario.launching is not None:
        return products.launched(found, len(scenario.products), scenario.days)
    return products.shares(found, len(scenario.products))


def _layers(drawn: dict[str, tuple[Floats, Floats]], scenario: Scenario) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Names and colours of what is told apart, and of each policy what to stack, (n named + others, m)."""
    weight = np.sum([amounts.mean(axis=0) for _, amounts in drawn.values()], axis=0)
    some = [k for k in np.argsort(-weight, kind="stable").tolist() if weight[k] > 0]
    kept, rest = sorted(some[:_NAMED], key=lambda k: _place(scenario, k)), some[_NAMED:]
    layers = {}
    for policy, (_, amounts) in drawn.items():
        others = [amounts[:, rest].sum(axis=1)] if rest else []
        layers[policy] = np.array([*amounts[:, kept].T, *others])
    named = dict(zip([scenario.products[k].title for k in kept], tints(scenario, kept), strict=True))
    return named | ({f"{len(rest)} others": _OTHERS} if rest else {}), layers


def _place(scenario: Scenario, k: int) -> tuple[bool, float, int]:
    """Incumbents first, then in the order of launches."""
    product = scenario.products[k]
    return not product.incumbent, product.launch or 0.0, k


def _ribbon(axes: Axes, days: Floats, layers: Floats, scenario: Scenario, policy: str, shades: list[Any]) -> list[Any]:
    launching = scenario.launching is not None
    if not launching:  # a period's share stands over the whole of it
        days = np.concatenate([[0.0], days])
        layers = 100 * np.concatenate([layers[:, :1], layers], axis=1)
    made: Any = axes.stackplot(days, layers, colors=shades, linewidth=0, step="pre" if not launching else "post")
    for day in launch_days(scenario):
        axes.axvline(day, color="white", linewidth=0.8, linestyle=":")
    axes.set_xlim(0, scenario.days)
    axes.set_ylim(0, None if launching else 100)
    axes.grid(visible=False)
    name = textwrap.shorten(policy, _LONGEST, placeholder="…")
    axes.annotate(name, (0, 1), (2, 2), xycoords="axes fraction", textcoords="offset points", fontsize=9.5)
    return list(made)
