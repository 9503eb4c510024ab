"""Search of launch plans: where all can be counted out, what is found is the best of them, or close to it."""

from __future__ import annotations

import numpy as np
import pytest

from simulator import search as searching
from simulator.search import Floats, Play, Windows, left_on_the_table, search


def toy_shop(seed: int, n: int, windows: int, users: int = 60) -> Play:
    """A shop of logit users with tastes: products take from each other and wear out, windows differ in traffic."""
    draw = np.random.default_rng(seed)
    tastes, features, quality = draw.normal(size=(users, 2)), draw.normal(size=(n, 2)), draw.normal(size=n) * 0.5
    appeal = np.exp(1.2 * tastes @ features.T + quality)
    prices, traffic = draw.uniform(0.5, 2, n), draw.uniform(0.5, 2, windows)
    leaving, wear = np.exp(draw.uniform(0, 2)), draw.uniform(0.3, 1)

    def play(plan: Windows) -> tuple[float, Floats]:
        parts, fresh = np.zeros(n), np.zeros(n)
        for w in range(windows):
            fresh *= wear
            fresh[list(plan[w]) if w < len(plan) else []] = 1.0
            chances = appeal * fresh
            parts += traffic[w] * prices * (chances / (leaving + chances.sum(axis=1, keepdims=True))).sum(axis=0)
        return float(parts.sum()), parts

    return play


def best_of_all(play: Play, n: int, windows: int, capacity: int) -> float:
    return max(play(plan)[0] for plan in searching._all_plans(tuple(range(n)), windows, capacity))


@pytest.mark.parametrize("capacity", [1, 2])
def test_six_candidates_in_three_windows_are_counted_out(capacity: int) -> None:
    for seed in range(5):
        play = toy_shop(seed, 6, 3)
        found = search(range(6), 3, capacity, play)
        assert found.value == best_of_all(play, 6, 3, capacity)
        assert found.left == (0.0, 0.0)


@pytest.mark.parametrize("capacity", [1, 2])
def test_climbs_from_several_starts_find_the_best_of_nearly_all_shops(
    capacity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "COUNTED_OUT", 0)
    short, inside = [], []
    for seed in range(100):
        play = toy_shop(seed, 6, 3)
        best, found = best_of_all(play, 6, 3, capacity), search(range(6), 3, capacity, play, seed=seed)
        short.append(1 - found.value / best)
        inside.append(found.value + found.left[1] >= best * (1 - 1e-12))
    assert np.mean(np.array(short) < 1e-12) >= 0.95
    assert max(short) < 0.05
    assert np.mean(inside) >= 0.95


def test_more_candidates_than_can_be_searched_end_within_the_plays_and_with_an_interval() -> None:
    play = toy_shop(1, 60, 4)
    rough, long = (search(range(60), 4, 2, play, plays=plays) for plays in (400, 4_000))
    assert rough.plays <= 600
    assert rough.value <= long.value <= rough.value + max(rough.left[1], 0.03 * long.value)
    assert rough.left[1] > 0


def test_every_plan_is_played_once_and_has_no_product_twice() -> None:
    asked: list[Windows] = []
    shop = toy_shop(3, 9, 2)

    def play(plan: Windows) -> tuple[float, Floats]:
        asked.append(plan)
        return shop(plan)

    search(range(9), 2, 2, play)
    assert len(asked) == len(set(asked))
    for plan in asked:
        launched = [k for window in plan for k in window]
        assert len(launched) == len(set(launched))


def test_climbs_that_end_alike_leave_nothing_on_the_table_and_others_what_they_differ() -> None:
    assert left_on_the_table([5.0, 5.0, 5.0]) == (0.0, 0.0)
    assert left_on_the_table([5.0, 3.5, 4.0]) == (0.0, 1.5)
