"""TOML that is written is read back as it was."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import toml

KEYS = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.one_of(TEXTS, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.one_of(PLAIN, st.booleans(), st.dates(), st.lists(PLAIN), st.lists(st.dictionaries(KEYS, PLAIN)))


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(KEYS, st.one_of(VALUES, st.dictionaries(KEYS, VALUES))))
def test_what_is_written_is_read_back(values: dict[str, Any]) -> None:
    assert tomllib.loads(toml.dumps(values)) == values


def test_what_is_none_is_left_out_and_tables_of_a_list_stand_on_lines_of_their_own() -> None:
    values = {"a": {"b": None, "c": 1}, "rows": [{"d": "x", "e": None}, {"d": "y"}], "f": None}
    assert toml.dumps(values) == 'rows = [\n  { d = "x" },\n  { d = "y" },\n]\n\n[a]\nc = 1\n'
