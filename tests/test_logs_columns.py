"""The mapping of columns: TOML there and back, proposals from names, and one line for what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envs.feedback import LogError
from envs.logs.columns import Columns, Context, propose

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
    )
    (tmp_path / "columns.toml").write_text(made.text(), encoding="utf-8")
    assert Columns.of(tmp_path / "columns.toml") == made


def test_a_proposal_finds_the_roles_of_usual_names() -> None:
    types = {
        "": "number",
        "timestamp": "text",
        "item_id": "number",
        "click": "number",
        "propensity_score": "number",
        "position": "number",
        "customer_id": "text",
        "age": "number",
        "country": "text",
        "city": "text",
        "email": "text",
        "constant": "number",
    }
    distinct = dict.fromkeys(types, 10) | {"city": 900, "constant": 1}
    found = propose(types, distinct, {"timestamp": 1.6e9})
    assert found.roles() == {
        "time": "timestamp",
        "action": "item_id",
        "reward": "click",
        "propensity": "propensity_score",
        "position": "position",
        "user": "customer_id",
    }
    assert found.time_unit == "epoch seconds"
    assert {name: how.kind for name, how in found.context.items() if name} == {
        "age": "number",
        "country": "one-hot",
        "city": "hash",
    }


def test_a_log_without_a_likely_action_asks_for_a_mapping() -> None:
    with pytest.raises(LogError, match=r"one for action, found none among 'time', 'reward'.*TOML"):
        propose({"time": "number", "reward": "number"}, {"time": 3, "reward": 2}, {})


BROKEN = {
    "time = 'a'\naction = 'b'": "reward must name a column, got none",
    "time = 'a'\naction = 'b'\nreward = 'c'\nprice = 'd'": "key must be one of .*, got 'price'",
    "time = 'a'\naction = 'b'\nreward = 3": "reward must be the name of a column, got 3",
    "time = 'a'\naction = 'a'\nreward = 'c'": "one role, got 'a' in several",
    "time = 'a'\naction = 'b'\nreward = 'c'\nuser = 'u'\ncontext.u = 'one-hot'": "one role, got 'u' in several",
    "time = 'a'\naction = 'b'\nreward = 'c'\nactions = 0": "actions must be .*, got 0",
    "time = 'a'\naction = 'b'\nreward = 'c'\ntime_unit = 'years'": "time_unit must be one of .*, got 'years'",
    "time = 'a'\naction = 'b'\nreward = 'c'\nlaunched = 'soon'": "launched must be .*, got 'soon'",
    "time = 'a'\naction = 'b'\nreward = 'c'\ncontext.x = 'words'": "kind must be one of .*, got 'words'",
    "time = 'a'\naction = 'b'\nreward = 'c'\ncontext.x = {missing = 'guess'}": "missing must be one of .*, got 'guess'",
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


def test_a_mapping_that_is_not_there_is_told() -> None:
    with pytest.raises(LogError, match=r"exists, got 'nowhere.toml'"):
        Columns.of("nowhere.toml")
