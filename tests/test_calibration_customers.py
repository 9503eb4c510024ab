"""Customers of a shop: who was there, who is new, how often each comes, fitted together with the season."""

from __future__ import annotations

import numpy as np
import pytest
from made_sales import made
from scipy.stats import poisson

from simulator.calibration import customers
from simulator.calibration.customers import Customers
from simulator.calibration.part import Part

DAYS = 280
SEASON = 15.0 * (1 + 0.6 * np.cos(2 * np.pi * np.arange(DAYS) / DAYS))  # a busy start and end, a quiet middle


@pytest.fixture(scope="module")
def found() -> tuple[Customers, Part]:
    """300 there on day 0, half of them with five times the rate; of visits a tenth are first ones, a tenth guests'."""
    return customers.fit(made(DAYS, traffic=SEASON, newcomers=0.1, guests=0.1, old=300, rates=(0.2, 1.0)))


def test_customers_already_there_on_the_first_day_are_no_new_ones(found: tuple[Customers, Part]) -> None:
    """Of those seen for the first time in the first quarter most are old: a count would say 20% and more are new."""
    error = next(one.error for one in found[1].parameters if one.place == "customers.newcomers")
    assert found[0].newcomers == pytest.approx(0.1, abs=3 * error)
    assert error < 0.02


def test_customers_never_seen_are_counted_too(found: tuple[Customers, Part]) -> None:
    error = next(one.error for one in found[1].parameters if one.place == "users.population")
    assert found[0].population == pytest.approx(300, abs=3 * error)


def test_of_customers_who_are_all_seen_it_is_known_how_many_they_are() -> None:
    """To half of what a Poisson number of them would be known to, at most."""
    part = customers.fit(made(84, traffic=60.0, newcomers=0.005, old=300, rates=(1.0,)))[1]
    population = next(one for one in part.parameters if one.place == "users.population")
    assert population.error < 0.5 * np.sqrt(300)
    assert population.value == pytest.approx(300, abs=3 * population.error)


def test_shares_of_kinds_add_up(found: tuple[Customers, Part]) -> None:
    assert found[0].old.sum() == pytest.approx(1.0)
    assert found[0].new.sum() == pytest.approx(1.0)
    chances = found[0].kinds.sum(axis=1)
    assert np.allclose(chances[chances > 0], 1.0)


def test_frequent_customers_are_told_from_rare_ones(found: tuple[Customers, Part]) -> None:
    """The mean rate of who is there on day 0 over that of the frequent kind: (0.2 + 1.0) / 2 to 1.0."""
    rates, old = found[0].rates, found[0].old
    mean, square = rates @ old, rates**2 @ old
    assert square / mean**2 == pytest.approx((0.5 * 0.2**2 + 0.5) / 0.6**2, rel=0.15)


def test_guests_are_a_share_of_the_visits_and_newcomers_who_never_come_again(found: tuple[Customers, Part]) -> None:
    who, part = found
    assert who.guests == pytest.approx(0.1, abs=0.02)
    assert part.settings["customers.newcomers"] * who.merged == pytest.approx(who.newcomers + who.guests)
    assert part.settings["users.segments.share"][-1] == 0.0


def test_newcomers_whose_share_falls_are_not_taken_for_old_customers_that_come_rarely() -> None:
    """From three tenths of the visits to a twentieth: under a constant share the fit finds .06 +- .04."""
    falls = np.linspace(0.3, 0.05, DAYS)
    who, _ = customers.fit(made(DAYS, traffic=20.0, newcomers=falls, old=400, rates=(0.1, 0.3, 1.0)))
    assert who.newcomers == pytest.approx(falls.mean(), abs=0.04)


def test_old_customers_that_come_rarely_are_not_taken_for_newcomers() -> None:
    """Fifteen hundred who come every ten weeks: of 28 weeks most first visits are theirs, and fewer from week to week.
    A share of newcomers that may fall as fast as that explains all of them, and half of the visits would be first ones.
    """
    who, part = customers.fit(made(196, traffic=12.0, newcomers=0.1, old=1500, rates=(0.1,)))
    error = next(one.error for one in part.parameters if one.place == "users.population")
    assert who.newcomers == pytest.approx(0.1, abs=0.1)
    assert who.population == pytest.approx(1500, abs=2 * error)


def test_where_all_were_there_before_next_to_nobody_is_said_to_be_new() -> None:
    sales = made(newcomers=0.0)
    assert customers.fit(sales)[0].newcomers * len(sales.times) < 4


def test_no_draw_has_more_newcomers_than_were_seen_for_the_first_time() -> None:
    """Of four weeks in which hardly anybody comes twice, nothing says who is new."""
    sales = made(28, traffic=5.0, newcomers=0.1, old=2000)
    _, part = customers.fit(sales)
    random = np.random.default_rng(0)
    drawn = [part.draw(random)["customers.newcomers"] for _ in range(50)]
    assert max(drawn) <= len(np.unique(sales.users)) / len(sales.users)


def test_how_often_customers_came_in_years_is_met_where_rates_are_spread_out() -> None:
    """Kolmogorov-Smirnov distance of visits per customer and of Poisson visits of the kinds that are found."""
    weeks, rates = 104, 0.035 * ((np.arange(200) + 0.5) / 200) ** -0.7
    sales = made(7 * weeks, traffic=20.0, newcomers=0.0, old=1000, rates=tuple(rates))
    who = customers.fit(sales)[0]
    visits = np.bincount(sales.users)
    counts = np.arange(60)
    kinds = poisson.cdf(counts[:, None], who.rates * weeks) @ who.old
    assert np.abs((visits[:, None] <= counts).mean(axis=0) - kinds).max() < 0.055
