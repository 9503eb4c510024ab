"""Settings checked as they come in: every error is one line, "name must rule, got value"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from policies.calls import nearest
from policies.policy import PolicyError


def between(name: str, value: Any, low: float, high: float) -> float:
    """A number from low to high, both allowed."""
    _require(name, value, f"be between {low:g} and {high:g}", _number(value) and low <= value <= high)
    return float(value)


def at_least(name: str, value: Any, low: float) -> float:
    """A finite number that is not below low."""
    _require(name, value, f"be a number of at least {low:g}", _number(value) and value >= low)
    return float(value)


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    _require(name, value, "be positive", _number(value) and value > 0)
    return float(value)


def whole(name: str, value: Any, low: int) -> int:
    """A whole number that is not below low."""
    holds = _number(value) and value == int(value) and value >= low
    _require(name, value, f"be a whole number of at least {low}", holds)
    return int(value)


def one_of(name: str, value: Any, known: Sequence[str]) -> str:
    """One of the words that are known."""
    if value not in known:
        meant = nearest(value, known) if isinstance(value, str) else ""
        raise PolicyError(f"{name} must be one of {', '.join(known)}, got {value!r}{meant}")
    return str(value)


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _require(name: str, value: Any, rule: str, holds: bool) -> None:
    if not holds:
        raise PolicyError(f"{name} must {rule}, got {value!r}")
