"""The picture of a sweep: what each policy gains over the baseline as one setting is varied, with bands."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.pages.figures import NARROW, STYLE, panels
from benchmarks.pages.labels import head, name_ends
from benchmarks.pages.palette import QUIET, colours
from benchmarks.pages.plots import UNITS

_PANELS = 6  # combinations of what else is varied
_SIZE = 4.6, 3.5  # inches of a panel


def picture(
    settings: pd.DataFrame, measure: str, baseline: str, axes: Sequence[Axes] | None = None, *, narrow: bool = False
) -> tuple[Figure, list[Axes]]:
    """A panel a combination of everything but what is varied most, that along the axis.

    Args:
        settings: as of `benchmarks.sweeps.settings.by_setting`.
        measure: what is judged.
        baseline: the policy that the others are compared with.
        axes: of somebody's, one a panel, six at most; None for a figure of its own.
        narrow: as a phone shows it, one panel below another.

    Raises:
        ValueError: nothing was varied, or no policy has a difference.
    """
    varied = varied_in(settings)
    gains = settings[(settings.policy != baseline) & settings.difference.notna()]
    if not varied or gains.empty:
        raise ValueError("picture must have a setting that is varied and a policy beside the baseline, got none")
    along = max(varied, key=lambda column: settings[column].nunique())
    others = [column for column in varied if column != along]
    places = dict(list(gains.groupby(others, sort=False, dropna=False))[:_PANELS] if others else [((), gains)])
    left_out = (gains.groupby(others, dropna=False).ngroups if others else 1) - len(places)
    with rc_context(STYLE):
        across = 1 if narrow else min(2, len(places))
        down = -(-len(places) // across)
        shape = (down, across) if axes is None else (1, len(places))
        size = (NARROW["width"], 3.1 * down + 0.7) if narrow else (_SIZE[0] * across + 1.6, _SIZE[1] * down + 0.5)
        figure, grid = panels(axes, shape, size, sharey=True)
        ends = [
            _panel(one, rows, along, dict(zip(others, place if isinstance(place, tuple) else (place,), strict=True)))
            for one, (place, rows) in zip(grid, places.items(), strict=False)
        ]
        for one, reached in zip(grid, ends, strict=False):  # once all have drawn: they share an axis
            name_ends(one, list(reached), np.array(list(reached.values())), colours(list(reached)))
        for one in grid[len(places) :]:
            one.set_axis_off()
        grid[0].set_ylabel(f"{UNITS.get(measure, measure)} gained over {baseline}")
        more = f" ({left_out} further combinations are not drawn)" if left_out else ""
        title = f"Gain over {baseline} by {along}; bands: 95%, all comparisons together{more}"
        if axes is None:
            figure.suptitle(
                textwrap.fill(title, 40 if narrow else 45 * across), x=0.01, ha="left", fontsize=12, weight="bold"
            )
        return figure, grid[: len(places)]


def varied_in(settings: pd.DataFrame) -> list[str]:
    """The columns of what was varied, which stand first."""
    return list(settings.columns[: list(settings.columns).index("policy")])


def _panel(axes: Axes, rows: pd.DataFrame, along: str, place: dict[str, Hashable]) -> dict[str, float]:
    """Draw one; answers where each policy's line ends."""
    values = sorted(rows[along].unique(), key=_rank)
    policies = [str(policy) for policy in rows.policy.unique()]
    palette = colours(policies)
    ends = {}
    for policy in policies:
        own = rows[rows.policy == policy].drop_duplicates(along).set_index(along).reindex(values)
        places = np.arange(len(values))
        axes.plot(places, own.difference, "o--" if policy == "oracle" else "o-", color=palette[policy], markersize=5)
        axes.fill_between(
            places, own.difference_lower, own.difference_upper, color=palette[policy], alpha=0.12, linewidth=0
        )
        ends[policy] = float(own.difference.dropna().iloc[-1])
    axes.axhline(0, color=QUIET, linewidth=1.2)
    axes.set_xticks(range(len(values)), [f"{value:g}" if isinstance(value, float) else str(value) for value in values])
    axes.set_xlabel(along)
    head(axes, ", ".join(f"{name} {value}" for name, value in place.items()), "")
    return ends


def _rank(value: object) -> tuple[bool, float, str]:
    """Numbers, and factors such as x0.5, by size; then words."""
    try:
        return False, float(str(value).removeprefix("x")), ""
    except ValueError:
        return True, 0.0, str(value)
