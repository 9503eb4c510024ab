"""One picture a policy that shows its character: what it shows as the season goes on, and what that costs.

Run `python -m benchmarks.suites.policy_pictures --out docs/policies`. Every policy plays the same season.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

import policies
from benchmarks.pages.figures import STYLE
from benchmarks.pages.labels import head, spread, thousands
from benchmarks.pages.palette import QUIET, darker
from benchmarks.pages.plots import launch_days
from benchmarks.runner import run
from benchmarks.sweeps.runs import make
from benchmarks.trace import Trace
from envs.simulated import Simulated
from policies.policy import Floats
from simulator.scenario import Scenario

_SCENARIO, _SEED = "spring_launch", 0
_SETTINGS = {  # where a default would show less of a policy than it can
    "linucb": "linucb(alpha=0.25)",
    "rule": 'rule(rules=[{"if": "feature 1 > 0", "show": ["Linen shirt"]}, {"show": ["Raffia sandals"]}])',
    "linucb_hybrid": "linucb_hybrid(alpha=0.25)",
    "linear_thompson": "linear_thompson(scale=0.25)",
}
_SMALL = STYLE | {"font.size": 9, "axes.titlesize": 10}
_DPI, _COLOURS = 80, 64
_MINE = "#D55E00"


def main() -> None:
    """Play and draw every policy, or those asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--policy", action="append", help="name of one; several [default: all]")
    parser.add_argument("--scenario", default=_SCENARIO)
    parser.add_argument("--out", type=Path, default=Path("docs/policies"))
    asked = parser.parse_args()
    scenario = Scenario.load(asked.scenario)
    asked.out.mkdir(parents=True, exist_ok=True)
    beside = {call: played(scenario, call) for call in ("uniform", "linucb(alpha=0.25)")}
    for name in asked.policy or policies.names():
        call = _SETTINGS.get(name, name)
        trace = beside.get(call) or played(scenario, call)
        with rc_context(_SMALL):
            save(picture(scenario, call, trace, beside), asked.out / f"{name}.png")
        print(f"{call}: {trace.ledger.totals()['units']:,.0f} units, regret {trace.regrets.sum():,.0f}")


def save(figure: Figure, path: Path) -> None:
    """As a PNG of few colours, small enough to live beside a page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=_DPI)
    Image.open(buffer).convert("RGB").quantize(_COLOURS).save(path, optimize=True)


def played(scenario: Scenario, call: str) -> Trace:
    """What the policy left behind in the season."""
    season = Simulated(scenario, _SEED)
    return run(make(call, season, _SEED), season, _SEED)


def picture(scenario: Scenario, call: str, trace: Trace, beside: dict[str, Trace]) -> Figure:
    """Shares of what is shown by day, and cumulative regret beside that of other policies."""
    figure = Figure(figsize=(9.6, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1.0])
    _draw_shares(left, scenario, trace)
    _draw_regret(right, scenario, call, {call: trace} | {other: t for other, t in beside.items() if other != call})
    return figure


def shares(trace: Trace, n_actions: int, days: int) -> Floats:
    """(T, K) share of the decisions of each day that chose each action."""
    cells = np.minimum(trace.times.astype(int), days - 1) * n_actions + trace.chosen
    counts = np.bincount(cells, minlength=days * n_actions).reshape(days, n_actions)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def _draw_shares(axes: Axes, scenario: Scenario, trace: Trace) -> None:
    products, days = scenario.products, int(np.ceil(scenario.days))
    shown = shares(trace, len(products), days)
    drawn: Any = axes.stackplot(np.arange(days) + 0.5, 100 * shown.T, colors=_colours(scenario), linewidth=0)
    for day in launch_days(scenario):
        axes.axvline(day, color="white", linewidth=0.8, linestyle=":")
    axes.set_xlim(0.5, days - 0.5)
    axes.set_ylim(0, 100)
    axes.set_xlabel("day (dotted: launches)")
    titles = [product.title for product in products]
    axes.legend(drawn[::-1], titles[::-1], loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=7)
    effective = np.exp(-np.sum(shown * np.log(np.where(shown > 0, shown, 1.0)), axis=1))
    first, last = effective[:7].mean(), effective[-7:].mean()
    head(
        axes, "What it shows", f"% of visits; in effect {first:.1f} products in the first week, {last:.1f} in the last"
    )


def _colours(scenario: Scenario) -> list[Any]:
    """Incumbents in greys, launches from dark to light in the order of their days."""
    old = sum(product.incumbent for product in scenario.products)
    greys = iter(colormaps["Greys"](np.linspace(0.3, 0.65, old)))
    launched = iter(colormaps["viridis"](np.linspace(0, 0.95, len(scenario.products) - old)))
    return [next(greys if product.incumbent else launched) for product in scenario.products]


def _draw_regret(axes: Axes, scenario: Scenario, call: str, traces: dict[str, Trace]) -> None:
    days = np.arange(int(np.ceil(scenario.days)) + 1)
    ends = np.array([trace.regrets.sum() for trace in traces.values()])
    for (name, trace), height in zip(traces.items(), spread(ends, 0.07 * ends.max()), strict=True):
        total = np.append(0.0, trace.regrets.cumsum())[trace.times.searchsorted(days)]
        mine = name == call
        axes.plot(days, total, color=_MINE if mine else QUIET, linewidth=2.2 if mine else 1.2)
        colour = darker(_MINE if mine else QUIET)
        axes.annotate(
            name.partition("(")[0], (days[-1] * 1.02, height), va="center", color=colour, annotation_clip=False
        )
    axes.set_xlim(0, scenario.days)
    axes.set_ylim(0, None)
    axes.yaxis.set_major_formatter(thousands)
    axes.set_xlabel("day")
    head(axes, f"Regret: {traces[call].regrets.sum():,.0f}", "expected units given away, so far")


if __name__ == "__main__":
    main()
