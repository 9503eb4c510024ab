"""Somebody else's log: whatever is in it, rows in are rows kept plus rows rejected, each rejection with its reason."""

from __future__ import annotations

import csv
import gzip
import math
import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envs.feedback import LogError, LoggedFeedback
from envs.logs.ingest import ingested
from envs.logs.log_file import LogFile

COLUMNS: dict[str, Any] = {
    "time": "when",
    "action": "item",
    "reward": "bought",
    "propensity": "p",
    "context": {"age": {"kind": "number", "missing": "mean"}, "land": {"kind": "one-hot", "missing": "indicator"}},
}
HEADER = "when,item,bought,p,age,land"
GOOD = [
    "0.5,tea,1,0.5,20,de",
    "0.1,mate,0,0.25,,fr",
    "2.0,coffee,1,0.25,40,",
]


def file(tmp_path: Path, lines: list[str], name: str = "log.csv", ending: str = "\n") -> Path:
    path = tmp_path / name
    path.write_bytes(ending.join([HEADER, *lines, ""]).encode())
    return path


def rejects(path: Any, tmp_path: Path, columns: Any = None, **more: Any) -> tuple[LogFile, list[list[str]]]:
    log = ingested(path, columns or COLUMNS, rejects=tmp_path / "rejects.csv", **more)
    with (tmp_path / "rejects.csv").open(newline="") as opened:
        header, *rows = list(csv.reader(opened))
    assert header == ["row", "column", "rule", "value"]
    assert log.about.ingest["rejected"] == len(rows) == sum(log.about.ingest["by_rule"].values())
    assert log.about.ingest["rows"] == log.about.ingest["kept"] + len(rows)
    assert len(log) == log.about.ingest["kept"]
    return log, rows


def check_three_good_rows(log: LoggedFeedback) -> None:
    """By hand: order of time, names sorted, age (x - 30) / 10 with its mean 30 where missing, land with its gap."""
    feedback = log.feedback
    assert log.actions == ("coffee", "mate", "tea")
    np.testing.assert_array_equal(feedback.decisions.times, [0.1, 0.5, 2.0])
    np.testing.assert_array_equal(feedback.chosen, [1, 2, 0])
    np.testing.assert_array_equal(feedback.rewards, [0, 1, 1])
    np.testing.assert_array_equal(feedback.propensities, [0.25, 0.5, 0.25])
    assert log.about.context == ("constant", "age", "land=de", "land=fr", "land missing")
    np.testing.assert_allclose(feedback.decisions.contexts, [[1, 0, 0, 1, 0], [1, -1, 1, 0, 0], [1, 1, 0, 0, 1]])
    assert log.about.ingest["filled"] == {
        "age": {"missing": 1, "by": "mean"},
        "land": {"missing": 1, "by": "indicator"},
    }


def test_three_rows_of_csv_become_what_they_mean(tmp_path: Path) -> None:
    check_three_good_rows(LoggedFeedback.read(file(tmp_path, GOOD), COLUMNS))


def test_every_kind_of_source_gives_the_same_log(tmp_path: Path) -> None:
    frame = pd.read_csv(file(tmp_path, GOOD))
    (tmp_path / "parts").mkdir()
    frame.to_parquet(tmp_path / "one.parquet")
    frame.iloc[:2].to_parquet(tmp_path / "parts" / "a.parquet")
    frame.iloc[2:].to_parquet(tmp_path / "parts" / "b.parquet")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as database:
        database.execute("CREATE TABLE visits AS SELECT * FROM frame")
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress((tmp_path / "log.csv").read_bytes()))
    semicolons = file(tmp_path, [line.replace(",", ";") for line in GOOD], "semicolons.csv")
    semicolons.write_text(semicolons.read_text().replace(HEADER, HEADER.replace(",", ";")))
    sources = [
        frame,
        tmp_path / "one.parquet",
        tmp_path / "parts",
        str(tmp_path / "parts" / "*.parquet"),
        tmp_path / "shop.duckdb",
        f"SELECT * FROM '{tmp_path / 'one.parquet'}';",
        tmp_path / "log.csv.gz",
        semicolons,
        file(tmp_path, GOOD, "windows.csv", "\r\n"),
    ]
    for source in sources:
        check_three_good_rows(LoggedFeedback.read(source, COLUMNS))


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    path = file(tmp_path, GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    check_three_good_rows(LoggedFeedback.read(path, COLUMNS))


def test_another_encoding_is_read_when_it_is_named_and_rejected_row_by_row_when_not(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes("\n".join([HEADER, "0,thé,1,0.5,1,de", "1,tea,1,0.5,1,de", ""]).encode("latin-1"))
    assert LoggedFeedback.read(path, COLUMNS | {"encoding": "latin-1"}).actions == ("tea", "thé")
    _, rows = rejects(path, tmp_path)
    assert rows == [["1", "line", "be in the encoding of the file", ""]]
    path.write_bytes("\n".join([HEADER, *GOOD]).encode("utf-16-le"))
    with pytest.raises(LogError, match=r"utf-8.*set encoding"):
        LoggedFeedback.read(path, COLUMNS)


BAD = {
    "NaN propensity": ("0,tea,1,nan,20,de", "p", "be above 0 and at most 1", "nan"),
    "infinite propensity": ("0,tea,1,inf,20,de", "p", "be above 0 and at most 1", "inf"),
    "propensity 0": ("0,tea,1,0,20,de", "p", "be above 0 and at most 1", "0"),
    "propensity 1.2": ("0,tea,1,1.2,20,de", "p", "be above 0 and at most 1", "1.2"),
    "no propensity": ("0,tea,1,,20,de", "p", "be above 0 and at most 1", ""),
    "negative time": ("-1.5,tea,1,0.5,20,de", "when", "be 0 or more", "-1.5"),
    "infinite time": ("inf,tea,1,0.5,20,de", "when", "be a time", "inf"),
    "no time": ("yesterday,tea,1,0.5,20,de", "when", "be a time", "yesterday"),
    "reward in words": ("0,tea,much,0.5,20,de", "bought", "be a finite number", "much"),
    "infinite reward": ("0,tea,inf,0.5,20,de", "bought", "be a finite number", "inf"),
    "unseen action": ("0,cola,1,0.5,20,de", "item", "be one of the 3 actions", "cola"),
    "no action": ("0,,1,0.5,20,de", "item", "be one of the 3 actions", ""),
    "age in words": ("0,tea,1,0.5,old,de", "age", "be a finite number", "old"),
    "infinite age": ("0,tea,1,0.5,-inf,de", "age", "be a finite number", "-inf"),
    "too few values": ("0,tea,1,0.5", "line", "have as many values as the header has names, got fewer", ""),
    "too many values": ("0,tea,1,0.5,20,de,de", "line", "have as many values as the header has names, got more", ""),
    "an open quote": ('0,tea,1,0.5,20,"de" and', "line", "close its quotes", ""),
    "10 MB": ("0,tea,1,0.5,20," + "x" * 10_000_000, "line", "have at most 2000000 bytes", ""),
    "a formula": ("0,=1+1,1,0.5,20,de", "item", "be one of the 3 actions", "'=1+1"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_set_aside_with_row_column_rule_and_value(name: str, tmp_path: Path) -> None:
    line, column, rule, value = BAD[name]
    columns = COLUMNS | {"actions": ["tea", "mate", "coffee"]}
    log, rows = rejects(file(tmp_path, [GOOD[0], line, *GOOD[1:]]), tmp_path, columns)
    assert rows == [["2", column, rule, value]]
    assert len(log) == 3


@pytest.mark.parametrize("name", ["NaN propensity", "no time", "unseen action", "too many values", "10 MB"])
def test_without_a_rejects_file_the_first_bad_row_is_one_clear_line(name: str, tmp_path: Path) -> None:
    line, column, rule, _ = BAD[name]
    columns = COLUMNS | {"actions": ["tea", "mate", "coffee"]}
    with pytest.raises(LogError, match=f"^row 2: {column} must {rule}, got .*rejects file") as caught:
        LoggedFeedback.read(file(tmp_path, [GOOD[0], line, *GOOD[1:]]), columns)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_rows_are_numbered_as_they_stand_in_the_file_past_lines_that_are_no_rows(tmp_path: Path) -> None:
    lines = ["1,2", GOOD[0], "0,tea,1,9,20,de", "1,2,3", "1,2", GOOD[1], "0,tea,1,8,20,de"]
    _, rows = rejects(file(tmp_path, lines), tmp_path)
    assert [(row, value) for row, _, _, value in rows] == [("1", ""), ("3", "9"), ("4", ""), ("5", ""), ("7", "8")]


def test_a_glob_of_csv_files_is_one_log_whose_rows_are_numbered_on_from_file_to_file(tmp_path: Path) -> None:
    """The second line of the second file is row 4: a good row, a short one and a good one come before it."""
    file(tmp_path, [GOOD[0], "short"], "day1.csv")
    file(tmp_path, [GOOD[1], "also short", GOOD[2]], "day2.csv")
    log, rows = rejects(tmp_path / "day?.csv", tmp_path)
    check_three_good_rows(LoggedFeedback._of(log))
    rule = "have as many values as the header has names, got fewer"
    assert rows == [["2", "line", rule, ""], ["4", "line", rule, ""]]
    with pytest.raises(LogError, match=r"got none for .*night"):
        ingested(tmp_path / "night*.csv", COLUMNS)
    (tmp_path / "day3.csv").write_text("when,item\n1,tea\n")
    with pytest.raises(LogError, match=r"must be .* as in 'day1.csv', got \['when', 'item'\] in 'day3.csv'"):
        ingested(tmp_path / "day?.csv", COLUMNS)


def test_an_action_outside_its_range_is_rejected(tmp_path: Path) -> None:
    frame = pd.DataFrame({"when": [0, 1, 2], "item": [0, 3, -1], "bought": 1, "p": 0.5, "age": 1.0, "land": "de"})
    log, rows = rejects(frame, tmp_path, COLUMNS | {"actions": 3})
    assert [row[:2] + row[3:] for row in rows] == [["2", "item", "3"], ["3", "item", "-1"]]
    assert log.about.actions == ("0", "1", "2")


def test_actions_that_are_numbers_stand_in_their_order_though_they_came_as_fractions() -> None:
    frame = pd.DataFrame({"when": [0, 1, 2], "item": [10.0, 9.0, 2.0], "bought": [True, False, True]})
    log = LoggedFeedback.read(frame, {"time": "when", "action": "item", "reward": "bought"})
    assert log.actions == ("2", "9", "10")
    np.testing.assert_array_equal(log.feedback.rewards, [1, 0, 1])
    assert log.propensities == "missing"
    assert np.isnan(log.feedback.propensities).all()


def test_mixed_line_endings_are_refused_in_one_line(tmp_path: Path) -> None:
    path = file(tmp_path, GOOD)
    path.write_bytes(path.read_bytes() + b"3,tea,1,0.5,1,de\r\n4,tea,1,0.5,1,de\r")
    with pytest.raises(LogError, match="one kind of line ending"):
        LoggedFeedback.read(path, COLUMNS)


def test_files_that_are_no_logs_are_refused_in_one_line(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    pd.read_csv(file(tmp_path, GOOD)).to_parquet(whole)
    (tmp_path / "half.parquet").write_bytes(whole.read_bytes()[:-200])
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 10)
    twice = tmp_path / "twice.csv"
    twice.write_text("when,item,when\n1,2,3\n")
    cases = {
        "half.parquet": "readable|whole",
        "empty.csv": "empty file",
        "folder": "without",
        "absent.csv": "exists",
        "absent.parquet": "exists",
        "noise.csv": "utf-8",
        "twice.csv": "'when' more than once",
        "log.csv": "column 'price' .*reward.* which has 'when'",
    }
    for name, message in cases.items():
        with pytest.raises(LogError, match=message) as caught:
            LoggedFeedback.read(tmp_path / name, COLUMNS | {"reward": "price"})
        assert "\n" not in str(caught.value)
    with pytest.raises(LogError, match=r"readable.*nowhere"):
        LoggedFeedback.read("SELECT * FROM nowhere", COLUMNS)


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="at least one row"):
        LoggedFeedback.read(file(tmp_path, []), COLUMNS)


def test_dates_count_in_days_from_the_first(tmp_path: Path) -> None:
    lines = ["2019-11-25 12:00:00+00:00,a,1,1,1,x", "2019-11-24T00:00:00Z,a,1,1,1,x", "2019-11-24 06:00,a,1,1,1,x"]
    log = LoggedFeedback.read(file(tmp_path, lines), COLUMNS)
    np.testing.assert_array_equal(log.feedback.decisions.times, [0, 0.25, 1.5])
    assert log.about.origin == "2019-11-24T00:00:00.000000Z"
    frame = pd.read_csv(tmp_path / "log.csv")
    frame["when"] = pd.to_datetime(frame["when"], utc=True, format="ISO8601")
    np.testing.assert_array_equal(LoggedFeedback.read(frame, COLUMNS).feedback.decisions.times, [0, 0.25, 1.5])


def test_numeric_times_are_in_the_unit_that_is_named() -> None:
    frame = pd.DataFrame({"t": [0, 43_200], "item": [0, 1], "bought": [0, 1]})
    columns = {"time": "t", "action": "item", "reward": "bought", "time_unit": "seconds"}
    np.testing.assert_array_equal(LoggedFeedback.read(frame, columns).feedback.decisions.times, [0, 0.5])


@pytest.mark.parametrize(("unit", "second"), [("epoch seconds", 1), ("epoch milliseconds", 1000)])
def test_numbers_that_stand_for_dates_count_from_the_first(unit: str, second: int) -> None:
    """1574553600 is 24 November 2019, midnight."""
    times = [1_574_596_800 * second, 1_574_553_600 * second]
    frame = pd.DataFrame({"time": times, "action": [0, 1], "reward": [0, 1]})
    for columns in ({"time": "time", "action": "action", "reward": "reward", "time_unit": unit}, None):
        log = LoggedFeedback.read(frame, columns)
        np.testing.assert_array_equal(log.feedback.decisions.times, [0, 0.5])
        assert log.about.origin == "2019-11-24T00:00:00.000000Z"


@pytest.mark.parametrize("how", ["a|b", "['a', 'b']", "a, b", "[a; b]", ["a", "b"]])
def test_available_sets_are_read_as_lists_and_as_text(how: Any) -> None:
    frame = pd.DataFrame(
        {
            "t": [0, 1],
            "item": ["a", "c"],
            "bought": 1,
            "p": 0.5,
            "shown": [how, ["c"] if isinstance(how, list) else "c"],
        }
    )
    columns = {"time": "t", "action": "item", "reward": "bought", "propensity": "p", "available": "shown"}
    log = LoggedFeedback.read(frame, columns)
    assert log.actions == ("a", "b", "c")
    np.testing.assert_array_equal(log.feedback.decisions.available, [[True, True, False], [False, False, True]])


def test_an_action_that_was_not_available_is_rejected(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": [0, 1, 2], "item": ["a", "a", "b"], "bought": 1, "shown": ["a|b", "b", "b|z"]})
    columns = {"time": "t", "action": "item", "reward": "bought", "available": "shown", "actions": ["a", "b"]}
    _, rows = rejects(frame, tmp_path, columns)
    assert rows == [["2", "shown", "hold the action taken", "b"], ["3", "shown", "hold known actions only", "b|z"]]


def test_actions_may_count_as_launched_when_first_taken() -> None:
    frame = pd.DataFrame({"t": [0, 1, 2], "item": ["a", "b", "a"], "bought": 1})
    columns = {"time": "t", "action": "item", "reward": "bought", "launched": "first seen"}
    available = LoggedFeedback.read(frame, columns).feedback.decisions.available
    np.testing.assert_array_equal(available, [[True, False], [True, True], [True, True]])


def test_a_reward_known_before_its_decision_is_rejected(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": [1, 2], "item": "a", "bought": 1, "done": [4, 1]})
    columns = {"time": "t", "action": "item", "reward": "bought", "known": "done"}
    log, rows = rejects(frame, tmp_path, columns)
    assert rows == [["2", "done", "be a time at or after the decision", "1"]]
    np.testing.assert_array_equal(next(log.parts(10)).known, [4])


def test_a_second_row_of_an_id_is_rejected_and_positions_must_be_whole(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": [1, 2, 3], "item": "a", "bought": 1, "key": [7, 7, 8], "slot": [1, 2, 1.5]})
    columns = {"time": "t", "action": "item", "reward": "bought", "id": "key", "position": "slot"}
    _, rows = rejects(frame, tmp_path, columns)
    assert [row[:2] + row[3:] for row in rows] == [["2", "key", ""], ["3", "slot", "1.5"]]  # ids may be of people


@pytest.mark.parametrize(("missing", "filled"), [("mean", 4.0), ("median", 2.0), ("mode", 1.0)])
def test_missing_numbers_are_filled_as_asked(missing: str, filled: float) -> None:
    """Values 1, 1, 2, 2, 14 and a gap would have mean 4, median 2; with 1 as often as 2 the smaller is the mode."""
    frame = pd.DataFrame({"t": range(6), "item": "a", "bought": 1, "x": [1, 1, 2, 2, 14, None]})
    columns = {"time": "t", "action": "item", "reward": "bought", "context": {"x": {"missing": missing}}}
    contexts = LoggedFeedback.read(frame, columns).feedback.decisions.contexts
    spread = math.sqrt((9 + 9 + 4 + 4 + 100) / 5)
    np.testing.assert_allclose(contexts[:, 1], (np.array([1, 1, 2, 2, 14, filled]) - 4) / spread)


def test_rows_with_a_gap_are_dropped_where_asked_and_counted(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": range(3), "item": "a", "bought": 1, "x": [1, None, 3], "land": ["de", "de", "NA"]})
    columns = {"time": "t", "action": "item", "reward": "bought", "context": {"x": "number", "land": "one-hot"}}
    log, rows = rejects(frame, tmp_path, columns)
    assert [row[:3] for row in rows] == [["2", "x", "not be missing"], ["3", "land", "not be missing"]]
    assert log.about.ingest["kept"] == 1


def test_an_earlier_encoding_is_used_as_it_was(tmp_path: Path) -> None:
    from envs.logs.encoding import Encoding

    earlier = ingested(file(tmp_path, GOOD), COLUMNS)
    later = file(tmp_path, ["0,tea,1,0.5,50,it", "1,tea,1,0.5,,de"], "later.csv")
    log = ingested(later, COLUMNS, encoding=Encoding.of(earlier.about.encoding or {}))
    assert log.about.context == earlier.about.context
    np.testing.assert_allclose(next(log.parts(9)).feedback.decisions.contexts, [[1, 2, 0, 0, 0], [1, 0, 1, 0, 0]])
    fewer = COLUMNS | {"context": {"age": {"missing": "mean"}}}
    with pytest.raises(LogError, match=r"encoding must be of the context columns \[\('age', 'number'\)\], got"):
        ingested(later, fewer, encoding=Encoding.of(earlier.about.encoding or {}))


def test_a_log_keeps_no_raw_user_id_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = ["anna@example.org", "bert@example.org", "anna@example.org", "carl@example.org"]
    frame = pd.DataFrame({"t": [0, 1, 2, 3], "item": "a", "bought": [1, 1, 1, "x"], "who": users})
    frame.to_csv(tmp_path / "log.csv", index=False)
    with (tmp_path / "log.csv").open("a") as opened:
        opened.write("4,a,1,dora@example.org,5\n")
    columns = {"time": "t", "action": "item", "reward": "bought", "user": "who"}
    monkeypatch.delenv("LAUNCHSIM_PSEUDONYM_KEY", raising=False)
    with pytest.raises(LogError, match=r"LAUNCHSIM_PSEUDONYM_KEY.*--no-user-ids"):
        ingested(tmp_path / "log.csv", columns, rejects=tmp_path / "rejects.csv")
    monkeypatch.setenv("LAUNCHSIM_PSEUDONYM_KEY", "a very secret sentence")
    log, rows = rejects(tmp_path / "log.csv", tmp_path, columns, into=tmp_path / "out.parquet")
    assert len(rows) == 2
    pseudonyms = next(log.parts(9)).users
    assert pseudonyms is not None
    assert pseudonyms[0] == pseudonyms[2] != pseudonyms[1]
    for output in ("out.parquet", "rejects.csv"):
        assert b"example.org" not in (tmp_path / output).read_bytes()
        assert (tmp_path / output).stat().st_mode & 0o777 == 0o600
    monkeypatch.delenv("LAUNCHSIM_PSEUDONYM_KEY")
    without = ingested(tmp_path / "log.csv", columns, rejects=tmp_path / "rejects.csv", user_ids=False)
    assert next(without.parts(9)).users is None


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize(("closed", "kept", "further"), [(True, 3, 2), (False, 2, 4)])
def test_an_open_quote_tells_how_many_lines_it_swallowed(
    closed: bool, kept: int, further: int, ending: str, tmp_path: Path
) -> None:
    """Two good rows, the open quote, two rows it swallows and maybe the one that closes it, a good row at the end."""
    lines = [*GOOD[:2], '0,tea,1,0.5,20,"de', GOOD[0], '0,tea,1,0.5,20,"de"' if closed else GOOD[1], GOOD[0]]
    lines += [] if closed else [GOOD[1]]
    path = tmp_path / "log.csv"
    path.write_bytes(ending.join([HEADER, *lines, ""]).encode())
    log, rows = rejects(path, tmp_path)
    assert rows == [["3", "line", f"close its quotes; it swallowed {further} further lines", ""]]
    assert log.about.ingest["rows"] == kept + 1 == len(log) + 1


def test_of_a_long_quote_the_lines_that_are_known_are_told(tmp_path: Path) -> None:
    _, rows = rejects(file(tmp_path, [*GOOD, '0,tea,1,0.5,20,"de', *[GOOD[0]] * 5_000]), tmp_path)
    assert re.fullmatch(r"close its quotes; it swallowed at least \d{3} further lines", rows[0][2])


cells = st.one_of(
    st.sampled_from(["", "0", "1", "0.5", "-3", "nan", "inf", "1.2", "tea", "mate", "=x()", '"a,b"', '"', "é", "a|b"]),
    st.text(st.characters(blacklist_characters="\r\n\x00", blacklist_categories=("Cs",)), max_size=4),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.lists(cells, min_size=1, max_size=7).map(",".join), min_size=0, max_size=8))
def test_rows_in_are_rows_kept_plus_rows_rejected_whatever_is_in_them(lines: list[str], tmp_path: Path) -> None:
    log, rows = rejects(file(tmp_path, [GOOD[0], *lines]), tmp_path)
    numbers = [int(row[0]) for row in rows]
    assert numbers == sorted(set(numbers))
    assert not any(value.startswith(("=", "+", "@", "\t", "\r")) and not _number(value) for *_, value in rows)
    if not any('"' in line for line in lines):  # an open quote swallows the lines after it: they are one row then
        assert log.about.ingest["rows"] == 1 + sum(line != "" for line in lines)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
