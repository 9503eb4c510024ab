"""What a shop looks like in numbers: by hand, and as scipy has them."""

from __future__ import annotations

import numpy as np
import pytest
from made_sales import FIRST
from scipy.stats import ks_2samp

from simulator.calibration import metrics
from simulator.calibration.sales import Bought, Sales, gathered


@pytest.fixture
def sales() -> Sales:
    """Anna buys two products on day 0 with two invoices, and one on day 8; a guest buys twice on day 9."""
    bought = Bought(
        times=np.array([0.4, 0.5, 0.5, 8.4, 9.5, 9.6]),
        users=np.array([0, 0, 0, 0, -1, -1]),
        orders=np.array([0, 1, 1, 2, 3, 4]),
        items=np.array([0, 0, 1, 0, 1, 1]),
        pieces=np.array([2, 4, 1, 3, 5, 1]),
        prices=np.array([2.0, 1.0, 10.0, 2.0, 10.0, 10.0]),
        returned=np.array([0, 1, 0, 0, 0, 0]),
    )
    return gathered(bought, FIRST, 14, 2, np.empty(0))


def test_invoices_of_a_customer_on_one_day_are_one_visit_and_guests_are_met_once(sales: Sales) -> None:
    assert (sales.times.tolist(), sales.users.tolist()) == ([0.4, 8.4, 9.5, 9.6], [0, 0, -1, -1])


def test_a_product_bought_twice_in_a_visit_is_one_line_at_the_mean_price(sales: Sales) -> None:
    assert (sales.pieces[0], sales.prices[0], sales.returned[0]) == (6, pytest.approx(8 / 6), 1)


def test_weeks_add_up(sales: Sales) -> None:
    found = {name: values.tolist() for name, values in metrics.weekly(sales).items()}
    assert found == {
        "pieces": [7.0, 9.0],
        "lines": [2.0, 3.0],
        "revenue": [pytest.approx(18.0), pytest.approx(66.0)],
        "orders": [1.0, 3.0],
        "customers": [1.0, 1.0],
    }


def test_distributions_are_of_named_customers_where_they_are_of_customers(sales: Sales) -> None:
    found = metrics.distributions(sales, 0, 14)
    assert found["visits per customer"].tolist() == [2.0]
    assert found["weeks between orders"] == pytest.approx([8.0 / 7])
    assert found["products a customer-week"].tolist() == [2.0, 1.0]
    assert sorted(found["pieces a product-week"]) == [1.0, 3.0, 6.0, 6.0]


def test_repeat_orders_count_those_of_customers_seen_before(sales: Sales) -> None:
    found = metrics.numbers(sales, 7, 14, 7)
    assert (found["repeat orders of old customers, 1 weeks"], found["share of new customers"]) == (1.0, 0.0)


def test_launches_are_what_is_first_sold_after_the_first_four_weeks() -> None:
    """Product 0 is there from the start; product 1 first sells on day 30, and again 2 and 9 weeks later."""
    days = np.array([1.0, 30.0, 44.0, 93.0, 99.0])
    ones = np.ones(5, int)
    items = np.array([0, 1, 1, 1, 0])
    bought = Bought(days + 0.5, ones, np.arange(5), items, ones, np.ones(5), 0 * ones)
    lines, curve = metrics.launched(gathered(bought, FIRST, 100, 2, np.empty(0)), 0, 100)
    assert (lines.tolist(), curve.tolist()) == ([2.0], [1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0])


def test_what_was_sold_before_is_no_launch_where_a_season_sells_it_late() -> None:
    days, ones = np.array([1.0, 30.0, 35.0, 36.0]), np.ones(4, int)
    items = np.array([0, 1, 2, 2])
    sales = gathered(
        Bought(days + 0.5, ones, np.arange(4), items, ones, np.ones(4), 0 * ones), FIRST, 100, 3, np.empty(0)
    )
    assert metrics.launched(sales, 0, 100, old=2)[0].tolist() == [2.0]


def test_the_complement_is_one_less_scipys_two_sample_statistic() -> None:
    random = np.random.default_rng(0)
    a, b = random.poisson(3, 200).astype(float), random.poisson(4, 300).astype(float)
    assert metrics.complement(a, b) == pytest.approx(1 - ks_2samp(a, b).statistic)


def test_wape_is_the_sum_of_errors_over_the_sum() -> None:
    assert metrics.wape(np.array([10.0, 30.0]), np.array([12.0, 24.0])) == pytest.approx(8 / 40)
