"""A file is what its first bytes say, whatever it is called and however its text is encoded."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from envs.feedback import LogError, LoggedFeedback
from envs.logs.file_kind import kind

COLUMNS = {"time": "time", "action": "item", "reward": "click"}
CSV = "time,item,click\n2024-03-01,thé,1\n2024-03-02,maté,0\n"


def actions(path: Path, **settings: str) -> tuple[str, ...]:
    return LoggedFeedback.read(path, COLUMNS | settings).actions


@pytest.mark.parametrize("name", ["VISITS.PARQUET", "x.parq", "visits", "visits.csv"])
def test_parquet_is_parquet_under_any_name(name: str, tmp_path: Path) -> None:
    pd.DataFrame({"time": [0.0], "item": ["thé"], "click": [1]}).to_parquet(tmp_path / name)
    assert actions(tmp_path / name) == ("thé",)


@pytest.mark.parametrize("name", ["V.DUCKDB", "visits", "visits.csv"])
def test_a_database_is_one_under_any_name(name: str, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / name)) as made:
        made.execute("CREATE TABLE visits AS SELECT 0.0 AS time, 'thé' AS item, 1 AS click")
    assert actions(tmp_path / name) == ("thé",)


@pytest.mark.parametrize("name", ["X.CSV.GZ", "x", "plain.csv"])
def test_packed_text_is_unpacked_under_any_name_and_plain_text_is_not(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(gzip.compress(CSV.encode()))
    (tmp_path / "fake.csv.gz").write_text(CSV)
    assert actions(tmp_path / name) == actions(tmp_path / "fake.csv.gz") == ("maté", "thé")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16-le", "utf-16", "mac_roman", "latin-1"])
def test_text_is_read_in_any_encoding_that_python_knows(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(CSV.encode(encoding))
    assert actions(tmp_path / "log.csv", encoding=encoding) == ("maté", "thé")


@pytest.mark.parametrize("said", ["latin-1", "cp1252", "utf-8", "utf-16-le"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_believed_whatever_encoding_is_said(encoding: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(CSV.encode(encoding))
    assert actions(tmp_path / "log.csv", encoding=said) == ("maté", "thé")


def test_a_byte_that_means_nothing_in_its_encoding_costs_its_row_only(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(CSV.encode("cp1252") + b"2024-03-03,\x81,1\n")
    rejects = tmp_path / "bad.csv"
    log = LoggedFeedback.read(tmp_path / "log.csv", COLUMNS | {"encoding": "cp1252"}, rejects=rejects)
    assert log.actions == ("maté", "thé")
    assert rejects.read_text().splitlines()[1:] == ["3,line,be in the encoding of the file,"]


@pytest.mark.parametrize(
    "before", ["sep=,\n", "# exported 2024-04-01\n", "Visits report,,\n,,\n", "\n\n", "\ufeff# a\n"]
)
def test_what_stands_before_the_header_is_no_header_and_rows_count_from_it(before: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(before + CSV + "never,thé,1\n", encoding="utf-8")
    log = LoggedFeedback.read(tmp_path / "log.csv", COLUMNS, rejects=tmp_path / "bad.csv")
    assert len(log) == 2
    assert (tmp_path / "bad.csv").read_text().splitlines()[1:] == ["3,time,be a time,never"]


def test_excel_names_its_delimiter_in_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("sep=~\n" + CSV.replace(",", "~"), encoding="utf-8")
    assert actions(tmp_path / "log.csv") == ("maté", "thé")


def test_what_is_no_log_is_told_by_what_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.csv", "w") as archive:
        archive.writestr("x.csv", CSV)
    (tmp_path / "shop.db").write_bytes(b"SQLite format 3\x00" + bytes(100))
    (tmp_path / "list.json").write_text('[{"time": 0}]')
    for name, what in (("x.csv", "ZIP archive"), ("shop.db", "SQLite"), ("list.json", "one object a line, got a list")):
        with pytest.raises(LogError, match=what):
            kind(tmp_path / name)


def test_files_of_a_log_are_of_one_kind(tmp_path: Path) -> None:
    (tmp_path / "log1").write_text(CSV)
    pd.DataFrame({"time": [0.0]}).to_parquet(tmp_path / "log2")
    with pytest.raises(LogError, match=r"files of a log must be of one kind.*csv in 'log1', parquet in 'log2'"):
        LoggedFeedback.read(tmp_path / "log*", COLUMNS)


def test_where_no_row_is_good_the_commonest_reason_an_example_and_what_to_set_are_told(tmp_path: Path) -> None:
    bad = "time,item,click\n" + "0,a,much\n" * 3 + "soon,a,1\n"
    (tmp_path / "log.csv").write_text(bad)
    message = "none of 4, most often since click must be a finite number, got 'much': set decimal and thousands"
    for rejects in (None, tmp_path / "bad.csv"):
        with pytest.raises(LogError, match=message):
            LoggedFeedback.read(tmp_path / "log.csv", COLUMNS, rejects=rejects)
    assert len((tmp_path / "bad.csv").read_text().splitlines()) == 5
    (tmp_path / "log.csv").write_bytes("time,item,click\n0,é,1\n".encode("cp1252"))
    with pytest.raises(
        LogError, match="line must be in the encoding of the file, got '': set encoding, such as cp1252"
    ):
        LoggedFeedback.read(tmp_path / "log.csv", COLUMNS)
