"""What the fit of one part of a shop answers: settings for the scenario, how sure they are, and draws of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Settings = dict[str, Any]  # by place in the scenario, such as "arrivals.per_day" or "products.popularity"

IDENTIFIED = "identified"
WEAK = "weakly identified"
NOT = "not identified, left at its default"


@dataclass(frozen=True)
class Parameter:
    """One number (or column of numbers) of the scenario, with what is known of it."""

    place: str  # in the TOML
    value: float
    error: float  # standard error; NaN where the data does not say
    unit: str
    status: str  # IDENTIFIED, WEAK or NOT
    why: str = ""


def parameter(
    place: str, value: float, error: float, unit: str, why: str = "", *, scale: float | None = None
) -> Parameter:
    """A parameter whose status follows from its error: weak where that is above a third of `scale` (default: value)."""
    known = np.isfinite(error) and error <= abs(value if scale is None else scale) / 3
    return Parameter(place, float(value), float(error), unit, IDENTIFIED if known else WEAK, why)


def default(place: str, value: float, unit: str, why: str) -> Parameter:
    """A parameter that the data does not tell."""
    return Parameter(place, value, float("nan"), unit, NOT, why)


def _nothing(random: np.random.Generator) -> Settings:
    return {}


class Mirrored:
    """Draws in pairs, of which each is the mirror image of the other about the best: few of them have the mean of all
    (antithetic variates; Hammersley & Morton 1956). For posteriors that are as likely on either side.
    """

    def __init__(self, best: dict[str, Any], draw: Callable[[np.random.Generator], dict[str, Any]]) -> None:
        self._best, self._draw = best, draw
        self._other: dict[str, Any] | None = None

    def __call__(self, random: np.random.Generator) -> dict[str, Any]:
        """The next draw."""
        if self._other is not None:
            one, self._other = self._other, None
            return one
        one = self._draw(random)
        self._other = {name: 2 * self._best[name] - value for name, value in one.items()}
        return one


@dataclass(frozen=True)
class Part:
    """A fitted part of a shop."""

    settings: Settings
    parameters: list[Parameter]
    draw: Callable[[np.random.Generator], Settings] = field(default=_nothing)  # settings that another draw replaces


Floats = npt.NDArray[np.float64]
