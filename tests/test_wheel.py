"""What people install: the wheel, in an environment that has its dependencies and nothing else of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = (
    "simulator",
    "policies",
    "envs",
    "benchmarks",
    "launchsim.py",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)

pytestmark = pytest.mark.wheel


def ran(command: Sequence[object], place: Path, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command], cwd=place, env=clean | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with the wheel in it; what it depends on is lent from this one."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for part in PARTS:
        here = ROOT / part
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(here, source / part, ignore=ignored) if here.is_dir() else shutil.copy(here, source)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", place, source]
    ran(build, place)
    ran([sys.executable, "-m", "venv", "--without-pip", place / "env"], place)
    (site,) = (place / "env" / "lib").glob("python*/site-packages")
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # .pth files in there are not followed
    python = place / "env" / "bin" / "python"
    (wheel,) = place.glob("launchsim-*.whl")
    ran([sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel], place)
    return place / "env" / "bin"


def test_the_demo_of_an_installed_wheel_writes_its_page(installed: Path, small_scenarios: Path, tmp_path: Path) -> None:
    (scenarios,) = installed.parent.glob("lib/python*/site-packages/simulator/scenarios")
    shutil.copy(small_scenarios / "spring_launch.toml", scenarios)  # a season of seconds
    offline = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    said = ran([installed / "launchsim", "demo", "--seeds", "1", "-j", "1", "--out", "demo"], tmp_path, **offline)
    assert "linucb" in said
    assert (tmp_path / "demo" / "index.html").stat().st_size > 50_000


def test_an_installed_wheel_finds_its_scenarios_and_nothing_in_a_users_folder_is_taken_for_ours(
    installed: Path, tmp_path: Path
) -> None:
    assert "tight_stock" in ran([installed / "launchsim", "scenarios"], tmp_path)
    (tmp_path / "simulator").mkdir()
    assert "uniform" in ran([installed / "launchsim", "policies"], tmp_path)
    (tmp_path / "simulator" / "__init__.py").touch()
    told = subprocess.run(
        [installed / "launchsim", "policies"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 2
    assert told.stderr.count("\n") == 1
    assert "stands in the way of our own package 'simulator'" in told.stderr
