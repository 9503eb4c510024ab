"""The mapping of columns: TOML there and back, proposals from names, and one line for what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envs.feedback import LogError
from envs.logs.columns import Columns, Context, Items

names = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x7f"), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=st.lists(names, min_size=5, max_size=5, unique=True), unit=st.sampled_from(["days", "seconds"]))
def test_what_is_written_as_toml_reads_back_the_same(columns: list[str], unit: str, tmp_path: Path) -> None:
    time, action, reward, one, other = columns
    made = Columns(
        time,
        action,
        reward,
        context={one: Context("hash", "mode", 8), other: Context("number", "median")},
        time_unit=unit,
        actions=("a", 'b "c"'),
        propensity={"a": 0.25, 'b "c"': 0.5},
        time_format="%d.%m.%Y",
        decimal=",",
        thousands=".",
        negate=True,
        items=Items({f"{one} {other} shown": Context("one-hot", "mode")}),
    )
    (tmp_path / "columns.toml").write_text(made.text(), encoding="utf-8")
    assert Columns.of(tmp_path / "columns.toml") == made


def test_a_catalogue_is_looked_for_beside_the_mapping_that_names_it(tmp_path: Path) -> None:
    text = (
        "action = 'b'\nreward = 'c'\npropensity = 0.25\n[items]\nfile = 'i.csv'\nid = 'sku'\nfeatures.price = 'number'"
    )
    (tmp_path / "columns.toml").write_text(text)
    found = Columns.of(tmp_path / "columns.toml")
    assert found.items == Items({"price": Context("number")}, str(tmp_path / "i.csv"), "sku")
    assert found.propensity == 0.25
    assert found.time == ""
    (tmp_path / "again.toml").write_text(found.text())
    assert Columns.of(tmp_path / "again.toml") == found


ROLES = "time = 'a'\naction = 'b'\nreward = 'c'\n"
BROKEN = {
    ROLES + "delimiter = 5": "delimiter must be text, got 5",
    ROLES + "delimiter = ';;'": "delimiter must be one character and no quote, got ';;'",
    ROLES + "encoding = ['utf-8']": "encoding must be text, got",
    ROLES + "encoding = 'klingon'": "encoding must be one that Python knows.*, got 'klingon'",
    ROLES + "encoding = 'base64'": "encoding must be one that Python knows.*, got 'base64'",
    ROLES + "table = true": "table must be text, got True",
    ROLES + "context = ['age']": r"context must be a table of columns, got \['age'\]",
    ROLES + "context = 'age'": "context must be a table of columns, got 'age'",
    ROLES + "actions = 1000000000": "actions must be a number from 1 to 4096 .*, got 1000000000",
    ROLES + "actions = ['tea', 'tea']": "actions must be .* different names",
    ROLES + "actions = true": "actions must be .*, got True",
    ROLES + "propensity = 0": "propensity must be .* above 0 and at most 1.*, got 0",
    ROLES + "propensity = {}": "propensity must be .*, got none",
    ROLES + "propensity.tea = 'half'": "propensity must be .*, got 'half'",
    ROLES + "decimal = ';'": "decimal must be . or , and thousands another",
    ROLES + "decimal = ','\nthousands = ','": "decimal must be . or , and thousands another",
    ROLES + "negate = 1": "negate must be true or false, got 1",
    ROLES + "items = 'items.csv'": "items must be a table of features, file, id, got 'items.csv'",
    ROLES + "[items]\nfile = 'i.csv'\nfeatures.x = 'number'": "items must have both file and id, or neither",
    ROLES + "[items]\nfile = 'i.csv'\nid = 'sku'": "items must have features, got none",
    ROLES + "[items]\nid = 3": "items id must be text, got 3",
    ROLES + "[items.features]\na = 'number'": "one role, got 'a' in several",
    "time = 'a'\naction = 'b'": "reward must name a column, got none",
    "time = 'a'\naction = 'b'\nreward = 'c'\nprice = 'd'": "key must be one of .*, got 'price'",
    "time = 'a'\naction = 'b'\nreward = 3": "reward must be the name of a column, got 3",
    "time = 'a'\naction = 'a'\nreward = 'c'": "one role, got 'a' in several",
    "time = 'a'\naction = 'b'\nreward = 'c'\nuser = 'u'\ncontext.u = 'one-hot'": "one role, got 'u' in several",
    "time = 'a'\naction = 'b'\nreward = 'c'\nactions = 0": "actions must be .*, got 0",
    "time = 'a'\naction = 'b'\nreward = 'c'\ntime_unit = 'years'": "time_unit must be one of .*, got 'years'",
    "time = 'a'\naction = 'b'\nreward = 'c'\nlaunched = 'soon'": "launched must be .*, got 'soon'",
    "time = 'a'\naction = 'b'\nreward = 'c'\ncontext.x = 'words'": "'x': kind must be one of .*, got 'words'",
    "time = 'a'\naction = 'b'\nreward = 'c'\ncontext.x = {missing = 'guess'}": "'x': missing must be .*, got 'guess'",
    "time = 'a'\naction = 'b'\nreward = 'c'\ncontext.x = {kind = 'hash', missing = 'mean'}": "categories, got 'mean'",
    "time = 'a'\naction = 'b'\nreward = 'c'\ncontext.x = {kind = 'hash', size = 0}": "size must be .*, got 0",
    "time = 'a'\naction = 'b'\nreward = 'c'\ncontext.x = {how = 'so'}": "a table of kind, missing, size, got",
    "time = ": "must be a TOML file",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_mapping_that_makes_no_sense_is_told_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "columns.toml").write_text(text)
    with pytest.raises(LogError, match=BROKEN[text]) as caught:
        Columns.of(tmp_path / "columns.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "absent.toml", "file/absent.toml"])
def test_a_mapping_that_is_no_file_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="columns must be a TOML file that exists, got"):
        Columns.of(tmp_path / name)


def test_a_mapping_that_is_not_there_is_told() -> None:
    with pytest.raises(LogError, match=r"exists, got 'nowhere.toml'"):
        Columns.of("nowhere.toml")
