"""The command: surroundings of the user's stop it with one line, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]


def launchsim(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([environment.pop("PYTHONPATH", ""), str(HERE)]).strip(os.pathsep)
    return subprocess.run(
        [sys.executable, "-m", "launchsim", *arguments],
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


@pytest.mark.parametrize("room", ["policies", "benchmarks"])
def test_a_folder_of_the_users_that_hides_ours_is_named(tmp_path: Path, room: str) -> None:
    (tmp_path / room).mkdir()
    (tmp_path / room / "__init__.py").write_text("")
    done = launchsim("policies", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / room) in done.stderr


def test_a_folder_without_python_in_it_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    assert launchsim("policies", PYTHONPATH=str(tmp_path)).returncode == 0


def test_a_notebooks_drawing_backend_does_not_matter(tmp_path: Path) -> None:
    done = launchsim(
        "scenarios", "show", "tight_stock", "--out", str(tmp_path / "a.png"), MPLBACKEND="module://not_there"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.png").exists()


def test_a_file_of_somebody_elses_for_matplotlib_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.size: 40\n")
    drawn = [tmp_path / "a.png", tmp_path / "b.png"]
    plain = launchsim("scenarios", "show", "tight_stock", "--out", str(drawn[0]))
    done = launchsim("scenarios", "show", "tight_stock", "--out", str(drawn[1]), MATPLOTLIBRC=str(tmp_path))
    assert plain.returncode == done.returncode == 0, done.stderr
    assert drawn[0].read_bytes() == drawn[1].read_bytes()


def test_where_compiled_code_cannot_be_kept_a_folder_of_temporary_files_serves(tmp_path: Path) -> None:
    code = """
import sys, launchsim
launchsim._writable = lambda folder: False
sys.argv = ["launchsim", "policies"]
launchsim.main()
"""
    environment = os.environ | {"PYTHONPATH": str(HERE), "TMPDIR": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert f"kept in {tmp_path}" in done.stderr
    (kept,) = tmp_path.iterdir()
    assert list(kept.iterdir()), "nothing was kept there"


def test_a_reader_who_leaves_early_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m launchsim policies | head -1"],
        env=os.environ | {"PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
