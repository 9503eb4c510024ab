"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("LAUNCHSIM_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; tests that use it carry the marker `data`."""
    return DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if DATA.is_dir():
        return
    skip = pytest.mark.skip(reason=f"real data folder {DATA} is absent")
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(skip)
