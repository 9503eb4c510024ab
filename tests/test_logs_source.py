"""What a name means: a file where there is one, SQL that reads and does nothing else, a table of a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from envs.feedback import LogError, LoggedFeedback
from envs.logs.source import files_of

COLUMNS = {"time": "time", "action": "item", "reward": "click"}
CSV = "time,item,click\n0,tea,1\n1,mate,0\n"


def actions(path: Any, **settings: Any) -> tuple[str, ...]:
    return LoggedFeedback.read(path, COLUMNS | settings).actions


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["from march.csv", "select me.csv", "with love.csv", "visits[1].csv", "what*.csv"])
def test_a_name_that_exists_is_a_file_whatever_it_is_called(name: str) -> None:
    Path("visits1.csv").write_text(CSV.replace("tea", "wrong"))
    Path("whatever.csv").write_text(CSV.replace("tea", "wrong"))
    Path(name).write_text(CSV)
    assert actions(name) == ("mate", "tea")


def test_a_parquet_file_with_brackets_in_its_name_is_no_glob() -> None:
    for name, item in (("day1.parquet", "wrong"), ("day[1].parquet", "tea")):
        pd.DataFrame({"time": [0.0], "item": [item], "click": [1]}).to_parquet(name)
    assert actions("day[1].parquet") == ("tea",)


@pytest.mark.parametrize("name", ["", " ", "\n"])
def test_no_name_is_refused_where_there_are_files_about(name: str, here: Path) -> None:
    pd.DataFrame({"time": [0.0], "item": ["tea"], "click": [1]}).to_parquet("other.parquet")
    with pytest.raises(LogError, match="log must be a file, a folder, a glob or SQL text, got"):
        LoggedFeedback.read(name)


@pytest.mark.parametrize("name", ["nowhere", "connection", "path", "nowhere.csv"])
def test_sql_finds_no_variables_of_python(name: str) -> None:
    nowhere = pd.DataFrame({"time": [0.0], "item": ["wrong"], "click": [1]})  # noqa: F841
    with pytest.raises(LogError, match=r"does not exist|No files found"):
        actions(f"SELECT * FROM {name}")


@pytest.mark.parametrize("text", ["s3://bucket/log.parquet", "https://example.org/log.csv", "hf://a/b.parquet"])
def test_nothing_is_fetched_from_elsewhere(text: str) -> None:
    with pytest.raises(LogError, match="log must be a file that exists"):
        actions(text)
    with pytest.raises(LogError, match="requires the extension httpfs"):
        actions(f"SELECT * FROM '{text}'")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM 'g.csv') , (SELECT 2",
        "SELECT * FROM ('g.csv'",
        "SELECT 1; SELECT 2",
        "WITH a AS (SELECT 1) DELETE FROM b",
        "select",
    ],
)
def test_sql_that_is_not_one_select_is_refused_in_one_line(text: str) -> None:
    Path("g.csv").write_text(CSV)
    with pytest.raises(LogError) as refused:
        actions(text)
    assert "\n" not in str(refused.value)
    assert Path("g.csv").read_text() == CSV


def test_sql_with_a_comment_or_a_semicolon_at_its_end_is_read() -> None:
    Path("g.csv").write_text(CSV)
    assert actions("SELECT * FROM 'g.csv' -- all") == ("mate", "tea")
    assert actions("FROM 'g.csv' ;\n") == ("mate", "tea")


def test_the_files_of_a_log_are_those_that_are_read() -> None:
    Path("a b").mkdir()
    for name in ("g.csv", "h.csv", "a b/note.txt", "a b/_SUCCESS"):
        Path(name).write_text(CSV)
    pd.DataFrame({"time": [0.0]}).to_parquet("a b/p.parquet")
    assert files_of("?.csv") == [Path("g.csv"), Path("h.csv")]
    assert files_of("a b") == [Path("a b/p.parquet")]
    sql = "SELECT * FROM read_csv('?.csv') JOIN \"a b/p.parquet\" ON true"
    assert files_of(sql) == [Path("g.csv"), Path("h.csv"), Path("a b/p.parquet")]
    assert files_of("FROM g.csv") == [Path("g.csv")]


@pytest.fixture
def database(here: Path) -> Path:
    with duckdb.connect(str(here / "shop.duckdb")) as made:
        for schema, item in (("s1", "tea"), ("s2", "mate")):
            made.execute(f"CREATE SCHEMA {schema}")
            made.execute(f"CREATE TABLE {schema}.visits AS SELECT 0.0 AS time, '{item}' AS item, 1 AS click")
        made.execute("CREATE VIEW s2.late AS SELECT * REPLACE ('late ' || item AS item) FROM s2.visits")
        made.execute("USE s2; CREATE VIEW short AS SELECT * FROM visits")
    return here / "shop.duckdb"


@pytest.mark.parametrize(
    ("table", "item"), [("s1.visits", "tea"), ("s2.visits", "mate"), ("s2.late", "late mate"), ("late", "late mate")]
)
def test_a_table_or_view_is_named_with_its_schema_where_that_is_needed(database: Path, table: str, item: str) -> None:
    assert actions(database, table=table) == (item,)


@pytest.mark.parametrize("table", ["", "visits", "sales"])
def test_which_table_is_asked_where_there_are_several(database: Path, table: str) -> None:
    with pytest.raises(LogError, match=f"table must be one of s1.visits, late, short, s2.visits, got '{table}' in"):
        actions(database, table=table)
