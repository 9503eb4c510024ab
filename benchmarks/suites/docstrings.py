"""Public classes and functions as plain Markdown, from signatures and docstrings as they stand in the source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import griffe

_ROOT = Path(__file__).parents[2]


def section(heading: str, module: str, names: Sequence[str], skip: Sequence[str] = ()) -> str:
    """What `module` defines under these names, told as if it were imported from `heading`.

    Args:
        heading: what people import from.
        module: where it is defined.
        names: its classes and functions, in the order of the page.
        skip: members of a class that are told elsewhere.
    """
    file = _ROOT / f"{module.replace('.', '/')}.py"
    file = file if file.is_file() else file.with_suffix("") / "__init__.py"
    found = griffe.visit(module, filepath=file, code=file.read_text(encoding="utf-8"))
    lines = [f"## `{heading}`", ""]
    for name in names:
        lines += _told(found[name], heading, set(skip))
    return "\n".join(lines)


def _told(one: Any, heading: str, skip: set[str]) -> Iterator[str]:
    yield f"### {one.name}"
    yield ""
    if one.kind is griffe.Kind.FUNCTION:
        yield from _code(f"from {heading} import {one.name}", _signature(one))
        yield from _docstring(one)
        return
    made = one.members.get("__init__")
    made = made if made is not None and made.lineno else None
    yield from _code(f"from {heading} import {one.name}", *([_signature(made, one.name)] if made else []))
    yield from _docstring(one)
    members = [member for name, member in one.members.items() if not name.startswith("_") and name not in skip]
    fields = [member for member in members if member.kind is griffe.Kind.ATTRIBUTE and "property" not in member.labels]
    yield from _fields([field for field in fields if field.annotation is not None])
    for member in members:
        if member not in fields:
            yield from _member(one, member)


def _code(*lines: str) -> Iterator[str]:
    yield from ("```text", *lines, "```", "")


def _member(owner: Any, member: Any) -> Iterator[str]:
    shown = member.name if member.kind is griffe.Kind.ATTRIBUTE else _signature(member)
    yield f"#### `{owner.name}.{shown}`"
    yield ""
    yield from _docstring(member)


def _signature(function: Any, name: str = "") -> str:
    """`name(a, b=1, *, c=None) -> Type`, without `self` and without the types, which the docstring tells in words."""
    parts, starred = [], False
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = parameter.kind.value or ""
        if kind == "keyword-only" and not starred:
            parts.append("*")
            starred = True
        mark = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        starred |= mark == "*"
        default = "" if parameter.default is None or mark else f"={parameter.default}"
        parts.append(f"{mark}{parameter.name}{default}")
    answer = f" -> {function.returns}" if function.returns is not None and not name else ""
    return f"{name or function.name}({', '.join(parts)}){answer}"


def _fields(fields: list[Any]) -> Iterator[str]:
    if not fields:
        return
    yield "| field | holds | |"
    yield "|---|---|---|"
    for field in fields:
        yield f"| `{field.name}` | `{str(field.annotation).replace('|', 'or')}` | {_beside(field)} |"
    yield ""


def _beside(field: Any) -> str:
    """The words beside a field, or below it."""
    if field.docstring is not None:
        return " ".join(field.docstring.value.split())
    lines = field.filepath.read_text(encoding="utf-8").splitlines()[field.lineno - 1 : field.endlineno]
    return " ".join(found[1] for line in lines if (found := re.search(r"#\s*(.+)", line)))


def _docstring(one: Any) -> Iterator[str]:
    if one.docstring is None:
        return
    for part in one.docstring.parse(griffe.Parser.google, warnings=False):
        if part.kind is griffe.DocstringSectionKind.text:
            yield from (part.value.strip(), "")
        elif part.kind is griffe.DocstringSectionKind.parameters:
            yield from (f"- `{given.name}`: {_flat(given.description)}" for given in part.value)
            yield ""
        elif part.kind is griffe.DocstringSectionKind.raises:
            yield from (f"- raises `{error.annotation}`: {_flat(error.description)}" for error in part.value)
            yield ""


def _flat(text: str) -> str:
    return " ".join(text.split())
