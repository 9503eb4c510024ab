"""A calibration that is stopped goes on where it was, and from nowhere else."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_sales import history, made

from simulator.calibration import judging
from simulator.calibration.judging import Progress
from simulator.calibration.kept import Kept, key
from simulator.calibration.likelihood import Estimate
from simulator.calibration.sales import Sales

PIECE = {"one": np.arange(3.0), "two, with spaces": np.array(2)}


def refuse() -> dict[str, np.ndarray]:
    raise AssertionError("made again")


def test_what_is_finished_is_not_made_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "key")
    kept.arrays("piece", lambda: PIECE)
    again = kept.arrays("piece", refuse)
    assert {name: value.tolist() for name, value in again.items()} == {"one": [0, 1, 2], "two, with spaces": 2}


def test_another_key_is_another_piece(tmp_path: Path) -> None:
    Kept(tmp_path, "key").arrays("piece", lambda: PIECE)
    with pytest.raises(AssertionError, match="made again"):
        Kept(tmp_path, "other").arrays("piece", refuse)


def test_what_was_cut_off_is_set_aside_and_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Kept(tmp_path, "key")
    kept.arrays("piece", lambda: PIECE)
    file = tmp_path / "piece-key.npz"
    file.write_bytes(file.read_bytes()[:100])
    assert kept.arrays("piece", lambda: PIECE)["one"].tolist() == [0, 1, 2]
    assert "set aside as .torn" in capsys.readouterr().err


def test_a_piece_that_is_stopped_while_it_is_made_leaves_nothing(tmp_path: Path) -> None:
    def stopped() -> dict[str, np.ndarray]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Kept(tmp_path, "key").arrays("piece", stopped)
    assert list(tmp_path.iterdir()) == []


def test_the_key_changes_with_a_line_a_product_or_a_setting() -> None:
    shop = history(days=30)
    prices = shop.lines["price"].where(np.arange(len(shop.lines)) != 7, 5.01)
    others = [
        replace(shop, lines=shop.lines.assign(price=prices)),
        replace(shop, goods=shop.goods.assign(title="mug")),
    ]
    keys = [key(shop, 1, None), key(shop, 2, None), *(key(one, 1, None) for one in others)]
    assert len(set(keys)) == 4
    assert key(shop, 1, None) == keys[0]


def test_a_judgement_that_was_stopped_goes_on_and_says_the_same(tmp_path: Path) -> None:
    shop, played = made(60), []

    def stop(what: str, share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    def season(seed: int) -> Sales:
        played.append(seed)
        return made(60, seed=1 + seed)

    def judged(kept: Kept, progress: Progress = lambda what, share: None) -> pd.DataFrame:
        return judging.judge(lambda seed: partial(season, seed), shop, shop, 3, progress, kept).fit

    with pytest.raises(KeyboardInterrupt):
        judged(Kept(tmp_path, "key"), stop)
    went_on = judged(Kept(tmp_path, "key"))
    assert played == [0, 1, 2]
    pd.testing.assert_frame_equal(went_on, judged(Kept()))


def test_an_estimate_comes_back_as_it_was(tmp_path: Path) -> None:
    found = Estimate({"a": np.array(1.0), "b": np.array([2.0, 3.0])}, np.diag([1.0, 4.0, 9.0]), -7.0, 1e-9)
    again = Estimate.of(Kept(tmp_path, "key").arrays("fit", found.arrays))
    assert again.errors["b"].tolist() == [2.0, 3.0]
    assert (again.log_density, again.steepness, again.values["a"]) == (-7.0, 1e-9, 1.0)
