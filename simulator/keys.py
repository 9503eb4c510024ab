"""Every key of a scenario as its model has it: default, rule, and the words that stand beside it in the source."""

from __future__ import annotations

import ast
import inspect
import io
import json
import textwrap
import tokenize
import types
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union

from pydantic.fields import FieldInfo

from simulator import toml
from simulator.scenario import Part, Scenario

_WORDS = {float: "number", int: "whole number", str: "text", bool: "true or false"}
_BOUNDS = {"gt": "above {}", "ge": "from {}", "lt": "below {}", "le": "to {}"}
_LEFT_OUT = ("name", "calibration")  # not for whoever writes a scenario: the file's name, and what `calibrate` found


@dataclass(frozen=True)
class Key:
    """One key of a table."""

    name: str
    kind: str  # what may stand there: "number above 0", '"units", "revenue" or "margin"', "table", "list of tables"
    default: str | None  # as TOML; "" where it is none, None where the key must be given
    about: str  # meaning and unit
    part: type[Part] | None  # what the table holds, where it is one


@dataclass(frozen=True)
class Table:
    """A table of the file."""

    path: str  # "", "arrivals", "users.segments"
    about: str
    keys: list[Key]
    listed: bool  # written as [[path]]
    optional: bool  # the season is without it where it is not given


def tables() -> list[Table]:
    """All tables of a scenario, the top of the file first, each before those inside it."""
    return _inside("", Scenario, listed=False, optional=False)


def _inside(path: str, part: type[Part], *, listed: bool, optional: bool) -> list[Table]:
    keys = [_key(part, name) for name in part.model_fields if part is not Scenario or name not in _LEFT_OUT]
    found = [Table(path, inspect.cleandoc(part.__doc__ or ""), keys, listed, optional)]
    for key in keys:
        if key.part is not None:
            inner = f"{path}.{key.name}" if path else key.name
            found += _inside(inner, key.part, listed=key.kind == "list of tables", optional=key.default == "")
    return found


def _key(part: type[Part], name: str) -> Key:
    field = part.model_fields[name]
    inner = _part(field.annotation)
    return Key(name, _kind(field), _default(field), comments(part).get(name, ""), inner)


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    if value is None:
        return ""
    if isinstance(value, Part):
        return "{}"  # the table's own defaults
    plain = [one.model_dump(exclude_defaults=True) if isinstance(one, Part) else one for one in _listed(value)]
    return toml.written(plain if isinstance(value, list) else plain[0])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _kind(field: FieldInfo) -> str:
    """What may stand there, in words."""
    one = _meant(field.annotation)
    if typing.get_origin(one) is list:
        (inside,) = typing.get_args(one)
        if _part(inside):
            return "list of tables"
        return f"list of {_plural(inside)}{_length(field.metadata)}"
    if typing.get_origin(one) is dict:
        by, inside = typing.get_args(one)
        return f"table of {_plural(_bare(inside))} by {_word(by)}"
    if _part(one):
        return "table"
    return f"{_word(one)}{_bounds(field.metadata)}"


def _word(one: Any) -> str:
    if typing.get_origin(one) is Literal:
        *first, last = [json.dumps(value) for value in typing.get_args(one)]
        return f"{', '.join(first)} or {last}"
    if isinstance(one, types.UnionType):
        return " or ".join(_word(each) for each in typing.get_args(one))
    return _WORDS.get(one, "date")


def _plural(inside: Any) -> str:
    if isinstance(inside, types.UnionType):
        return " or ".join(_plural(each) for each in typing.get_args(inside))
    word = _word(inside)
    return "names" if word == "text" else f"{word}s"


def _bounds(rules: list[Any]) -> str:
    found = [
        words.format(f"{getattr(rule, name):,}")
        for rule in rules
        for name, words in _BOUNDS.items()
        if hasattr(rule, name)
    ]
    return f" {' '.join(found)}" if found else ""


def _length(rules: list[Any]) -> str:
    least = next((rule.min_length for rule in rules if hasattr(rule, "min_length")), None)
    most = next((rule.max_length for rule in rules if hasattr(rule, "max_length")), None)
    if least is not None and least == most:
        return f", {least} of them"
    return f", at most {most:,}" if most is not None else ""


def _meant(annotation: Any) -> Any:
    """The annotation without the None that says that a key may be left out."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        given = [one for one in typing.get_args(annotation) if one is not type(None)]
        return given[0] if len(given) == 1 else annotation
    return annotation


def _bare(annotation: Any) -> Any:
    """The annotation without the rules that values keep to."""
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation


def _part(annotation: Any) -> type[Part] | None:
    """The part that an annotation holds, alone or in a list."""
    one = _meant(annotation)
    if typing.get_origin(one) is list:
        one = typing.get_args(one)[0]
    return one if isinstance(one, type) and issubclass(one, Part) else None


@cache
def comments(part: type[Part]) -> dict[str, str]:
    """What stands beside each key in the source of its class."""
    source = textwrap.dedent(inspect.getsource(part))
    said = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for line in typing.cast(ast.ClassDef, ast.parse(source).body[0]).body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            words = [said[number] for number in range(line.lineno, (line.end_lineno or 0) + 1) if number in said]
            found[line.target.id] = " ".join(words)
    return found
