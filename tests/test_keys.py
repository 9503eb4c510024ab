"""The keys of a scenario: kinds, rules and defaults are those by which the model accepts and refuses."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from simulator.keys import Key, comments, tables
from simulator.scenario import Arrivals, Part, Product, Restocking, Scenario

_TABLES = {table.path: {key.name: key for key in table.keys} for table in tables()}


def key(path: str) -> Key:
    table, _, name = path.rpartition(".")
    return _TABLES[table][name]


@pytest.mark.parametrize(
    ("path", "kind", "default"),
    [
        ("days", "number above 0 to 3,650", None),
        ("reward", '"units", "revenue" or "margin"', '"units"'),
        ("arrivals.word_of_mouth", "number from 0 below 1", "0.0"),
        ("arrivals.weekdays", "list of numbers, 7 of them", "[9.0, 9, 9, 10, 11, 13, 12]"),
        ("calendar.start", "date", ""),
        ("calendar.closed", "list of names or dates", "[]"),
        ("calendar.dates", "table of numbers by date", "{}"),
        ("users.durable", "true or false", "true"),
        ("users.segments", "list of tables", '[{ name = "everyone", share = 1.0 }]'),
        ("products.stock", "whole number from 0", ""),
        ("pieces.breaks", "list of tables", "[]"),
    ],
)
def test_a_key_says_what_may_stand_there(path: str, kind: str, default: str | None) -> None:
    assert (key(path).kind, key(path).default) == (kind, default)


def test_words_are_those_beside_the_key_in_the_source_on_one_line_or_several() -> None:
    assert comments(Arrivals)["buzz_days"] == "how long a launch is talked about"
    assert comments(Restocking)["at"] == "s, units on hand and on order"
    assert key("buying.returns").about.startswith("share of buyers who would send it back; past the window")


def test_every_table_that_the_model_knows_is_there() -> None:
    inside = {path.rpartition(".")[2] for path in _TABLES} - {""}
    assert {name for name, found in _TABLES[""].items() if found.part} <= inside
    assert {"users.segments", "products.restocking"} <= set(_TABLES)


def bounded() -> list[Any]:
    found = []
    for path, keys in _TABLES.items():
        for name, one in keys.items():
            if "number" in one.kind and "list" not in one.kind and re.search("(above|from|below|to) ", one.kind):
                found.append(pytest.param(path, name, one, id=f"{path}.{name}".strip(".")))
    return found


@pytest.mark.parametrize(("path", "name", "one"), bounded())
def test_the_stated_bounds_are_where_the_model_begins_to_refuse(path: str, name: str, one: Key) -> None:
    part = part_of(path)
    for word, bound in re.findall(r"(above|from|below|to) ([\d.,]+)", one.kind):
        value = float(bound.replace(",", ""))
        outside = value - 1 if word in ("above", "from") else value + 1
        assert name in refused(part, {name: outside})
        assert (name in refused(part, {name: value})) == (word in ("above", "below"))


def part_of(path: str) -> type[Part]:
    if not path:
        return Scenario
    part = key(path).part
    assert part is not None
    return part


def refused(part: type[Part], values: dict[str, Any]) -> set[str]:
    """The keys that are wrong in themselves, others missing or not."""
    try:
        part.model_validate(values)
    except ValidationError as error:
        return {str(one["loc"][0]) for one in error.errors() if one["loc"] and one["type"] != "missing"}
    return set()


@pytest.mark.parametrize("path", _TABLES)
def test_defaults_are_the_models(path: str) -> None:
    fields = part_of(path).model_fields
    for name, one in _TABLES[path].items():
        assert fields[name].is_required() == (one.default is None)
        if one.default and one.part is None:
            assert tomllib.loads(f"x = {one.default}")["x"] == fields[name].default


def test_a_product_that_gives_only_what_must_be_given_is_one() -> None:
    must = {name for name, one in _TABLES["products"].items() if one.default is None}
    assert must == {"title", "category", "price"}
    assert Product(title="p", category="c", price=1)
