"""What exactly is another in a scenario than in the one it came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from simulator.keys import tables
from simulator.scenario import Scenario

_WORDS = ("name", "title", "about", "calibration")  # a scenario may be called something else
_MISSING = object()


class Difference(NamedTuple):
    """One key."""

    place: str  # "arrivals.per_day", "products.Linen shirt.stock"
    before: str
    now: str
    about: str  # what the key means


def differences(base: Scenario, now: Scenario) -> list[Difference]:
    """Every key whose value is another, products by their titles; what the season is called left out."""
    about = {f"{table.path}.{key.name}".lstrip("."): key.about for table in tables() for key in table.keys}
    return [
        Difference(place, _told(before), _told(after), about.get(_key(place), ""))
        for place, before, after in _differ("", base.model_dump(exclude={*_WORDS}), now.model_dump(exclude={*_WORDS}))
    ]


def _differ(place: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    before, after = _by_title(before), _by_title(after)
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            inner = f"{place}.{key}" if place else key
            yield from _differ(inner, before.get(key, _MISSING), after.get(key, _MISSING))
    elif before != after:
        yield place, before, after


def _by_title(value: Any) -> Any:
    """Products, segments as a dictionary; numbers in a list are one value."""
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return {one.get("title") or one.get("name") or f"{number}": one for number, one in enumerate(value)}
    return value


def _told(value: Any) -> str:
    if value is _MISSING:
        return "not there"
    if isinstance(value, dict):
        return "there"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | int):
        return f"{value:,.6g}"
    return "none" if value is None else str(value)


def _key(place: str) -> str:
    """Without the title of a row: `products.Linen shirt.stock` is told under `products.stock`."""
    first, _, rest = place.partition(".")
    return f"products.{rest.rpartition('.')[2]}" if first == "products" and rest else place
