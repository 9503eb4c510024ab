"""What a launch is expected to sell: against played seasons, and against closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom, poisson
from seasons import product, season

from benchmarks.runner import Draw, run
from envs.prospects import _limited, _settled, hypergeometric
from envs.simulated import Simulated
from policies import load
from simulator.scenario import Buying, Scenario

LAUNCHING = {"every": 2.0, "windows": 3, "capacity": 2, "horizon": 2.0}


def launches(**about: Any) -> Scenario:
    """Eight candidates, two launched every two days before many visitors, of whom few buy."""
    values = {
        "question": "launch",
        "days": 6.0,
        "launching": LAUNCHING,
        "products": [product(0, incumbent=True)] + [product(k, quality=0.2 * k, cost=5.0) for k in range(1, 9)],
        "slots": 2,
        "choice": {"leaving": 4.0, "examination": [0.9, 0.4]},
        "arrivals": {"per_day": 20_000.0},
        "users": {"population": 20_000, "features": 2, "price_sensitivity": 0.0},
        "buying": {"prompt": 1.0},
    }
    return season(**values | about)


CASES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "one slot": {"slots": 1},
    "cascade": {"choice": {"leaving": 4.0, "examination": [0.5, 0.8, 0.9], "model": "cascade"}, "slots": 3},
    "long horizon": {"launching": LAUNCHING | {"horizon": 5.0}},
    "short horizon": {"launching": LAUNCHING | {"horizon": 0.5}},
    "slow buyers": {"buying": {"prompt": 0.3, "slow_days": 1.0}},
    "returns": {"buying": {"prompt": 0.5, "slow_days": 0.5, "returns": 0.6, "return_days": 0.7, "return_window": 1.5}},
    "buzz": {"arrivals": {"per_day": 10_000.0, "buzz": 1.0, "buzz_days": 1.5}},
    "novelty": {"choice": {"leaving": 5.5, "examination": [0.9, 0.4], "novelty": 2.0, "novelty_days": 1.0}},
    "few who come often": {"users": {"population": 300, "features": 2, "price_sensitivity": 0.0}},
    "margin": {"reward": "margin"},
    "all in the end": {"products": [product(0, incumbent=True)] + [product(k, quality=0.2 * k) for k in range(1, 7)]},
}


@pytest.mark.parametrize("plan", ["newest", "shuffled"])
@pytest.mark.parametrize("case", CASES)
def test_launches_sell_what_was_expected_of_them(plan: str, case: str) -> None:
    sold, expected = [], []
    for seed in range(2):
        environment = Simulated(launches(plan=plan, **CASES[case]), seed)
        for rounds in environment.play(Draw(load("uniform", environment.problem), seed)):
            assert rounds.truth is not None
            sold += rounds.feedback.rewards.tolist()
            expected += rounds.truth[0, rounds.feedback.chosen].tolist()
    assert len(sold) == 12
    assert sum(sold) == pytest.approx(sum(expected), rel=0.12)


@pytest.mark.parametrize("plan", ["newest", "shuffled"])
@pytest.mark.parametrize("stock", [1, 40])
def test_stock_limits_what_is_expected(plan: str, stock: int) -> None:
    products = [product(0, incumbent=True)] + [product(k, stock=stock) for k in range(1, 9)]
    environment = Simulated(launches(plan=plan, products=products, choice={"leaving": 3.5, "examination": [1, 1]}), 1)
    trace = run(load("uniform", environment.problem), environment)
    truth = trace.rewards.sum() / 6
    assert truth <= stock
    environment = Simulated(environment.scenario, 1)
    rounds = list(environment.play(Draw(load("uniform", environment.problem), 0)))
    expected = np.mean([one.truth[0, one.feedback.chosen[0]] for one in rounds])
    assert expected == pytest.approx(truth, rel=0.08)


def first_truth(**about: Any) -> np.ndarray:
    environment = Simulated(launches(**about), 1)
    rounds = next(iter(environment.play(Draw(load("uniform", environment.problem), 0))))
    assert rounds.truth is not None
    return rounds.truth[0]


@pytest.mark.parametrize("stock", [None, 100, 10_000])
def test_a_product_sold_at_a_loss_is_worth_its_units_times_the_loss(stock: int | None) -> None:
    loss = [product(0, incumbent=True)] + [product(k, price=10.0, cost=13.0, stock=stock) for k in range(1, 9)]
    units, margin = (first_truth(products=loss, reward=reward) for reward in ("units", "margin"))
    assert (units[1:] > 50).all()
    np.testing.assert_allclose(margin, -3.0 * units, rtol=1e-6)


@pytest.mark.parametrize("question", ["launch", "show"])
def test_where_every_sale_is_a_loss_stock_outs_that_never_were_cost_nothing(question: str) -> None:
    about: dict[str, Any] = {"reward": "margin", "users": {"population": 500, "features": 2}}
    if question == "show":
        about |= {"question": "show", "launching": None, "arrivals": {"per_day": 200.0}}
    days = [None] * 9 if question == "launch" else [0.0] * 5 + [3.0] * 4
    products = [product(k, price=10.0, cost=13.0, launch=days[k]) for k in range(9)]
    environment = Simulated(launches(products=products, **about), 1)
    trace = run(load("uniform", environment.problem), environment)
    assert len(trace) > 5
    np.testing.assert_array_equal(trace.shortfalls, 0.0)


@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_the_newest_in_the_order_of_the_shop_have_the_first_slots(capacity: int) -> None:
    # Alike but for their number. Of c launches among eight, product 1 is always first, product 8 always last, and the
    # place of the k-th is the mean of where (k - 1) of seven, c - 1 of them drawn, leave it.
    alike = [product(0, incumbent=True)] + [product(k, price=20.0) for k in range(1, 9)]
    about = {
        "launching": LAUNCHING | {"capacity": capacity, "windows": 1},
        "users": {"population": 500, "taste": 0.0, "durable": False},
    }
    reach = np.array([0.9, 0.5, 0.1])
    truth = first_truth(
        products=alike, plan="newest", slots=3, choice={"leaving": 6.0, "examination": reach.tolist()}, **about
    )[1:]
    assert truth[0] / truth[-1] == pytest.approx(reach[0] / reach[capacity - 1], rel=0.01)
    assert truth.mean() / truth[0] == pytest.approx(reach[:capacity].mean() / reach[0], rel=0.01)


def test_a_poisson_number_is_limited_by_stock() -> None:
    for mean in (0.01, 3.0, 50.0):
        for stock in (0, 1, 2, 3, 20, 55, 4_000):
            x = np.arange(400)
            expected = (np.minimum(x, stock) * poisson.pmf(x, mean)).sum()
            assert _limited(np.array([mean]), np.array([float(stock)]))[0] == pytest.approx(expected, rel=1e-9)


def test_what_is_bought_and_kept_by_the_end_of_a_horizon_is_what_draws_say() -> None:
    about = Buying(prompt=0.6, prompt_minutes=144.0, slow_days=2.0, returns=0.5, return_days=1.5, return_window=3.0)
    random, n = np.random.default_rng(1), 400_000
    buys = np.where(random.random(n) < 0.6, random.exponential(0.1, n), random.exponential(2.0, n))
    back = np.where(random.random(n) < 0.5, random.exponential(1.5, n), np.inf)
    back[back > 3.0] = np.inf
    left = np.array([0.05, 1.0, 4.0, 30.0])
    sold, kept = _settled(about, left)
    drawn = np.array([(buys <= days).mean() for days in left])
    stays = np.array([((buys <= days) & (buys + back > days)).mean() for days in left])
    np.testing.assert_allclose(sold, drawn, atol=4 * 0.5 / np.sqrt(n))
    np.testing.assert_allclose(kept, stays, atol=4 * 0.5 / np.sqrt(n))


@pytest.mark.parametrize(("everyone", "drawn"), [(1, 0), (1, 1), (7, 3), (40, 40), (2_000, 5)])
def test_how_many_of_those_before_are_launched_too_is_hypergeometric(everyone: int, drawn: int) -> None:
    marked = np.arange(everyone + 1)
    for k in range(drawn + 1):
        expected = hypergeom.pmf(k, everyone, marked, drawn)
        np.testing.assert_allclose(hypergeometric(k, everyone, marked, drawn), expected, rtol=1e-9, atol=1e-15)
