"""When users come: against the mathematics of Poisson processes."""

from __future__ import annotations

import numpy as np
import pytest
from seasons import season

from simulator.arrivals import Arrivals
from simulator.profile import Profile


def drawn(seed: int = 0, days: float = 28.0, **about: object) -> np.ndarray:
    arrivals = Arrivals(season(days=days, arrivals={"per_day": 50.0} | about), seed)
    return arrivals.take(days)[0]


def test_counts_have_the_mean_and_the_variance_of_a_poisson_process() -> None:
    counts = np.array([len(drawn(seed, days=7.0)) for seed in range(400)])
    assert abs(counts.mean() - 350) < 4 * np.sqrt(350 / 400)
    # Variance of the sample variance of a Poisson number: about 2 m^2 / n.
    assert abs(counts.var(ddof=1) - 350) < 4 * 350 * np.sqrt(2 / 400)


def test_traffic_follows_hour_and_weekday() -> None:
    hours, weekdays = [1.0] * 12 + [3.0] * 12, [1.0, 1, 1, 1, 1, 2, 2]
    times = np.concatenate([drawn(seed, hours=hours, weekdays=weekdays) for seed in range(20)])
    afternoon = (times % 1 >= 0.5).mean()
    weekend = (times % 7 >= 5).mean()
    n = len(times)
    assert abs(afternoon - 0.75) < 4 * np.sqrt(0.75 * 0.25 / n)
    assert abs(weekend - 4 / 9) < 4 * np.sqrt(4 / 9 * 5 / 9 / n)
    assert abs(n / 20 - 28 * 50) < 4 * np.sqrt(28 * 50 / 20)


def test_the_season_peaks_on_its_day() -> None:
    profile = Profile(season(arrivals={"per_day": 1.0, "season": 0.5, "season_peak": 100.0, "hours": [1.0] * 24}))
    week = np.arange(0, 7, 1 / 24)
    assert profile.at(98 + week).mean() == pytest.approx(1.5, abs=0.01)
    assert profile.at(280 + week).mean() == pytest.approx(0.5, abs=0.01)


def test_a_launch_brings_its_buzz_and_nothing_else_changes() -> None:
    flat = {"hours": [1.0] * 24, "weekdays": [1.0] * 7, "buzz": 2.0, "buzz_days": 1.5}
    extra = []
    for seed in range(30):
        quiet, loud = (Arrivals(season(days=20.0, arrivals={"per_day": 50.0} | flat), seed) for _ in range(2))
        loud.launch(3, 5.0)
        before, after = quiet.take(20.0), loud.take(20.0)
        assert np.isin(before[1], after[1]).all()
        extra.append(after[0][~np.isin(after[1], before[1])])
    counts = np.array([len(times) for times in extra])
    assert abs(counts.mean() - 50 * 2 * 1.5) < 4 * np.sqrt(150 / 30)
    ages = np.concatenate(extra) - 5.0
    assert ages.min() >= 0
    assert abs(ages.mean() - 1.5) < 4 * 1.5 / np.sqrt(len(ages))


def test_taking_in_any_pieces_gives_the_same_visits_in_order() -> None:
    whole = Arrivals(season(days=5.0), 1).take(5.0)
    pieces = Arrivals(season(days=5.0), 1)
    parts = [pieces.take(until) for until in (0.3, 0.3001, 2.0, 4.9, 5.0)]
    np.testing.assert_array_equal(np.concatenate([times for times, _ in parts]), whole[0])
    np.testing.assert_array_equal(np.concatenate([ids for _, ids in parts]), whole[1])


def test_one_by_one_gives_the_same_visits_with_friends_in_their_place() -> None:
    arrivals = Arrivals(season(days=2.0), 1)
    whole = Arrivals(season(days=2.0), 1).take(2.0)
    arrivals.friend(1.2345, 77)
    times = []
    while arrivals.peek() < np.inf:
        peeked = arrivals.peek()
        stream, _, place = arrivals.next()
        assert stream[place] == peeked
        times.append(stream[place])
    np.testing.assert_array_equal(times, np.sort(np.append(whole[0], 1.2345)))


def test_ids_are_unique() -> None:
    arrivals = Arrivals(season(days=60.0, arrivals={"per_day": 500.0, "buzz": 1.0}), 2)
    arrivals.launch(0, 0.0)
    arrivals.launch(1, 0.0)
    ids = arrivals.take(60.0)[1]
    assert len(np.unique(ids)) == len(ids)
