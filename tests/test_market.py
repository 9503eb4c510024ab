"""Laws of the market, over all seasons that hypothesis can think of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from seasons import Fixed, Random, market, product, season, seasons

from simulator.ledger import Ledger
from simulator.market import Market
from simulator.scenario import Scenario, ScenarioError
from simulator.visits import Visits, Window

laws = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def assert_same_books(one: Ledger, other: Ledger) -> None:
    for name in one.tables:
        pd.testing.assert_frame_equal(one.table(name), other.table(name), check_exact=True)


@laws
@given(seasons(), st.integers(0, 5))
def test_asking_for_an_interval_at_once_or_visit_by_visit_gives_the_same_ledger(scenario: Scenario, seed: int) -> None:
    together = market(scenario, Random(), seed)
    one_by_one = market(scenario, Random(), seed, one_at_a_time=True)
    assert_same_books(together.ledger, one_by_one.ledger)


@laws
@given(seasons(), st.integers(0, 5))
def test_the_same_users_come_whoever_decides(scenario: Scenario, seed: int) -> None:
    alone = scenario.changed(arrivals=scenario.arrivals.model_dump() | {"word_of_mouth": 0.0})
    one = market(alone, Random(1), seed).ledger.table("visits")
    other = market(alone, Fixed([3, 2, 1, 0]), seed).ledger.table("visits")
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    with_friends = market(scenario, Fixed([1, 2]), seed).ledger.table("visits")
    found = one.merge(with_friends, on=["time", "visit", "user"])
    assert len(found) == len(one)


@laws
@given(seasons(), st.integers(0, 5))
def test_stock_is_conserved_and_never_negative(scenario: Scenario, seed: int) -> None:
    opened = market(scenario, Random(), seed)
    products = opened.ledger.products()
    received = opened.ledger.table("replenishments")
    arrived = np.bincount(received["product"], received["units"], len(products)).astype(np.int64)  # counted exactly
    left = opened.shop.stock.initial + arrived + products["returned"] - products["sold"]
    np.testing.assert_array_equal(left, opened.shop.stock.on_hand + opened.shop.stock.withdrawn)
    assert (opened.shop.stock.on_hand >= 0).all()


@laws
@given(seasons(), st.integers(0, 5))
def test_stock_is_never_negative_at_any_moment(scenario: Scenario, seed: int) -> None:
    opened = market(scenario, Random(), seed)
    moves = [
        opened.ledger.table("purchases").eval("units = -units"),
        opened.ledger.table("returns"),
        opened.ledger.table("replenishments"),
    ]
    for k, initial in enumerate(opened.shop.stock.initial):
        mine = pd.concat([move.loc[move["product"] == k, ["time", "units"]] for move in moves]).sort_values("time")
        assert (initial + mine["units"].cumsum() >= 0).all()


@laws
@given(seasons(), st.integers(0, 5))
def test_nothing_is_shown_or_sold_before_its_launch(scenario: Scenario, seed: int) -> None:
    ledger = market(scenario, Random(), seed).ledger
    launched = ledger.table("launches").set_index("product")["time"]
    offers = ledger.table("offers")
    shown = offers["action"].astype(int) % scenario.n_offered
    assert (offers["time"].to_numpy() >= launched.reindex(shown).to_numpy()).all()
    purchases = ledger.table("purchases")
    assert (purchases["time"].to_numpy() >= launched.reindex(purchases["product"]).to_numpy()).all()


@laws
@given(seasons(), st.integers(0, 5))
def test_nothing_is_shown_or_sold_after_its_delisting(scenario: Scenario, seed: int) -> None:
    ledger = market(scenario, Random(), seed).ledger
    ends = np.array([about.delisted or np.inf for about in scenario.products])
    offers, purchases = ledger.table("offers"), ledger.table("purchases")
    assert (offers["time"] <= ends[offers["action"].astype(int) % scenario.n_offered]).all()
    assert (purchases["time"] <= ends[purchases["product"]]).all()


@laws
@given(seasons(), st.integers(0, 5))
def test_nobody_owns_a_durable_twice(scenario: Scenario, seed: int) -> None:
    if not scenario.users.durable or scenario.buying.returns > 0 or scenario.again is not None:
        return
    purchases = market(scenario, Random(), seed).ledger.table("purchases")
    assert not purchases.duplicated(["user", "product"]).any()


@laws
@given(seasons(), st.integers(0, 5))
def test_every_return_undoes_one_purchase_within_the_window(scenario: Scenario, seed: int) -> None:
    ledger = market(scenario, Random(), seed).ledger
    both = ledger.table("returns").merge(ledger.table("purchases"), on=["visit", "user", "product", "price"])
    assert len(both) == len(ledger.table("returns"))
    days = both["time_x"] - both["time_y"]
    assert ((days > 0) & (days <= scenario.buying.return_window)).all()
    assert (both["units_x"] <= both["units_y"]).all()


@laws
@given(seasons(plain=True), st.integers(0, 5), st.integers(0, 5))
def test_a_price_rise_never_raises_a_products_sales(scenario: Scenario, number: int, seed: int) -> None:
    number %= len(scenario.products)
    unlimited = [about.model_dump() | {"stock": None} for about in scenario.products]
    dearer = [about | {"price": about["price"] * (1.5 if k == number else 1)} for k, about in enumerate(unlimited)]
    sold = [
        market(scenario.changed(products=products), Random(), seed).ledger.products()["sold"][number]
        for products in (unlimited, dearer)
    ]
    assert sold[1] <= sold[0]


@laws
@given(seasons(plain=True), st.integers(0, 5), st.integers(0, 5))
def test_more_stock_never_loses_units_where_everything_is_shown(scenario: Scenario, number: int, seed: int) -> None:
    # Where a slot is given to one product it is taken from another, so a plan with fewer slots than products could
    # rightly lose by stock: showing all, in separate slots, is the fixed plan under which the law holds. So could one
    # whose products lose appeal between choosing and paying: who finds the last one gone may then want no other.
    number %= len(scenario.products)
    lasting = {"novelty": 0.0, "examination": [0.9] * len(scenario.products), "model": "position"}
    everything = {
        "slots": len(scenario.products),
        "choice": scenario.choice.model_dump() | lasting,
        "buying": scenario.buying.model_dump() | {"substitution": True},
        "life": None,
        "products": [about.model_dump() | {"season": 0.0, "decline": None} for about in scenario.products],
        "discounts": [],
        "promotions": [],
    }
    less = scenario.changed(**everything)
    products = [about.model_dump() for about in less.products]
    products[number]["stock"] = None if products[number]["stock"] is None else products[number]["stock"] + 3
    more = less.changed(products=products)
    units = [InOwnSlot.play(one, seed).totals()["units"] for one in (less, more)]
    assert units[1] >= units[0]


class InOwnSlot:
    """Every product has a slot of its own, empty while it is sold out."""

    def __call__(self, visits, rows):  # type: ignore[no-untyped-def]
        eligible = self.market.shop.eligible  # type: ignore[attr-defined]
        return np.tile(np.where(eligible, np.arange(len(eligible)), -1), (rows.stop - rows.start, 1))

    @classmethod
    def play(cls, scenario: Scenario, seed: int) -> Ledger:
        return market(scenario, cls(), seed).ledger


def test_a_world_that_sells_out_and_restocks_keeps_common_random_numbers() -> None:
    def world(stock: int | None) -> Ledger:
        products = [product(0, incumbent=True), product(1, launch=0.0, stock=stock, quality=1.0)]
        restocking = {"at": 0, "up_to": 10_000, "lead_days": 0.5}
        users = {"population": 80, "features": 2, "durable": False}
        return market(season(products=products, restocking=restocking, users=users), Fixed([1]), seed=3).ledger

    plenty, scarce = world(None), world(5)
    out, back = scarce.table("stock_outs")["time"][0], scarce.table("replenishments")["time"][0]
    assert 0 < out < back < 2
    visits = plenty.table("visits")
    pd.testing.assert_frame_equal(visits, scarce.table("visits"), check_exact=True)
    after = set(visits.loc[visits["time"] > back, "visit"])
    books = [ledger.table("purchases") for ledger in (plenty, scarce)]
    later = [book[book["visit"].isin(after)].reset_index(drop=True) for book in books]
    assert len(later[0]) > 20
    pd.testing.assert_frame_equal(*later, check_exact=True)


def test_scaling_arrivals_scales_sales() -> None:
    users = {"population": 5000, "features": 2, "durable": False}
    sold = [
        market(season(arrivals={"per_day": rate}, users=users), Random(), seed=1, record=False).ledger.totals()["units"]
        for rate in (1000.0, 4000.0)
    ]
    assert sold[0] > 500
    assert abs(sold[1] - 4 * sold[0]) < 4 * np.sqrt(sold[1] + 16 * sold[0])  # both Poisson


def test_refreshing_after_every_visit_is_the_limit_of_refreshing_very_often() -> None:
    scenario = season(
        days=0.5,
        refresh_minutes=0.002,
        arrivals={"per_day": 240.0, "word_of_mouth": 0.5, "friend_days": 0.05},
        choice={"leaving": -1.0},
        products=[product(0, incumbent=True), product(1, launch=0.0, stock=8), product(2, launch=0.2)],
        restocking={"at": 2, "up_to": 6, "lead_days": 0.1},
    )
    often = market(scenario, Random(), seed=2).ledger
    always = market(scenario.changed(refresh_minutes=0.0), Random(), seed=2).ledger
    assert len(often.table("purchases")) > 20
    assert_same_books(often, always)


def test_word_of_mouth_multiplies_visits_as_a_branching_process_does() -> None:
    # Everybody buys at every visit, so each visit brings 0.6 friends: 1 / (1 - 0.6) visits for each that comes alone
    # (Hawkes & Oakes 1974). Of a Poisson number with rate 2000 the total has variance 2000 / (1 - 0.6)^3.
    about = {"per_day": 1000.0, "word_of_mouth": 0.6, "friend_days": 0.002}
    users = {"population": 1000, "features": 1, "durable": False}
    scenario = season(days=2.0, arrivals=about, users=users, choice={"leaving": -30.0})
    visits = market(scenario, Random(), seed=5).ledger.n_visits
    week = np.array(scenario.arrivals.weekdays)
    expected = 1000 * (week[:2] / week.mean()).sum() / 0.4
    assert abs(visits - expected) < 4 * np.sqrt(expected * 0.4 / 0.4**3)


def test_adoption_by_word_of_mouth_follows_its_differential_equation() -> None:
    # N users who buy once, at first sight; visitors from outside at rate r, and friends whom each buyer brings at rate
    # w / tau exp(-age / tau): A' = (r + m)(1 - A / N), m' = (w A' - m) / tau. In Bass (1969) influence does not age.
    N, rate, w, tau, days = 4000, 40.0, 0.95, 10.0, 60.0
    scenario = season(
        days=days,
        arrivals={
            "per_day": rate,
            "hours": [1.0] * 24,
            "weekdays": [1.0] * 7,
            "word_of_mouth": w,
            "friend_days": tau,
        },
        users={"population": N, "features": 1, "zipf": 0.0},
        choice={"leaving": -30.0},
        buying={"prompt": 1.0, "prompt_minutes": 0.001},
        products=[product(0, launch=0.0)],
    )

    def change(_: float, state: np.ndarray) -> list[float]:
        adopted, friends = state
        new = (rate + friends) * (1 - adopted / N)
        return [new, (w * new - friends) / tau]

    expected = solve_ivp(change, (0, days), [0.0, 0.0], t_eval=[15, 30, 45, 60], rtol=1e-8).y[0]
    runs = [market(scenario, Fixed([0]), seed, record=False).ledger.table("purchases")["time"] for seed in range(8)]
    adopted = np.array([[np.sum(times <= day) for day in (15, 30, 45, 60)] for times in runs])
    errors = adopted.std(axis=0, ddof=1) / np.sqrt(len(runs))
    assert (np.abs(adopted.mean(axis=0) - expected) < 4 * errors + 5).all()


def test_prices_change_for_the_time_of_a_promotion_and_return_exactly() -> None:
    promotions = [
        {"category": "category 1", "start": 0.5, "days": 1.0, "discount": 0.2},
        {"title": "product 1", "start": 1.0, "days": 1.0, "discount": 0.5},
    ]
    opened = market(season(promotions=promotions), Random(), seed=1)
    changes = opened.ledger.table("prices")
    first = changes[changes["product"] == 1]
    np.testing.assert_allclose(first["time"], [0.5, 1.0, 1.5, 2.0], rtol=1e-12)
    np.testing.assert_allclose(first["price"], [20.0, 10.0, 12.5, 25.0], rtol=1e-12)
    np.testing.assert_array_equal(opened.appeal.prices, opened.catalogue.prices)


def test_purchases_pay_the_price_of_their_visit_and_the_discount_of_their_offer() -> None:
    class Half(Fixed):
        def __call__(self, visits, rows):  # type: ignore[no-untyped-def]
            return super().__call__(visits, rows) + len(self.market.catalogue)

    scenario = season(n_products=2, discounts=[0.5], choice={"leaving": -2.0})
    purchases = market(scenario, Half([1]), seed=1).ledger.table("purchases")
    shown = purchases[purchases["slot"] == 0]
    assert len(shown) > 30
    assert set(shown["price"]) == {12.5}
    assert set(purchases.loc[purchases["slot"] == -1, "price"]) == {20.0}


def test_lost_sales_are_recorded_with_what_was_bought_instead() -> None:
    products = [product(0, incumbent=True), product(1, launch=0.0, stock=2, quality=3.0)]
    buying = {"prompt": 0.0, "slow_days": 0.3}
    ledger = market(season(products=products, buying=buying), Fixed([1]), seed=1).ledger
    lost = ledger.table("lost_sales")
    assert len(lost) >= 5
    assert set(lost["product"]) == {1}
    assert set(lost["substitute"]) == {-1, 0}
    bought = ledger.table("purchases").set_index("visit")["product"]
    for visit, substitute in zip(lost["visit"], lost["substitute"], strict=True):
        assert bought.get(visit, -1) == substitute


def test_whoever_was_convinced_by_a_slot_never_buys_from_the_next_when_it_is_sold_out() -> None:
    # Everyone looks until they are convinced: who left with the first slot's product has not seen the second's.
    products = [product(1, launch=0.0, stock=20, quality=1.0), product(2, launch=0.0, quality=1.0)]
    about = {"leaving": 0.0, "examination": [1.0, 1.0]}
    lost = {}
    for model in ("cascade", "position"):
        scenario = season(products=products, buying={"prompt": 0.0, "slow_days": 1.0}, choice=about | {"model": model})
        ledger = market(scenario.changed(slots=2), Fixed([0, 1]), seed=1).ledger
        lost[model] = ledger.table("lost_sales").query("product == 0")["substitute"]
    assert len(lost["cascade"]) > 15
    assert (lost["cascade"] == -1).all()
    assert (lost["position"] == 1).any()


def test_what_starts_at_or_below_s_is_ordered_at_its_launch() -> None:
    rule = {"at": 3, "up_to": 8, "lead_days": 0.5}
    products = [product(k, launch=1.0, stock=k, restocking=rule) for k in (0, 3, 4)]
    received = market(season(products=products, choice={"leaving": 30.0}), Fixed([0]), seed=1).ledger
    assert received.table("replenishments").to_numpy().tolist() == [[1.5, 0, 8], [1.5, 1, 5]]


@laws
@given(seasons(), st.integers(0, 5))
def test_nothing_on_sale_is_left_at_or_below_s_without_an_order(scenario: Scenario, seed: int) -> None:
    opened = market(scenario, Random(), seed)  # all that was ordered has come
    if scenario.restocking is not None:
        on_sale = opened.shop.launched & ~opened.shop.delisted
        assert (opened.shop.stock.on_hand[on_sale] > scenario.restocking.at).all()


@pytest.mark.parametrize("minutes", [0.0, 60.0, 1440.0, 2000.0])
@pytest.mark.parametrize(("every", "horizon"), [(1.0, 1.0), (1.0, 0.99), (0.1, 0.1), (1 / 3, 1 / 3)])
def test_a_launch_judged_when_the_next_window_opens_is_told_before_it(
    minutes: float, every: float, horizon: float
) -> None:
    launching = {"every": every, "windows": 3, "capacity": 1, "horizon": horizon}
    products = [product(0, incumbent=True)] + [product(k, launch=None) for k in range(1, 4)]
    told, known = [], []

    def launch(window: Window) -> list[int]:
        known.append(len(told))
        return [int(np.flatnonzero(window.candidates)[0])]

    scenario = season(question="launch", launching=launching, products=products, refresh_minutes=minutes)
    for interval in Market(scenario, launch, seed=1).play():
        told.extend(interval.judged)
    assert known == [0, 1, 2]
    assert len(told) == 3


def test_launches_are_decided_at_their_windows_and_judged_after_the_horizon() -> None:
    launching = {"first": 0.5, "every": 0.5, "windows": 2, "capacity": 1, "horizon": 1.0}
    products = [product(0, incumbent=True)] + [product(k, launch=None) for k in range(1, 4)]
    windows: list[Window] = []

    def launch(window: Window) -> list[int]:
        windows.append(window)
        return [int(np.flatnonzero(window.candidates)[-1])]

    opened = Market(season(question="launch", launching=launching, products=products), launch, seed=1)
    judged = [one for interval in opened.play() for one in interval.judged]
    launches = opened.ledger.table("launches")
    assert launches.loc[launches["product"] > 0, ["time", "product"]].to_numpy().tolist() == [[0.5, 3], [1.0, 2]]
    assert [window.candidates.tolist() for window in windows] == [[False, True, True, True], [False, True, True, False]]
    purchases = opened.ledger.table("purchases")
    for day, number, reward in judged:
        mine = purchases[(purchases["product"] == number) & (purchases["time"] <= day + 1.0)]
        assert reward == len(mine) > 0


def test_a_launch_is_paid_what_it_sold_less_what_came_back_by_the_end_of_its_horizon() -> None:
    launching = {"first": 0.5, "every": 0.5, "windows": 3, "capacity": 1, "horizon": 0.8}
    products = [product(0, incumbent=True)] + [product(k, launch=None, price=30.0, cost=11.0) for k in range(1, 4)]
    buying = {"returns": 0.6, "return_days": 0.3, "return_window": 2.0}
    scenario = season(
        question="launch",
        launching=launching,
        products=products,
        buying=buying,
        reward="margin",
        choice={"leaving": -1.0},
    )
    opened = Market(scenario, lambda window: [int(np.flatnonzero(window.candidates)[0])], seed=1)
    judged = [one for interval in opened.play() for one in interval.judged]
    assert [(day, number) for day, number, _ in judged] == [(0.5, 1), (1.0, 2), (1.5, 3)]
    for day, number, reward in judged:
        by_then = f"product == {number} and time <= {day + 0.8}"
        sold, back = (len(opened.ledger.table(name).query(by_then)) for name in ("purchases", "returns"))
        assert back >= 3
        assert reward == pytest.approx((sold - back) * 19.0)


def test_a_window_is_told_of_the_last_seven_days() -> None:
    launching = {"first": 2.0, "every": 8.5, "windows": 2, "capacity": 1, "horizon": 1.0}
    products = [product(0, incumbent=True)] + [product(k, launch=None) for k in range(1, 4)]
    arrivals = {"per_day": 40.0, "word_of_mouth": 0.5}
    contexts = []

    def launch(window: Window) -> list[int]:
        contexts.append(window.context)
        return [1 + len(contexts)]

    opened = Market(
        season(question="launch", days=12.0, launching=launching, products=products, arrivals=arrivals), launch
    )
    ledger = opened.run()
    visits, sold = ledger.table("visits")["time"], ledger.table("purchases")["time"]
    for context, day, first, last, launched in zip(contexts, (2.0, 10.5), (0, 3), (2, 10), (1, 2), strict=True):
        came = ((visits >= first) & (visits < last)).sum()
        bought = ((sold > day - 7) & (sold <= day)).sum()
        np.testing.assert_allclose(context, [1, day / 12, launched / 4, came / (last - first) / 40, bought / came])


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (lambda n: np.zeros((n, 2), int), r"shape \(\d+, 1\), got \(\d+, 2\) at the visit of day"),
        (lambda n: np.full((n, 1), 3), r"available products, got \[3\] at the visit of day"),
        (lambda n: np.full((n, 1), 99), r"available products, got \[99\] at the visit of day"),
    ],
)
def test_an_offer_that_cannot_be_made_is_refused_with_its_visit(answer, rule) -> None:  # type: ignore[no-untyped-def]
    products = [product(k, launch=0.0) for k in range(3)] + [product(3, launch=2.5)]
    with pytest.raises(ScenarioError, match=rule):
        Market(season(products=products), lambda _, rows: answer(rows.stop - rows.start), seed=1).run()


def test_memory_of_single_visits_can_be_switched_off_without_changing_the_season() -> None:
    with_memory, without = (market(season(), Random(), seed=1, record=record).ledger for record in (True, False))
    assert len(without.table("visits")) == 0
    assert without.n_visits == len(with_memory.table("visits"))
    assert without.totals() == with_memory.totals()
    pd.testing.assert_frame_equal(without.table("purchases"), with_memory.table("purchases"))


@pytest.mark.parametrize(("days", "minutes"), [(4.9, 7.0), (8.3, 3.0), (1.0, 2000.0), (0.5, 0.0)])
def test_a_season_ends_on_its_day_however_refreshes_divide_it(days: float, minutes: float) -> None:
    visits = market(season(days=days, refresh_minutes=minutes), Random(), seed=1).ledger.table("visits")
    assert 0.9 * days < visits["time"].max() < days


def test_without_refreshes_a_history_holds_all_that_was_shown_before() -> None:
    """Twelve users, so that the same ones come again and again; what they see belongs to the visit."""
    users = {"population": 12, "features": 1, "history": 3}
    arrivals = {"per_day": 600.0, "word_of_mouth": 0.3, "friend_days": 0.1}
    scenario = season(refresh_minutes=0.0, slots=2, users=users, arrivals=arrivals, choice={"examination": [1.0, 0.5]})
    shown: dict[int, list[int]] = {}
    offer = Random()

    class Watched(Random):
        def __call__(self, visits: Visits, rows: slice) -> np.ndarray:
            (user,), (history,) = visits.users[rows].tolist(), visits.histories[rows].tolist()
            assert history == ([-1] * 3 + shown.get(user, []))[-3:]
            offer.market = self.market
            answer = offer(visits, rows)
            shown.setdefault(user, []).extend(answer[answer >= 0].tolist())
            return answer

    assert market(scenario, Watched(), seed=4).ledger.n_visits > 1000
