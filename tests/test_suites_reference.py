"""The reference is what the code says today."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.suites import reference

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
PAGES = reference.pages()


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name], "run make docs"


def test_no_page_stays_that_nothing_writes() -> None:
    assert {page.name for page in FOLDER.glob("*.md")} == set(PAGES)
