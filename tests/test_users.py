"""Who comes: shares, visit rates, and how much features tell of tastes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from seasons import season

from simulator.scenario import Scenario
from simulator.users import Users, drawn


def people(days: float = 10.0, **about: Any) -> tuple[Scenario, Users]:
    scenario = season(days=days, users={"population": 4000, "features": 5} | about)
    return scenario, Users(scenario, 1)


def explained(features: np.ndarray, target: np.ndarray) -> float:
    """R squared of the least-squares fit."""
    fitted = features @ np.linalg.lstsq(features, target, rcond=None)[0]
    return 1 - ((target - fitted) ** 2).sum() / ((target - target.mean(axis=0)) ** 2).sum()


@pytest.mark.parametrize("rho", [0.0, 0.6, 1.0])
def test_features_explain_as_much_of_tastes_as_the_scenario_says(rho: float) -> None:
    _, users = people(information=rho, taste=1.7)
    tastes = users.tastes(0.0)
    assert explained(users.features, tastes) == pytest.approx(rho**2, abs=0.03)
    assert tastes.std() == pytest.approx(1.7, rel=0.05)


def test_features_begin_with_a_constant_and_are_standardised() -> None:
    _, users = people()
    assert users.features.shape == (4000, 6)
    np.testing.assert_array_equal(users.features[:, 0], 1.0)
    np.testing.assert_allclose(users.features[:, 1:].std(axis=0), 1.0, rtol=1e-5)  # kept in single precision


def test_visit_rates_fall_with_rank_as_a_power() -> None:
    _, users = people(zipf=0.8)
    shares = np.sort(users.visit_shares)[::-1]
    np.testing.assert_allclose(shares[[1, 9, 99]] / shares[0], np.array([2.0, 10, 100]) ** -0.8)


def test_users_are_drawn_as_often_as_they_visit() -> None:
    _, users = people(zipf=1.2)
    luck = np.random.default_rng(0).random(100_000)
    counts = np.bincount([drawn(users.lottery.ends, users.lottery.guide, u) for u in luck], minlength=4000)
    expected = users.visit_shares * len(luck)
    large = expected > 20
    assert (np.abs(counts - expected)[large] < 5 * np.sqrt(expected[large])).all()
    assert abs(counts[~large].sum() - expected[~large].sum()) < 4 * np.sqrt(expected[~large].sum())


def test_segments_have_their_shares_activity_and_price_sensitivity() -> None:
    segments = [
        {"name": "a", "share": 3.0, "activity": 4.0, "price_sensitivity": 1.0},
        {"name": "b", "share": 1.0, "activity": 1.0, "price_sensitivity": 2.0},
    ]
    _, users = people(segments=segments, zipf=0.0, price_spread=0.0, price_sensitivity=0.05)
    share = (users.segments == 0).mean()
    assert abs(share - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 4000)
    assert users.visit_shares[users.segments == 0].sum() == pytest.approx(4 * share / (4 * share + 1 - share))
    assert set(np.round(users.sensitivities, 6)) == {0.05, 0.1}


def test_price_sensitivity_is_log_normal_around_its_median() -> None:
    _, users = people(price_sensitivity=0.04, price_spread=0.5)
    logs = np.log(users.sensitivities)
    assert np.exp(np.median(logs)) == pytest.approx(0.04, rel=0.05)
    assert logs.std() == pytest.approx(0.5, rel=0.05)


def test_drifting_tastes_turn_by_a_quarter_and_keep_their_spread() -> None:
    _, users = people(days=10.0, drift=1.0)
    first, half, last = users.tastes(0.0), users.tastes(5.0), users.tastes(10.0)
    correlation = lambda one, other: np.corrcoef(one.ravel(), other.ravel())[0, 1]  # noqa: E731
    assert correlation(first, last) == pytest.approx(0.0, abs=0.1)
    assert correlation(first, half) == pytest.approx(np.sqrt(0.5), abs=0.07)
    assert half.std() == pytest.approx(first.std(), rel=0.07)
