"""The command: surroundings of the user's stop it with one line, or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]


def launchsim(*arguments: str, module: str = "launchsim", **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([environment.pop("PYTHONPATH", ""), str(HERE)]).strip(os.pathsep)
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
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


def test_the_synonym_names_such_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "__init__.py").write_text("")
    path = os.pathsep.join([str(tmp_path), str(HERE)])
    done = launchsim("policies", module="benchmarks", PYTHONPATH=path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert str(tmp_path / "policies") in done.stderr


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


def settled(tmp_path: Path, **environment: str) -> tuple[dict[str, str], str]:
    """What surroundings are afterwards, and what is told of it."""
    code = "import json, os, launchsim; launchsim._settle(); print(json.dumps(dict(os.environ)))"
    known = {
        key: value for key, value in os.environ.items() if key not in ("JAX_COMPILATION_CACHE_DIR", "NUMBA_CACHE_DIR")
    }
    environment = known | {"PYTHONPATH": str(HERE), "TMPDIR": str(tmp_path)} | environment
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), done.stderr


def test_networks_that_were_compiled_are_kept_in_the_users_cache(tmp_path: Path) -> None:
    found, told = settled(tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert found["JAX_COMPILATION_CACHE_DIR"].startswith(f"{tmp_path}/cache/launchsim/jax-")
    assert not told


def test_a_home_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    found, told = settled(tmp_path, XDG_CACHE_HOME=str(tmp_path / "home"))
    assert found["JAX_COMPILATION_CACHE_DIR"].startswith(f"{tmp_path}/launchsim-compiled-")
    assert told.count("\n") == 1
    assert f"since {tmp_path}/home cannot be written" in told


def test_a_place_that_the_user_names_is_taken(tmp_path: Path) -> None:
    found, told = settled(
        tmp_path, JAX_COMPILATION_CACHE_DIR="/mine", NUMBA_CACHE_DIR="/mine", XDG_CACHE_HOME="/dev/null"
    )
    assert (found["JAX_COMPILATION_CACHE_DIR"], found["NUMBA_CACHE_DIR"], told) == ("/mine", "/mine", "")


def test_a_reader_who_leaves_early_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m launchsim policies | head -1"],
        env=os.environ | {"PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
