"""Fixtures that several test files share."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest

# Many tests fit models of the same shapes, in this process and in others: each is compiled once, then read.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.05")

# The options of policies/networks/network.py, and code that is compiled quickly rather than quick: it runs for moments.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1 --xla_backend_optimization_level=0",
)

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # tests run side by side already
os.environ.setdefault("LAUNCHSIM_PROCESSES", "1")  # starting more takes longer than what most tests have for them

gc.set_threshold(5_000, 10, 20)  # half a million objects of libraries are looked through less often

DATA = Path(os.environ.get("LAUNCHSIM_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; tests that use it carry the marker `data`."""
    return DATA


@pytest.fixture(scope="session")
def small_scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged scenarios with a few visitors a day and a policy that learns once a day: seasons of a second."""
    from simulator.scenario import Scenario

    folder = tmp_path_factory.mktemp("scenarios")
    for name in Scenario.names():
        scenario = Scenario.load(name)
        arrivals = scenario.arrivals.model_copy(update={"per_day": min(scenario.arrivals.per_day, 60)})
        users = scenario.users.model_copy(update={"population": min(scenario.users.population, 500)})
        scenario.changed(arrivals=arrivals, users=users, refresh_minutes=1440).write(folder / f"{name}.toml")
    return folder


@pytest.fixture
def drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are drawn once, coarsely and laid out by chance, for tests that make whole pages and look at none of
    their pictures: `test_pages_*.py` do.
    """
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from benchmarks.pages import figures

    drawn = figures._file
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda *_: None)
    monkeypatch.setattr(figures, "_DPI", 30)
    monkeypatch.setattr(figures, "_file", lambda picture, kind: drawn(picture, kind) if kind == "png" else b"<svg/>")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What all test files import lives on: no use in looking for garbage in it, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # else libraries complain at the end that what they made is still there


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _keep_files_together(items)
    if DATA.is_dir():
        return
    skip = pytest.mark.skip(reason=f"real data folder {DATA} is absent")
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(skip)


def _keep_files_together(items: list[pytest.Item]) -> None:
    """What a file has once for its tests is made, and what it compiles compiled, by one process; but documents'
    commands have in common only what test_docs.py says."""
    for item in items:
        if item.path.name != "test_docs.py":
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
