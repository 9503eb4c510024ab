"""Files for their owner alone, and text that a spreadsheet does not run."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from envs.logs.private import apart, private, private_folder, unarmed, write_csv
from envs.logs.rows import LogError


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


def write_half(path: Path, reason: Exception) -> None:
    with private(path) as file:
        file.write("half")
        file.flush()
        raise reason


def test_a_file_that_fails_half_way_leaves_the_earlier_one_as_it_was_and_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("whole")
    with pytest.raises(ValueError, match="half way"):
        write_half(tmp_path / "old", ValueError("half way"))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]


def test_until_it_is_whole_a_file_is_not_there(tmp_path: Path) -> None:
    with private(tmp_path / "new") as file:
        file.write("whole")
        file.flush()
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new").read_text() == "whole"


def test_a_link_stays_one_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    with private(tmp_path / "link") as file:
        file.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_the_part_of_a_killed_writer_goes_with_the_next_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    (tmp_path / ".log.dead.part").write_text("half")
    with private(tmp_path / "log") as living, private(tmp_path / "log") as other:
        assert not (tmp_path / ".log.dead.part").exists()
        living.write("one")
        other.write("two")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["one"]  # the outer is done last


@pytest.mark.parametrize(
    ("name", "got"),
    [(".", "Is a directory"), ("file/out", "Not a directory"), ("none/out", "No such"), ("n" * 300, "too long")],
)
def test_an_output_that_cannot_be_is_refused_in_one_line_before_and_while_writing(
    name: str, got: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(LogError, match=rf"^rejects must be a file that can be written, got '.*' \(.*{got}"):
        apart({"rejects": tmp_path / name}, [])
    with pytest.raises(LogError, match=f"must be a file that can be written.*{got}"), private(tmp_path / name):
        pass
    assert (tmp_path / "file").read_text() == "kept"


def test_no_room_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("whole")
    with pytest.raises(LogError, match=r"got '.*out' \(No space left on device\)"):
        write_half(tmp_path / "out", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]


def test_no_output_may_be_what_is_read_or_another_output_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("g.csv").write_text("rows")
    Path("soft").symlink_to("g.csv")
    os.link("g.csv", "hard")
    Path("folder").mkdir()
    for name in ("g.csv", "./folder/../g.csv", str(tmp_path / "g.csv"), "soft", "hard"):
        with pytest.raises(LogError, match=rf"^out must be another file than what is read, got '{name}'"):
            apart({"rejects": None, "out": name}, ["other.csv", Path("g.csv")])
        with pytest.raises(LogError, match=r"^out must be another file than the other outputs"):
            apart({"rejects": "g.csv", "out": name}, [])
    with pytest.raises(LogError, match=r"^out must be another file than the other outputs"):
        apart({"rejects": "new", "out": "folder/../new"}, ["g.csv"])
    apart({"rejects": "new", "out": "folder/new"}, ["g.csv"])
