"""Ranges of numbers, as they are typed: `0.1..3 log`, `10..200 whole`."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from policies.policy import PolicyError

_WRITTEN = re.compile(r"([^\s.][^\s]*?)\.\.([^\s]+)(\s+log)?(\s+whole)?")


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both tried; evenly spread over the logarithm where `log`."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def points(self, n: int) -> list[float]:
        """n numbers evenly from low to high; whole ones may be fewer."""
        found: list[float] = (np.geomspace if self.log else np.linspace)(self.low, self.high, n).tolist()
        return sorted({float(round(value)) for value in found}) if self.whole else found

    def at(self, share: float) -> float:
        """The number that lies at a share (0 to 1) of the way from low to high."""
        found = self.low * (self.high / self.low) ** share if self.log else self.low + share * (self.high - self.low)
        return round(found) if self.whole else float(found)

    def text(self, value: float) -> str:
        """The number as it is typed: four digits are enough to say what was tried."""
        return str(round(value)) if self.whole else f"{value:.4g}"

    def __str__(self) -> str:
        return f"{self.text(self.low)}..{self.text(self.high)}{' log' if self.log else ''}"


def written(values: str, what: str, typed: str, *, whole: bool = False) -> Range | None:
    """The range that a text such as `0.1..3 log` names; None where it has no dots between two ends.

    Args:
        values: the text.
        what: what an error calls it.
        typed: all that was typed, for an error.
        whole: whether only whole numbers are meant.

    Raises:
        PolicyError: its ends are no numbers in order, or log is asked of what is not above 0.
    """
    found = _WRITTEN.fullmatch(values.strip())
    if not found:
        return None
    try:
        low, high = float(found[1]), float(found[2])
    except ValueError:
        raise PolicyError(f"{what} must have numbers at both ends, got {typed!r}") from None
    if not -np.inf < low < high < np.inf:
        raise PolicyError(f"{what} must have its low end below its high end, got {typed!r}")
    if found[3] and low <= 0:
        raise PolicyError(f"{what} with log must lie above 0, got {typed!r}")
    return Range(low, high, bool(found[3]), whole or bool(found[4]))
