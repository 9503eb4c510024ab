"""A scenario with some of its keys changed: `arrivals.per_day = 400`, `products.*.stock = "x0.5"`."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from simulator.scenario import Scenario, ScenarioError

_FACTOR = re.compile(r"x\s*([0-9.]+(?:e[-+]?[0-9]+)?)")


def overridden(scenario: Scenario, overrides: Mapping[str, Any]) -> Scenario:
    """The scenario with values put in their places, checked anew.

    Args:
        scenario: as it was.
        overrides: place -> value. A place is the key of a part (`arrivals.per_day`); of a list it is one of its rows by
            number, by title or name, or all of them (`products.*.stock`, `products.Linen shirt.price`). A value such as
            "x0.5" multiplies what is there: whole numbers stay whole, lists are multiplied number by number, and what
            is not given (stock without limit) stays so.

    Raises:
        ScenarioError: there is no such place, nothing there can be multiplied, or the scenario cannot have the value.
    """
    if not overrides:
        return scenario
    values = scenario.model_dump()
    for place, value in overrides.items():
        factor = _FACTOR.fullmatch(value.strip()) if isinstance(value, str) else None
        change = partial(_multiplied, factor=float(factor[1])) if factor else partial(_instead, by=value)
        if not _put(values, place.split("."), change, place) and factor:
            raise ScenarioError(f"{place} must have a number to multiply, got none for {value!r}")
    return scenario.changed(**values)


def typed(texts: Iterable[str]) -> dict[str, Any]:
    """Overrides as they are typed on the command line: `arrivals.per_day=400`, `products.*.stock=x0.5`.

    Raises:
        ScenarioError: one is no place and value.
    """
    found = {}
    for text in texts:
        place, equals, value = (part.strip() for part in text.partition("="))
        if not (place and equals and value):
            raise ScenarioError(f"set must read like arrivals.per_day=400, got {text!r}")
        found[place] = _value(value)
    return found


def _value(text: str) -> Any:
    """What TOML reads; other text is itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


class _New(dict[str, Any]):
    """A part that the scenario did not have: any key may come into it."""


def _put(part: Any, path: list[str], change: Callable[[Any], Any], place: str) -> int:
    """Change what lies there; how many places held something before."""
    if isinstance(part, list):
        return sum(_put(row, rest, change, place) for row, rest in _rows(part, path, place))
    name, rest = path[0], path[1:]
    if isinstance(part, _New):
        part.setdefault(name, None if not rest else _New())
    if not isinstance(part, dict) or name not in part:
        raise _unknown(place, [*part] if isinstance(part, dict) else [])
    if not rest:
        before, part[name] = part[name], change(part[name])
        return before is not None
    if part[name] is None:  # a part that the scenario does not have yet; whether it may have it is checked at the end
        part[name] = _New()
    return _put(part[name], rest, change, place)


def _instead(_: Any, by: Any) -> Any:
    return by


def _multiplied(value: Any, factor: float) -> Any:
    if isinstance(value, list):
        return [_multiplied(one, factor) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return round(value * factor) if isinstance(value, int) else value * factor


def _rows(part: list[Any], path: list[str], place: str) -> list[tuple[Any, list[str]]]:
    """The rows of a list that a path names, each with the rest of the path; titles may hold dots."""
    if path[0] == "*":
        return [(row, path[1:]) for row in part]
    if path[0].isdigit() and int(path[0]) < len(part):
        return [(part[int(path[0])], path[1:])]
    for used in range(1, len(path)):
        called = ".".join(path[:used])
        if found := [(row, path[used:]) for row in part if called in _names(row)]:
            return found
    raise _unknown(place, ["*", *(name for row in part for name in _names(row))])


def _names(row: Any) -> list[str]:
    return [row[key] for key in ("title", "name") if key in row] if isinstance(row, dict) else []


def _unknown(place: str, known: list[str]) -> ScenarioError:
    near = difflib.get_close_matches(place.rpartition(".")[2], known, 1, 0.5)
    hint = f", did you mean {near[0]!r}?" if near else ""
    return ScenarioError(f"override must be a key of the scenario, got {place!r}{hint}")
