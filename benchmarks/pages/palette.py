"""Colours that colour-blind readers tell apart; one policy, one colour, in every picture."""

from __future__ import annotations

from itertools import chain, count

import numpy as np
from matplotlib.colors import hsv_to_rgb, to_hex, to_rgb

_FIXED = {  # Okabe & Ito (2008)
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
_BAND = 0.11  # ink of a band; many on each other share it out
INK, QUIET = "#222222", "#6b6b6b"


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


def band_ink(policies: int) -> float:
    """How opaque a band is: of many that lie on each other each is paler."""
    return _BAND * min(1.0, 7 / policies)


def darker(colour: str) -> tuple[float, ...]:
    """The colour with enough ink in it to be read as text on white."""
    return tuple(0.65 * np.array(to_rgb(colour)))
