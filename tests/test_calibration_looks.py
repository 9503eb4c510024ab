"""What visitors looked at: samples of the shelf, what products are worth once seen, and who then buys."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_sales import FIRST, history
from seasons import Fixed, market, product, season

from simulator.calibration import calibrate, looks
from simulator.calibration.appeal import Shelf
from simulator.calibration.part import IDENTIFIED, NOT
from simulator.calibration.sales import Sales
from simulator.calibration.seasons import looked
from simulator.history import ACTIONS, History
from simulator.scenario import ScenarioError

VISITS, PRODUCTS, SAMPLE, FOCUS = 12_000, 40, 6, 0.5
KIND = np.arange(PRODUCTS) % 4


def seen(worth: np.ndarray, leaving: float = 0.0, focus: float = 0.0, seed: int = 0) -> Sales:
    """Visits that look at six products drawn by popularity, and buy by a logit among those and leaving."""
    random = np.random.default_rng(seed)
    shares = np.arange(1.0, PRODUCTS + 1) / np.arange(1, PRODUCTS + 1).sum()
    table = random.choice(PRODUCTS, (VISITS, SAMPLE), p=shares)
    stays = random.random((VISITS, SAMPLE)) < focus
    stays[:, 0] = False
    for kind in range(4):
        own = (KIND[table[:, :1]] == kind) & stays
        within = np.where(kind == KIND, shares, 0.0)
        table[own] = random.choice(PRODUCTS, own.sum(), p=within / within.sum())
    pairs = np.unique(np.arange(VISITS)[:, None] * PRODUCTS + table)
    visit, item = pairs // PRODUCTS, pairs % PRODUCTS
    felt = np.log(worth)[item] + random.gumbel(size=len(item))
    best = np.full(VISITS, -np.inf)
    np.maximum.at(best, visit, felt)
    bought = (felt == best[visit]) & (best > leaving + random.gumbel(size=VISITS))[visit]
    nothing, ones = np.empty(0), np.ones(len(item), np.int64)
    times = np.sort(random.uniform(0, 100, VISITS))
    users = random.integers(0, 900, VISITS)
    prices = np.full(len(item), 5.0)
    return Sales(FIRST, 100, PRODUCTS, times, users, visit, item, ones, prices, bought.astype(np.int64), nothing)


def shelf() -> Shelf:
    return Shelf(np.zeros(PRODUCTS), np.full(PRODUCTS, np.inf), np.arange(1.0, PRODUCTS + 1), np.zeros(PRODUCTS))


@pytest.fixture(scope="module")
def worth() -> np.ndarray:
    return np.exp(np.random.default_rng(1).normal(-3, 0.7, PRODUCTS))


def test_what_products_are_worth_lies_within_its_intervals(worth: np.ndarray) -> None:
    found, errors = looks.worths(seen(worth), KIND)
    away = np.abs(np.log(found / worth)) / errors
    assert (away < 1.645).mean() == pytest.approx(0.9, abs=0.1)
    assert np.corrcoef(np.log(found), np.log(worth))[0, 1] > 0.9


def test_conversion_is_fitted_where_there_are_purchases(worth: np.ndarray) -> None:
    sales = seen(worth)
    part = looks.fit(sales, KIND, shelf(), None, np.zeros(PRODUCTS))
    told = next(one for one in part.parameters if one.place == "choice.leaving")
    assert told.status == IDENTIFIED
    assert f"{sales.returned.sum() / VISITS:.4f}" in told.why


def test_draws_of_what_products_are_worth_convert_as_many_visits(worth: np.ndarray) -> None:
    """Though few purchases tell little of each product: 1% of visits buy."""
    sales = seen(worth, leaving=2.3)
    part = looks.fit(sales, KIND, shelf(), None, np.zeros(PRODUCTS))
    felt = np.exp(np.random.default_rng(5).normal(size=len(sales.items)))  # tastes, drawn apart
    met = []
    for settings in (part.settings, *(part.draw(np.random.default_rng(seed)) for seed in range(60))):
        sums = np.bincount(sales.visits, np.exp(settings["products.quality"])[sales.items] * felt, VISITS)
        met.append((sums / (sums + np.exp(settings["choice.leaving"]))).mean())
    share = sales.returned.sum() / VISITS
    assert met[0] == pytest.approx(share, rel=0.05)
    assert np.mean(met[1:]) == pytest.approx(met[0], rel=4 / np.sqrt(60 * share * VISITS))
    assert np.std(met[1:]) == pytest.approx(np.sqrt(share / VISITS), rel=0.3)


def test_conversion_is_stated_where_there_are_none(worth: np.ndarray) -> None:
    part = looks.fit(seen(worth, leaving=99.0), KIND, shelf(), 0.05, np.zeros(PRODUCTS))
    told = next(one for one in part.parameters if one.place == "choice.leaving")
    assert (told.status, "that 5.0% of visits buy is stated, not fitted" in told.why) == (NOT, True)


@pytest.mark.parametrize("focus", [0.0, 0.5])
def test_the_sample_and_its_category_are_found(worth: np.ndarray, focus: float) -> None:
    part = looks.fit(seen(worth, focus=focus), KIND, shelf(), None, np.zeros(PRODUCTS))
    assert part.settings["shelf.focus"] == pytest.approx(focus, abs=0.06)
    assert part.settings["shelf.considered"] == SAMPLE


@pytest.mark.parametrize("shape", [0.5, 3.0])
def test_how_much_visits_differ_in_their_looks_is_found(shape: float) -> None:
    further = np.random.default_rng(0).negative_binomial(shape, shape / (shape + 6), 5_000)
    found, error = looks.spread_of(1 + further)
    assert abs(found - shape) < 4 * error
    assert error < 0.1 * shape


def test_visits_that_differ_by_chance_alone_have_a_shape_so_large_that_nothing_is_left_of_it() -> None:
    assert looks.spread_of(1 + np.random.default_rng(0).poisson(6, 5_000))[0] > 60


def test_visits_that_differ_less_than_by_chance_have_no_shape() -> None:
    assert looks.spread_of(1 + np.random.default_rng(0).binomial(8, 0.75, 5_000))[0] == 0.0


def test_the_number_of_looks_need_not_be_whole() -> None:
    """One in ten visits looks further; what is drawn twice is looked at once."""
    found = looks.draws(1.1, np.full((1, 20), 0.05), np.zeros(20, int), 0.0, shape=100.0)
    number = 1 + np.random.default_rng(0).negative_binomial(100.0, 100.0 / (100.0 + found - 1), 200_000)
    assert 20 * (1 - 0.95**number).mean() == pytest.approx(1.1, abs=0.003)


def grown(listed: np.ndarray) -> tuple[Sales, Shelf]:
    """Visits that look at three products drawn from what is listed, in proportion to 1, 2, ..."""
    random = np.random.default_rng(0)
    times = np.sort(random.uniform(0, 100, VISITS))
    shares = np.arange(1.0, PRODUCTS + 1) * (listed <= times[:, None])
    ends = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    table = (random.random((VISITS, 3, 1)) > ends[:, None, :]).sum(axis=2).clip(max=PRODUCTS - 1)
    pairs = np.unique(np.arange(VISITS)[:, None] * PRODUCTS + table)
    visit, item = pairs // PRODUCTS, pairs % PRODUCTS
    ones = np.ones(len(item), np.int64)
    about = times, random.integers(0, 900, VISITS), visit, item, ones, 5.0 * ones, 0 * ones, np.empty(0)
    rates = np.arange(1.0, PRODUCTS + 1)
    return Sales(FIRST, 100, PRODUCTS, *about), Shelf(listed, np.full(PRODUCTS, np.inf), rates, np.zeros(PRODUCTS))


def test_visits_of_a_shop_that_grew_draw_from_what_was_listed() -> None:
    """Two products at first, forty at last: one and the same number of draws finds more and more different ones."""
    sales, about = grown(np.maximum(0.0, 2.0 * np.arange(PRODUCTS) - 2))
    part = looks.fit(sales, KIND * 0, about, 0.1, np.zeros(PRODUCTS))
    assert part.settings["shelf.considered"] == pytest.approx(3.0, abs=0.05)
    assert part.settings["shelf.listed"]


def test_several_products_a_visit_are_a_first_want_and_further_ones() -> None:
    random = np.random.default_rng(0)
    further = np.where(random.random(VISITS) < 0.1, random.negative_binomial(2.0, 2.0 / 4.0, VISITS), 0)
    number = (random.random(VISITS) < 0.2).astype(int) + further
    visit = np.repeat(np.arange(VISITS), np.maximum(number, 1))
    bought = np.repeat(number > 0, np.maximum(number, 1)).astype(np.int64)
    about = seen(np.ones(PRODUCTS))
    values = {name: getattr(about, name) for name in about.__dataclass_fields__}
    found = looks.counts(Sales(**values | {"visits": visit, "items": np.zeros_like(visit), "returned": bought}))
    assert found.met == pytest.approx(0.2, abs=0.03)
    assert found.share * found.mean == pytest.approx(0.1 * 2.0, abs=0.03)


def watched(*rows: tuple[str, str, int, int]) -> History:
    """A history of (action, time, user, item); a user's lines of a day are a visit."""
    table = pd.DataFrame(rows, columns=["action", "time", "user", "item"])
    lines = table.assign(
        time=pd.to_datetime(table["time"]),
        action=pd.Categorical(table["action"], categories=ACTIONS),
        quantity=1,
        price=5.0,
        order=pd.factorize(table["time"].str[:10] + table["user"].astype(str))[0],
    )
    about = history(days=30)
    return History(lines, about.goods, (), 3, False, pd.DataFrame(), about.undone)


def test_a_purchase_belongs_to_the_visit_that_looked_at_it() -> None:
    """Seen on Monday, bought on Wednesday: one visit, which bought; what nobody looked at is a visit of its own."""
    rows = [("view", "2021-01-04 10:00", 1, 2), ("view", "2021-01-04 10:01", 1, 3), ("cart", "2021-01-04 10:02", 1, 2)]
    rows += [("buy", "2021-01-06 10:00", 1, 2), ("buy", "2021-01-07 10:00", 2, 5)]
    found = looks.looks(watched(*rows), 7)
    assert found is not None
    assert found.visit_days.tolist() == [0, 3]
    assert list(zip(found.visits, found.items, found.returned, strict=True)) == [(0, 2, 1), (0, 3, 0), (1, 5, 1)]


def test_without_views_there_are_no_looks() -> None:
    assert looks.looks(watched(("buy", "2021-01-04 10:00", 1, 2)), 7) is None


def test_a_shop_of_views_alone_has_a_market_with_the_conversion_that_is_stated() -> None:
    about = history(days=60, products=12)
    lines = about.lines.assign(action=pd.Categorical(["view"] * len(about.lines), categories=ACTIONS), quantity=1)
    views = History(lines, about.goods, (), about.n_users, False, pd.DataFrame(), about.undone)
    found = calibrate(views, seeds=1, conversion=0.3)
    assert "30.0% of visits buy is stated, not fitted" in found.scenario.calibration
    assert {"weekly visits", "visits by hour"} <= set(found.fit["metric"])
    assert not found.fit["metric"].str.contains("revenue|pieces|order|purchase").any()
    assert not len(calibrate(views, seeds=0).fit)
    seasons = [looked(found.scenario, seed) for seed in range(4)]
    shares = [season.returned.sum() / len(season.times) for season in seasons]
    assert sum(shares) / 4 == pytest.approx(0.3, abs=0.04)  # of some 3,000 visits; seasons spread by .025


def test_conversion_is_not_stated_where_purchases_tell_it() -> None:
    with pytest.raises(ScenarioError, match="only where views are known and no purchases"):
        calibrate(history(days=60), conversion=0.3)


def test_visits_of_a_market_that_draws_what_is_listed_look_at_something() -> None:
    """Of one look each, where one of ten products is there before the last day."""
    products = [product(0, incumbent=True)] + [product(k, incumbent=True, listed=2.0) for k in range(1, 10)]
    each = season(products=products, shelf={"considered": 1, "listed": True})
    some = each.changed(shelf={"considered": 1})
    few, all_of_them = ((looked(one, 1).times < 2.0).sum() for one in (some, each))
    assert all_of_them == len(market(each, Fixed([]), seed=1).ledger.table("visits").query("time < 2"))
    assert few < all_of_them / 5


def test_draws_of_a_shop_with_views_and_purchases_have_the_popularity_of_its_looks() -> None:
    """Not that of its purchases, where products that are looked at as often are bought with chances of .05 and .5."""
    about = history(days=60, products=12)
    lines = about.lines.assign(action=pd.Categorical(["view"] * len(about.lines), categories=ACTIONS), quantity=1)
    chance = np.where(lines["item"] % 2 == 0, 0.05, 0.5)
    buys = lines[np.random.default_rng(0).random(len(lines)) < chance].assign(action="buy")
    both = pd.concat([lines, buys], ignore_index=True).sort_values("time", kind="stable", ignore_index=True)
    both["action"] = pd.Categorical(both["action"], categories=ACTIONS)
    shop = History(both, about.goods, (), about.n_users, False, pd.DataFrame(), about.undone)
    found = calibrate(shop, seeds=0)
    drawn = np.mean([found.settings(seed)["products.popularity"] for seed in range(50)], axis=0)
    numbers = [about.goods["title"].tolist().index(product.title) for product in found.scenario.products]
    looked_at = np.bincount(lines["item"], minlength=12)[numbers]
    assert drawn / drawn.sum() == pytest.approx(looked_at / looked_at.sum(), rel=0.1)


@pytest.mark.parametrize("blind", [slice(0, 30), slice(15, 45), slice(30, 60)])
def test_a_shop_that_recorded_no_views_for_weeks_is_refused(blind: slice) -> None:
    days = pd.date_range("2021-01-04 10:00", periods=60)
    rows = [("buy", f"{day}", user, 2) for user, day in enumerate(days)]
    rows += [("view", f"{day}", user, 3) for user, day in enumerate(days) if day not in days[blind]]
    first, last = days[blind][0], days[blind][-1]
    with pytest.raises(ScenarioError, match=f"none from {first:%Y-%m-%d} to {last:%Y-%m-%d} beside 30 purchases"):
        calibrate(watched(*sorted(rows, key=lambda row: row[1])))


def test_a_shop_whose_views_pause_for_a_little_while_is_not_refused() -> None:
    days = pd.date_range("2021-01-04 10:00", periods=60)
    rows = [("buy", f"{day}", user, 2) for user, day in enumerate(days)]
    rows += [("view", f"{day}", user, 3) for user, day in enumerate(days) if day not in days[20:40]]
    looks.check_seen(watched(*sorted(rows, key=lambda row: row[1])))


def test_a_visit_of_one_look_that_buys_has_looked_at_what_it_buys_and_at_nothing_else() -> None:
    """So products are looked at as often as they are drawn, however much one of them is liked."""
    products = [product(0, incumbent=True, quality=4.0)] + [product(k, incumbent=True) for k in range(1, 5)]
    shelf, choice = {"considered": 1, "offers": "all"}, {"leaving": 1.0, "social_proof": 0.0}
    scenario = season(
        products=products,
        shelf=shelf,
        choice=choice,
        arrivals={"per_day": 3000},
        users={"population": 3000, "features": 1, "durable": False},
        buying={"prompt": 1.0, "prompt_minutes": 1e-6, "settle_days": 0.0},
    )
    found = looked(scenario, 1)
    share = np.bincount(found.items, minlength=5) / len(found.items)
    assert (np.bincount(found.visits) == 1).all()
    assert share == pytest.approx(np.full(5, 0.2), abs=4 * np.sqrt(0.16 / len(found.times)))
    assert found.returned[found.items == 0].mean() > 2 * found.returned[found.items == 1].mean()


def test_visits_to_a_shop_of_one_category_buy_as_often_as_its_visitors_did() -> None:
    """Whoever likes one of its products likes the others: by independent tastes a twentieth fewer would buy."""
    about = history(days=120, products=12)
    lines = about.lines.assign(action=pd.Categorical(["view"] * len(about.lines), categories=ACTIONS), quantity=1)
    first = ~lines["order"].duplicated()
    buys = lines[first & (np.random.default_rng(0).random(len(lines)) < 0.5)].assign(action="buy")
    both = pd.concat([lines, buys], ignore_index=True).sort_values("time", kind="stable", ignore_index=True)
    both["action"] = pd.Categorical(both["action"], categories=ACTIONS)
    shop = History(both, about.goods.assign(category="all"), (), about.n_users, False, pd.DataFrame(), about.undone)
    found = calibrate(shop, seeds=0)
    seasons = [looked(found.scenario, seed) for seed in range(6)]
    bought = np.mean([season.returned.sum() / len(season.times) for season in seasons])
    assert bought == pytest.approx(len(buys) / lines["order"].nunique(), rel=0.03)
