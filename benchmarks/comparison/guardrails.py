"""Guardrails: what a policy may not worsen while it sells more, and by how much at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.comparison.statistics import CONFIDENCE, Paired, mean_interval
from policies.policy import Floats, PolicyError

Seasons = Callable[[str], Floats]  # what each season came to: the name of a column -> (n,)
_WANTED = "must be measure=share such as margin=2%"


@dataclass(frozen=True)
class Kept:
    """What came of one guardrail for one policy: how much worse than the baseline, as a share."""

    measure: str
    margin: float  # as much worse it may be
    worse: float  # as much worse it is; negative: better
    lower: float
    upper: float
    state: str  # "holds", "broken", "cannot tell"; "" with one season


@dataclass(frozen=True)
class _Measure:
    """A measure that is guarded."""

    title: str
    unit: str  # of a margin
    worse: Callable[[Seasons, Seasons], Floats]  # (mine, the baseline's) -> (n,) how much worse, as a share
    margin: float  # where none is stated


def _fall(column: str) -> Callable[[Seasons, Seasons], Floats]:
    """How much less than the baseline has on average."""
    return lambda mine, base: (base(column) - mine(column)) / (abs(base(column).mean()) or 1.0)


def _rise(column: str) -> Callable[[Seasons, Seasons], Floats]:
    """How much more than the baseline has on average; of a baseline without any, each piece is all there is."""
    return lambda mine, base: (mine(column) - base(column)) / (abs(base(column).mean()) or 1.0)


def _share_rise(part: str, of: Callable[[Seasons], Floats]) -> Callable[[Seasons, Seasons], Floats]:
    """How much larger the share of a part is."""

    def share(seasons: Seasons) -> Floats:
        return seasons(part) / np.maximum(of(seasons), 1.0)

    return lambda mine, base: share(mine) - share(base)


def _sold(seasons: Seasons) -> Floats:
    return seasons("units") + seasons("returned")


MEASURES = {
    "lost_sales": _Measure(
        "lost sales", "of all that was wanted", _share_rise("lost_sales", lambda s: _sold(s) + s("lost_sales")), 0.02
    ),
    "returns": _Measure("returns", "of all that was sold", _share_rise("returned", _sold), 0.02),
    "leftovers": _Measure("leftovers", "of the baseline's", _rise("leftovers"), 0.10),
    "stranded": _Measure(
        "leftovers", "of all that was bought", _share_rise("leftovers", lambda seasons: seasons("bought")), 0.02
    ),
    "margin": _Measure("margin", "of the baseline's", _fall("margin"), 0.02),
    "conversion": _Measure("visits that buy", "of the baseline's", _fall("conversion"), 0.02),
}
_OF_PLANS = ("stranded",)  # of runs it is not kept what was bought
DEFAULTS = {name: measure.margin for name, measure in MEASURES.items() if name not in _OF_PLANS}


def parse(stated: Sequence[str]) -> dict[str, float] | None:
    """Guardrails as typed: `margin=2%`, several of them, or `none`; None where nothing was typed.

    Raises:
        PolicyError: a measure that is not guarded, or a margin that is no share.
    """
    if not stated:
        return None
    if list(stated) == ["none"]:
        return {}
    return checked(dict(_read(text) for text in stated))


def _read(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        value = float(number.strip().removesuffix("%"))
    except ValueError:
        raise PolicyError(f"guard {_WANTED}, got {text!r}") from None
    return name.strip(), value / 100 if number.strip().endswith("%") else value


def checked(guardrails: Mapping[str, float]) -> dict[str, float]:
    """The guardrails, once all are known and every margin makes sense.

    Raises:
        PolicyError: one is not.
    """
    for name, margin in guardrails.items():
        if name not in DEFAULTS:
            raise PolicyError(f"guard must be one of {', '.join(DEFAULTS)}, got {name!r}")
        if not 0 <= margin <= 1:
            raise PolicyError(f"guard {name} must be from 0% to 100%, got {100 * margin:g}%")
    return dict(guardrails)


def kept(
    mine: Seasons, base: Seasons, guardrails: Mapping[str, float], comparisons: int = 1, *, anytime: bool = False
) -> list[Kept]:
    """Non-inferiority tests: is a policy surely not worse than the baseline by more than the margin?

    "holds" where the interval of how much worse it is ends at the margin or below, "broken" where it begins above it.
    Each test has the level of a verdict, adjusted for the number of policies. For the number of guardrails none is
    adjusted: "better" needs all of them to hold, and all hold wrongly no more often than any one does
    (intersection-union test, Berger 1982; so Schultzberg, Ankargren and Fraanberg 2024, "Risk-aware product decisions
    in A/B tests with multiple metrics").
    """
    confidence = 1 - (1 - CONFIDENCE) / comparisons
    found = []
    for name, margin in guardrails.items():
        worse, lower, upper = (
            float(value) for value in mean_interval(MEASURES[name].worse(mine, base), confidence, anytime=anytime)
        )
        found.append(Kept(name, margin, worse, lower, upper, _state(lower, upper, margin)))
    return found


def _state(lower: float, upper: float, margin: float) -> str:
    if np.isnan(upper):
        return ""
    return "holds" if upper <= margin else "broken" if lower > margin else "cannot tell"


def verdict(gain: Paired, harms: Sequence[Kept], others: Sequence[Kept]) -> str:
    """The verdict on sales, with "discuss" where guardrails stand against it.

    Whoever sells more must be shown to keep every guardrail; whoever sells less is spared "worse" only where what sells
    more is shown to break one.

    Args:
        gain: of the policy over the baseline.
        harms: what the policy worsens.
        others: what the baseline worsens beside the policy.
    """
    if gain.verdict == "better" and any(each.state != "holds" for each in harms):
        return "discuss"
    if gain.verdict == "worse" and any(each.state == "broken" for each in others):
        return "discuss"
    return gain.verdict
