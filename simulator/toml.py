"""TOML: plain values as text, a table of a list on one line each, which is how scenarios are written by hand too."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any


def dumps(values: Mapping[str, Any]) -> str:
    """Strings, numbers, dates, lists and tables as TOML 1.0; what is None is left out."""
    given = {key: value for key, value in values.items() if value is not None}
    tables = {key: value for key, value in given.items() if isinstance(value, Mapping)}
    lines = [f"{key} = {written(value, apart=True)}" for key, value in given.items() if key not in tables]
    for key, table in tables.items():
        inner = [f"{name} = {written(value, apart=True)}" for name, value in table.items() if value is not None]
        lines += ["", f"[{key}]", *inner]
    return "\n".join(lines) + "\n"


def written(value: Any, *, apart: bool = False) -> str:
    """One value as TOML; `apart`: a list of tables stands on lines of its own."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {written(one)}" for key, one in value.items() if one is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return _list(list(value), apart)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime.date) else repr(value)


def _list(values: list[Any], apart: bool) -> str:
    parts = [written(value) for value in values]
    if apart and any(isinstance(value, Mapping) for value in values):
        return "[\n" + "".join(f"  {part},\n" for part in parts) + "]"
    return f"[{', '.join(parts)}]"
