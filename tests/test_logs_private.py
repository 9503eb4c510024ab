"""Files for their owner alone, and text that a spreadsheet does not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.logs.private import private, private_folder, unarmed, write_csv


def test_files_and_folders_are_their_owners_alone_even_where_they_were_not(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("open to all")
    (tmp_path / "old").chmod(0o644)
    with private(tmp_path / "old") as file:
        file.write("new")
    assert (tmp_path / "old").read_text() == "new"
    assert (tmp_path / "old").stat().st_mode & 0o777 == 0o600
    assert private_folder(tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_disarmed(text: str, tmp_path: Path) -> None:
    assert unarmed(text) == "'" + text
    write_csv(tmp_path / "a.csv", ["x"], [[text]])
    assert (tmp_path / "a.csv").read_bytes().split(b"\r\n", 1)[1].lstrip(b'"').startswith(b"'")


@pytest.mark.parametrize("value", ["-1.5", "+3", "tea", "", -4, None])
def test_numbers_and_plain_text_stay_as_they_are(value: object) -> None:
    assert unarmed(value) == value
