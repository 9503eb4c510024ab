"""The level of a market: who its visits are expected to be by."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.suites.recovery import made
from simulator.calibration.level import Level, expected
from simulator.market import Market

DAYS = 140
TRUTH = {
    "arrivals.per_day": 40.0,
    "calendar.weeks": [1.0] * 53,
    "users.population": 300.0,
    "users.segments.share": 0.5,
    "users.segments.activity": 5.0,
    "customers.newcomers": 0.1,
    "baskets.shape": 1.5,
    "baskets.spread": 0.4,
    "pieces.spread": 0.9,
    "pieces.visits": 0.5,
}
REST = {"rest": 0.7, "lifetime_days": 100.0}


def test_visits_by_kind_are_those_of_the_market_in_the_mean_of_seasons() -> None:
    """Kinds that come five times as often as others rest longer, newcomers are of the rare kind, many are lost."""
    scenario = made(TRUTH)
    often, rarely = scenario.users.segments
    kinds = [
        often.model_copy(update={"newcomers": 0.2, "rest_days": 4.0}),
        rarely.model_copy(update={"newcomers": 0.8, "rest_days": 4.0}),
    ]
    scenario = scenario.changed(
        days=float(DAYS),
        users=scenario.users.model_copy(update={"segments": kinds}).model_dump(),
        customers={"newcomers": 0.1, **REST},
    )
    seen = np.mean([_visits(scenario, seed) for seed in range(8)], axis=0)
    settings = {
        "users.population": 300,
        "customers.newcomers": 0.1,
        "customers.lifetime_days": REST["lifetime_days"],
        "customers.rest": REST["rest"],
        "users.segments.share": [0.5, 0.5, 0.0],
        "users.segments.newcomers": [0.02, 0.08, 0.0],
        "users.segments.activity": [5.0, 1.0, 1.0],
        "users.segments.rest_days": [4.0, 4.0, 4.0],
    }
    said = expected(settings, np.full(DAYS // 7, 7 * TRUTH["arrivals.per_day"]))
    assert said.sum(axis=0)[:2] == pytest.approx(seen, rel=0.03)


FOUR_WEEKS = {
    "users.population": 50,
    "customers.newcomers": 0.0,
    "customers.lifetime_days": 1e9,
    "users.segments.share": [0.25, 0.75, 0.0],
    "users.segments.newcomers": [0.0, 0.0, 0.0],
    "users.segments.activity": [3.0, 1.0, 1.0],
    "users.segments.products": [1.0, 0.6, 0.3],
    "baskets.weeks": [1.0, 1.0, 1.0, 2.0],
}


@pytest.mark.parametrize(("luck", "means"), [(0.0, [0.5, 0.3, 0.15]), (2.0, [0.5 * np.e, 0.3 * np.e, 0.15 * np.e])])
def test_baskets_are_rescaled_to_the_lines_that_were_sold(luck: float, means: list[float]) -> None:
    """Each kind makes 140 visits, with 0.8 further wants in the mean, twice as many in the last week: 280; 140 seen."""
    level = Level(np.full(28, 10.0), np.repeat(np.arange(4), 7), 420, 0.5)
    assert level.levelled(FOUR_WEEKS, luck) == {"users.segments.products": pytest.approx(means)}


def test_baskets_do_not_vanish_where_visits_buy_hardly_more_than_one_thing() -> None:
    level = Level(np.full(28, 10.0), np.repeat(np.arange(4), 7), 270, 0.5)
    assert level.levelled(FOUR_WEEKS) == {"users.segments.products": pytest.approx([0.05, 0.03, 0.015])}


def _visits(scenario: object, seed: int) -> np.ndarray:  # type: ignore[type-arg]
    market = Market(scenario, lambda visits, rows: np.full((rows.stop - rows.start, scenario.slots), -1), seed)  # type: ignore[attr-defined, arg-type]
    visits = market.run().table("visits")
    return np.bincount(market.users.segments[visits["user"].to_numpy()], minlength=2)
