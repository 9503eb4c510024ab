"""Where results go is checked before the work, in one line, and nothing is made or changed by the check."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import outputs
from benchmarks.outputs import OutputError


@pytest.mark.parametrize("check", [outputs.folder, outputs.optional_folder])
def test_a_folder_may_be_new_and_is_not_made_yet(tmp_path: Path, check) -> None:
    assert check(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"), [("there.txt", "not a directory"), ("there.txt/below", "not a directory"), ("x" * 300, "too long")]
)
def test_a_folder_that_cannot_be_is_told_in_one_line(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "there.txt").write_text("mine")
    with pytest.raises(OutputError, match=why) as told:
        outputs.folder(tmp_path / name)
    assert "\n" not in str(told.value)
    assert (tmp_path / "there.txt").read_text() == "mine"


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_text("old")
    assert outputs.file(tmp_path / "page.png") == tmp_path / "page.png"
    assert (tmp_path / "page.png").read_text() == "old"


def test_a_file_cannot_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="it is a folder"):
        outputs.file(tmp_path)


def test_what_is_parquet_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"must end in \.parquet, got .*season\.csv"):
        outputs.parquet(tmp_path / "season.csv")
    assert outputs.parquet(tmp_path / "season.parquet") is not None
