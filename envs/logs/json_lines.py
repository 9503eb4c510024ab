"""JSON lines: which fields the objects have, by dotted names, as columns of text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from envs.logs.csv_files import LONGEST_LINE, TextFiles, not_text
from envs.logs.file_kind import opened
from envs.logs.rows import LogError

_SAMPLE = 1_000  # lines among which fields are looked for
_MOST_FIELDS = 10_000


@dataclass
class Field:
    """Where a field stands in the object of a line."""

    pointer: str  # RFC 6901
    is_list: bool = False

    @property
    def sql(self) -> str:
        """Text, or a list of text, from the column `line`."""
        place = "'" + self.pointer.replace("'", "''") + "'"
        if self.is_list:
            return f"from_json(json_extract(line, {place}), '[\"VARCHAR\"]')"
        return f"json_extract_string(line, {place})"


def fields(text: TextFiles) -> dict[str, Field]:
    """Dotted name -> field, of the first lines; lists of objects have none.

    Raises:
        LogError: no line is an object, or there are too many fields.
    """
    found: dict[str, Field] = {}
    for line in _lines(text):
        for name, pointer, value in _leaves(line, "", ""):
            field = found.setdefault(name, Field(pointer))
            field.is_list = field.is_list or isinstance(value, list)
    if not found:
        raise not_text(text.named[0], text.encoding.removesuffix("-sig"), "no JSON object a line")
    if len(found) > _MOST_FIELDS:
        raise LogError(f"log must have at most {_MOST_FIELDS} fields, got {len(found)} in {str(text.named[0])!r}")
    return found


def _lines(text: TextFiles) -> Iterator[dict[str, Any]]:
    for file in text.files:
        with opened(file, "utf-8-sig") as lines:
            for line in islice(iter(partial(lines.readline, LONGEST_LINE), ""), _SAMPLE):
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(value, dict):
                    yield value


def _leaves(value: dict[str, Any], name: str, pointer: str) -> Iterator[tuple[str, str, Any]]:
    for key, inner in value.items():
        path = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{name}{key}.", path)
        elif not (isinstance(inner, list) and any(isinstance(one, (dict, list)) for one in inner)):
            yield f"{name}{key}", path, inner
