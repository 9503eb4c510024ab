"""What a policy worsens while it sells more: a picture of guardrails, each policy beside what is allowed."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from benchmarks.compared import Comparison
from benchmarks.comparison.guardrails import MEASURES
from benchmarks.pages.figures import WIDTH, breadth, owner, scale
from benchmarks.pages.labels import head, shown_as
from benchmarks.pages.palette import QUIET, colours

_FARTHEST = 4.0  # times what is allowed: what is farther off is drawn at the edge
_ROOM = 0.7  # of a row, that the policies share
_LINE = 0.07  # inches that a policy's interval needs
_BELOW = 0.5  # inches below the axis that names begin


def draw_guards(axes: Axes, comparison: Comparison) -> None:
    """By how much each policy is worse than the baseline, as a multiple of what is allowed, with intervals."""
    found = comparison.guards
    policies, measures = list(found.policy.unique()), list(comparison.guardrails)
    palette = colours(comparison.policies)
    rows = [(policy, each) for policy in policies for each in comparison.kept(policy)]
    for policy, row in rows:
        place = _ROOM * (0.5 - (policies.index(policy) + 0.5) / len(policies))
        height = place + len(measures) - 1 - measures.index(row.measure)
        at, lower, upper = (_at(value, row.margin) for value in (row.worse, row.lower, row.upper))
        filled = palette[policy] if row.state == "broken" else "white"
        axes.plot([lower, upper], [height, height], color=palette[policy], linewidth=2.5)
        axes.plot(at, height, "o", color=palette[policy], markersize=6, markerfacecolor=filled, markeredgewidth=1.6)
    axes.axvspan(1, _FARTHEST + 0.3, color="#f7ddd0", zorder=0, linewidth=0)
    axes.axvline(0, color=QUIET, linewidth=1.2)
    axes.set_xlim(-_FARTHEST - 0.3, _FARTHEST + 0.3)
    ticks = range(-int(_FARTHEST), int(_FARTHEST) + 1, 2)
    narrow = breadth(axes) < WIDTH
    axes.set_xticks(ticks[:: 2 if narrow else 1], [_tick(tick) for tick in ticks[:: 2 if narrow else 1]])
    names = [f"{MEASURES[name].title}\n{100 * comparison.guardrails[name]:g}% allowed" for name in measures]
    axes.set_yticks(range(len(measures)), names[::-1])
    axes.set_ylim(-0.6, len(measures) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("better  |  worse, times what is allowed")
    _name(axes, policies, palette, narrow)
    broken = found[found.state == "broken"].policy.nunique()
    title = f"{broken} of {len(policies)} break a guardrail"
    head(axes, title, f"beside {comparison.baseline}, same visitors; shaded: more than allowed")


def height_for(comparison: Comparison, narrow: bool = False) -> float:
    """Inches that a picture of these policies needs: a line each in every row, and their names below."""
    n, measures = comparison.guards.policy.nunique(), len(comparison.guardrails)
    return max(4.6 if narrow else 4.4, 1.6 + _LINE * n * measures / _ROOM + 0.21 * -(-n // (2 if narrow else 3)))


def _name(axes: Axes, policies: list[str], palette: dict[str, str], narrow: bool) -> None:
    """Which colour is which policy, below the axis."""
    marks = [
        Line2D([], [], color=palette[policy], marker="o", label=shown_as(policy, axes), linewidth=2.5)
        for policy in policies
    ]
    below = axes.transAxes + ScaledTranslation(0, -_BELOW * scale(axes), owner(axes).dpi_scale_trans)
    about: dict[str, Any] = {"ncols": 2, "fontsize": 9} if narrow else {"ncols": 3, "fontsize": 9.5}
    place = (0.3 if narrow else 0.4, 0.0)
    axes.legend(handles=marks, loc="upper center", bbox_to_anchor=place, bbox_transform=below, frameon=False, **about)


def _at(value: float, margin: float) -> float:
    """As a multiple of the margin, within the picture; where nothing at all is allowed, in percent."""
    return float(min(max(value / (margin or 0.01), -_FARTHEST), _FARTHEST))


def _tick(tick: int) -> str:
    return "0" if tick == 0 else f"{'≤' if tick == -_FARTHEST else '≥' if tick == _FARTHEST else ''}{tick}x"
