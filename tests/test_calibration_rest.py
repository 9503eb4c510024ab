"""Rest after a visit: found as the market was told, and not where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from made_sales import FIRST

from simulator.calibration import rest
from simulator.calibration.sales import Bought, Sales, gathered

DAYS, USERS, RATE = 600, 300, 0.5  # visits a week outside of rests


def shop(share: float, days: float) -> Sales:
    """Customers who come at one rate, day by day, and rest after a visit with this chance."""
    random = np.random.default_rng(1)
    times, users, resting = [], [], np.zeros(USERS)
    for day in range(DAYS):
        came = np.flatnonzero((random.random(USERS) < RATE / 7) & (resting <= day))
        users.append(came)
        times.append(np.full(len(came), day + 0.5))
        rests = np.where(random.random(len(came)) < share, random.exponential(days, len(came)), 0.0)
        resting[came] = day + 0.5 + rests
    when, who = np.concatenate(times), np.concatenate(users)
    n = len(when)
    ones = np.ones(n, int)
    return gathered(Bought(when, who, np.arange(n), 0 * ones, ones, np.ones(n), 0 * ones), FIRST, DAYS, 1, np.empty(0))


def test_share_and_days_of_rest_are_those_that_customers_had() -> None:
    found = rest.fit(shop(0.7, 5.0), np.ones((USERS, 1)), np.array([0.4]))
    assert found is not None
    assert found.share == pytest.approx(0.7, abs=4 * found.error)
    assert found.days[0] == pytest.approx(5.0, rel=0.25)
    assert found.error < 0.05


def test_no_rest_is_found_where_nobody_rests() -> None:
    assert rest.fit(shop(0.0, 5.0), np.ones((USERS, 1)), np.array([RATE])) is None


def test_rates_outside_of_rests_make_up_for_them() -> None:
    """A visit a week, after half of which there are 3.5 days of rest: a quarter of the time is rest."""
    found = rest.Rest(0.5, 0.01, np.array([3.5]))
    assert found.active(np.array([1.0])) == pytest.approx([1 / 0.75])
