"""Data sets that users bring by hand are found again, and what is missing is said in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from envs.adopted import adopt, table
from envs.classified import load
from envs.feedback import LogError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = tmp_path / "mine"
    made.mkdir()
    rows = pd.DataFrame({"width": [1.0, 3.0, 5.0], "cap": ["flat", "round", "flat"], "label": ["e", "p", "e"]})
    rows.to_csv(made / "mushroom.csv", index=False)
    return made


def test_a_set_is_found_by_name_once_it_was_brought(folder: Path) -> None:
    with pytest.raises(LogError, match="launchsim data classification --path FOLDER"):
        load("mushroom")
    assert [file.name for file in adopt("classification", folder)] == ["mushroom.csv"]
    season = load("mushroom")
    assert season.classes.tolist() == ["e", "p"]
    assert season.problem.n_actions == 2
    assert season.problem.n_context_features == 1 + 1 + 2  # constant, width, two kinds of cap


def test_numbers_are_standardised(folder: Path) -> None:
    adopt("classification", folder)
    asked = []

    def choose(decisions):  # type: ignore[no-untyped-def]
        from envs.environment import Choices

        asked.append(decisions.contexts.copy())
        return Choices(np.zeros(len(decisions), int), np.ones(len(decisions)))

    list(load("mushroom").play(choose))
    widths = np.sort(np.concatenate(asked)[:, 1])
    np.testing.assert_allclose(widths, [-1, 0, 1])


def test_a_set_of_numbers_alone_is_taken_too(folder: Path) -> None:
    pd.DataFrame({"width": [1.0, 2.0], "label": [0, 1]}).to_parquet(folder / "letter.parquet")
    adopt("classification", folder)
    assert load("letter").problem.n_context_features == 2


def test_a_folder_without_tables_and_a_table_that_is_not_there_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LogError, match="path must be a folder with Parquet or CSV tables of online-retail"):
        adopt("online-retail", tmp_path)
    adopt("classification", folder)
    with pytest.raises(LogError, match="must be one of mushroom, got 'letter'"):
        table("classification", "letter")
