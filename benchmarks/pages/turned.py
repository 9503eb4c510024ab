"""What would change the answer, drawn and told: gains as one thing is turned, and all points for sliders."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.pages.figures import STYLE, WIDTH, panels
from benchmarks.pages.labels import name_ends
from benchmarks.pages.palette import QUIET, band_ink, colours
from benchmarks.what_if import WhatIf
from policies.policy import Floats

_PANEL = 2.7  # inches that the picture of one setting is high where they stand below each other
_TURNED = {"traffic": "visits", "stock": "units in stock", "novelty": "pull of what is new"}


def picture(found: WhatIf, width: float = 1.4 * WIDTH, axes: Sequence[Axes] | None = None) -> tuple[Figure, list[Axes]]:
    """A panel a setting: gain over the baseline against its factor, all else as it is; bands are the intervals."""
    narrow = width < 6
    n = len(found.factors)
    with rc_context(STYLE):
        size = (width, _PANEL * n + 0.8 if narrow else 4.2)
        figure, places = panels(axes, (n, 1) if narrow else (1, n), size, sharey=True)
        others = [policy for policy in found.cells.policy.unique() if policy != found.baseline]
        palette = colours(list(found.cells.policy.unique()))
        all_ends = []
        for place, name in zip(places, found.factors, strict=True):
            all_ends.append(_draw(place, found, name, others, palette))
        for place, reached in list(zip(places, all_ends, strict=True))[0 if narrow else -1 :]:
            name_ends(place, others, reached, palette)
        places[0].set_ylabel(f"% gained over {found.baseline}")
        if axes is None:
            title = f"What changes the gain over {found.baseline}: {_bands(found)}"
            title = textwrap.fill(title, 44 if narrow else 100)
            figure.suptitle(title, x=0.01, ha="left", fontsize=10.5 if narrow else 12, weight="bold")
        return figure, places


def _draw(axes: Axes, found: WhatIf, name: str, policies: list[str], palette: dict[str, str]) -> Floats:
    """Draw the panel of a setting; answers where each policy's line ends."""
    ends = []
    for policy in policies:
        own = found.alone(name)
        own = own[own.policy == policy].sort_values(name)
        at, dashes = np.arange(len(own)), "--" if policy == "oracle" else "-"
        axes.plot(at, own.difference_percent, f"o{dashes}", color=palette[policy], linewidth=2, markersize=5)
        ink = band_ink(len(policies))
        axes.fill_between(at, own.lower_percent, own.upper_percent, color=palette[policy], alpha=ink, lw=0)
        ends.append(float(own.difference_percent.iloc[-1]))
    axes.axhline(0, color=QUIET, linewidth=1.2)
    axes.set_xticks(range(len(found.factors[name])), [f"x{factor:g}" for factor in found.factors[name]])
    axes.set_xlabel(f"{name} ({_TURNED[name]})")
    return np.array(ends)


def answer(found: WhatIf, leader: str) -> list[str]:
    """How much the leader's gain hangs on each setting, the most telling one first, and whether another leads."""
    sentences = []
    for name, low, high in sorted(_reaches(found, leader), key=lambda each: -abs(each[2] - each[1])):
        fewest, most = found.factors[name][0], found.factors[name][-1]
        sentences.append(
            f"With {name} x{fewest:g} {leader} gains {low:+.1f}% over {found.baseline}, with x{most:g} {high:+.1f}%."
        )
    best = found.cells[~found.cells.policy.isin(["oracle"])].sort_values("sales", ascending=False)
    points = best.groupby(list(found.factors), sort=False).policy.first()
    ahead = int((points == leader).sum())
    sentences.append(f"{leader} sells the most at {ahead} of the {len(points)} points of the grid.")
    return sentences


def points(found: WhatIf) -> dict[str, Any]:
    """All that the sliders need: settings with their factors, and a list of rows for each point."""
    palette = colours(list(found.cells.policy.unique()))
    cells = {}
    for place, own in found.cells.groupby(list(found.factors), sort=True):
        cells[" ".join(f"{factor:g}" for factor in place)] = [
            _row(row, palette, found.baseline) for row in own.sort_values("sales", ascending=False).to_dict("records")
        ]
    spread = found.cells[["lower_percent", "upper_percent", "difference_percent"]].to_numpy(float)
    reach = [min(float(np.nanmin(spread)), 0.0), max(float(np.nanmax(spread)), 1.0)]
    settings = [
        {"name": name, "what": _TURNED[name], "factors": [f"{factor:g}" for factor in factors]}
        for name, factors in found.factors.items()
    ]
    return {"settings": settings, "cells": cells, "reach": reach, "baseline": found.baseline}


def _row(row: dict[Any, Any], palette: dict[str, str], baseline: str) -> dict[str, Any]:
    told = {"policy": row["policy"], "colour": palette[row["policy"]], "sales": f"{row['sales']:,.0f}"}
    if row["policy"] == baseline:
        return told | {"verdict": "baseline", "gain": "–", "at": None}
    at = [row["difference_percent"], row["lower_percent"], row["upper_percent"]]
    between = "" if np.isnan(at[1]) else f" ({at[1]:+.1f} to {at[2]:+.1f})"
    at = [at[0] if np.isnan(value) else value for value in at]
    return told | {"verdict": row["verdict"] or "one season", "gain": f"{at[0]:+.1f}%{between}", "at": at}


def _reaches(found: WhatIf, leader: str) -> list[tuple[str, float, float]]:
    """Of each setting: the leader's gain in percent at its lowest and at its highest, all else as it is."""
    rows = []
    for name in found.factors:
        own = found.alone(name)
        gains = own[own.policy == leader].sort_values(name).difference_percent
        if len(gains):
            rows.append((name, float(gains.iloc[0]), float(gains.iloc[-1])))
    return rows


def _bands(found: WhatIf) -> str:
    if found.seeds < 2:
        return "one season a point"
    return f"{found.seeds} seasons a point, bands hold together with 95%"
