"""`launchsim calibrate`: broken tables are one line that says file, row and column or rule, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pasts import invoices
from typer.testing import CliRunner

from benchmarks import cli
from envs.logs.pseudonyms import VARIABLE

GOOD = """\
invoice,customer,item,quantity,time,price
1,7,tea,2,2024-01-01 10:00,1.50
2,8,tea,1,2024-01-02 10:00,1.50
3,8,cup,1,2024-01-03 10:00,4.00
"""
DONE = "user,item,action,time\n7,tea,view,2024-01-01 10:00\n7,tea,buy,2024-01-01 10:05\n"
BROKEN = {
    "a column is missing": (GOOD.replace("quantity", "menge2"), "must have a column for quantity, found none among"),
    "a column is there twice": (GOOD.replace("customer", "item"), "column names must differ, got 'item'"),
    "the file is empty": ("", "got an empty file"),
    "a header alone": (GOOD.splitlines()[0] + "\n", "must have lines that can be kept, got none"),
    "no date is a date": (GOOD.replace("2024-01", "monday"), "break 'time must be a time' (row 1: 'monday-01 10:00')"),
    "no price is above 0": (GOOD.replace("1.50", "0").replace("4.00", "-1"), "price"),
    "no number of pieces": (GOOD.replace(",2,2024", ",x,2024").replace(",1,2024", ",0,2024"), "quantity"),
    "bytes that are no text": (bytes(range(256)) * 20, "must begin with a line of column names in utf-8"),
    "no Parquet": (b"PAR1 not really", "no rows"),
    "only some lines": (GOOD, "must hold at least 30 visits on 7 days to fit a market to, got 3 on 3"),
}


@pytest.fixture(autouse=True)
def commands() -> None:
    cli._add_commands()


def told(*words: object) -> str:
    """The one line that is told of what goes wrong."""
    error = CliRunner().invoke(cli.app, ["calibrate", *map(str, words)]).exception
    assert error is not None
    assert not isinstance(error, SystemExit), words
    line = cli._told(error)  # type: ignore[arg-type]
    assert line is not None, repr(error)
    assert line.count("\n") == 1
    return line


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_invoices_are_one_line_and_stay_as_they_are(tmp_path: Path, kind: str) -> None:
    content, expected = BROKEN[kind]
    content = content.encode() if isinstance(content, str) else content
    file = tmp_path / ("lines.parquet" if kind == "no Parquet" else "lines.csv")
    file.write_bytes(content)
    line = told("--invoices", file, "--out", tmp_path / "out")
    assert (expected if kind != "no Parquet" else "lines.parquet") in line
    assert file.read_bytes() == content
    assert not (tmp_path / "out" / "scenario.toml").exists()


def test_more_products_than_a_scenario_has_are_refused_before_they_are_fitted(tmp_path: Path) -> None:
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(200_001) // 100, unit="h")
    frame = pd.DataFrame({"customer": np.arange(200_001) // 7, "item": np.arange(200_001), "time": times})
    frame.assign(quantity=1, price=1.5).to_parquet(tmp_path / "lines.parquet")
    line = told("--invoices", tmp_path / "lines.parquet", "--out", tmp_path / "out")
    assert "must hold at most 200,000 products to fit a market to, got 200,001: fit those of the most lines" in line


def test_lines_in_mixed_encodings_are_set_aside_by_row(tmp_path: Path) -> None:
    """Row 4 is latin-1 in a file of UTF-8."""
    file, rejects = tmp_path / "lines.csv", tmp_path / "bad.csv"
    file.write_bytes(GOOD.encode() + "4,9,caf\xe9,1,2024-01-04 10:00,2\n".encode("latin-1"))
    told("--invoices", file, "--rejects", rejects, "--out", tmp_path / "out")
    assert rejects.read_text().splitlines()[1].startswith("invoices,4,")
    assert "encoding" in rejects.read_text()


@pytest.mark.parametrize(("words", "row"), [("7,tea,dance,2024-01-01 10:06", "action"), ("7,tea,buy,soon", "time")])
def test_broken_behavior_is_set_aside_with_row_column_and_value(tmp_path: Path, words: str, row: str) -> None:
    file, rejects = tmp_path / "done.csv", tmp_path / "bad.csv"
    file.write_text(DONE + words + "\n")
    told("--behavior", file, "--rejects", rejects, "--out", tmp_path / "out")
    assert rejects.read_text().splitlines()[1].startswith(f"behavior,3,{row},")


def test_goods_that_are_there_twice_are_set_aside_with_their_row(tmp_path: Path) -> None:
    (tmp_path / "goods.csv").write_text("id,title,price\ntea,Tea,1.5\ntea,Tee,2\n")
    (tmp_path / "done.csv").write_text(DONE)
    rejects = tmp_path / "bad.csv"
    tables = "--behavior", tmp_path / "done.csv", "--goods", tmp_path / "goods.csv"
    told(*tables, "--rejects", rejects, "--out", tmp_path / "out")
    assert rejects.read_text().splitlines()[1].startswith("goods,2,id,")


@pytest.mark.parametrize("option", ["--rejects", "--out"])
def test_nothing_is_written_over_what_is_read(tmp_path: Path, option: str) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(GOOD)
    told("--invoices", file, option, file)
    assert file.read_text() == GOOD


def test_an_encrypted_history_is_refused_without_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lines.csv").write_text(GOOD)
    monkeypatch.setenv(VARIABLE, "a secret of some length")
    words = ["history", "convert", tmp_path / "ours", "--invoices", tmp_path / "lines.csv", "--encrypt"]
    assert CliRunner().invoke(cli.app, [str(word) for word in words]).exit_code == 0
    monkeypatch.delenv(VARIABLE)
    assert "must have its key" in told("--invoices", tmp_path / "ours", "--out", tmp_path / "out")


def test_a_conversion_that_purchases_tell_is_refused(tmp_path: Path) -> None:
    invoices(20, 40).to_csv(tmp_path / "lines.csv", index=False)
    line = told("--invoices", tmp_path / "lines.csv", "--conversion", 0.1, "--out", tmp_path / "out")
    assert "only where views are known and no purchases, got 0.1" in line
