"""What visitors looked at, bought or not: how much of the shelf a visit sees, which products, and who then buys."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import expit, gammaln, logit, logsumexp

from simulator.calibration.part import Part, Settings, default, parameter
from simulator.calibration.sales import Bought, Floats, Ints, Sales, gathered
from simulator.consideration import chances
from simulator.history import History, unseen
from simulator.scenario import ScenarioError, Users

if TYPE_CHECKING:
    from simulator.calibration.appeal import Shelf  # whose fit needs jax, which a season does not

STATED = 0.02  # visits that buy, where nothing says how many do

_LATER = pd.Timedelta(days=14)  # a purchase belongs to a look of at most so long ago
_LESS = 0.5  # variance of looks beyond the first over their mean, below which all visits draw as often
_MOST = 1000  # products that a want may consider
_ROUNDS = 200
_IMAGINED = 5_000  # visits
_VISITS = 20_000  # whose looks tell leaving for a draw of what products are worth
_LONG = 30  # different looks of an imagined visit, at the most
_SHELVES = 8  # moments of a history at which what was on sale stands for all of it


def looks(history: History, days: int) -> Sales | None:
    """All visits of the first so many days and, as their lines, what was looked at; None where no views are on record.

    Views, searches, carts, favourites and purchases are looks. A purchase belongs to the last visit within two weeks
    in which its customer looked at it, and to a visit of its own where there is none. A look that ends in a purchase
    has its piece `returned`: it is gone.
    """
    lines = history.until(history.start.normalize() + pd.Timedelta(days=days)).lines
    if not (lines["action"] == "view").any():
        return None
    lines = lines[lines["action"] != "return"]
    buys = (lines["action"] == "buy").to_numpy()
    first = history.start.normalize()
    alone = np.where(lines["order"] >= 0, lines["order"], lines["order"].max() + 1 + np.arange(len(lines)))
    users = lines["user"].to_numpy(np.int64)
    who = np.where(users >= 0, users, users.max(initial=0) + 1 + alone)
    about = lines.assign(who=who, alone=alone, at=lines["time"])[["at", "time", "alone", "who", "item"]]
    wanted, looked = about.loc[buys, ["at", "who", "item"]], about[~buys]
    told = pd.merge_asof(wanted, looked, on="at", by=["who", "item"], tolerance=_LATER)
    times, found = lines["time"].to_numpy().copy(), told["time"].notna().to_numpy()
    seen_at = np.flatnonzero(buys)[found]
    times[seen_at] = told["time"].to_numpy()[found]
    alone[seen_at] = told["alone"].to_numpy()[found]
    order = np.argsort(times, kind="stable")
    bought = Bought(
        times=((times - first.to_datetime64()) / np.timedelta64(1, "D"))[order],
        users=users[order],
        orders=alone[order],
        items=lines["item"].to_numpy(np.int64)[order],
        pieces=np.ones(len(lines), np.int64),
        prices=lines["price"].fillna(0.0).to_numpy(float)[order],
        returned=buys[order].astype(np.int64),
    )
    return once(gathered(bought, first, days, len(history.goods), np.empty(0), by_day=False))


def check_seen(history: History) -> None:
    """Refuse a history with views in which none was recorded for weeks, while things were bought.

    Raises:
        ScenarioError: there is such a time.
    """
    days = history.lines["time"].to_numpy().astype("datetime64[D]").astype(np.int64)
    viewed, bought = (days[history.lines["action"] == action] for action in ("view", "buy"))
    for n, *span in unseen(viewed, *np.unique(bought, return_counts=True)):
        first, last = (np.datetime64(day, "D") for day in span)
        raise ScenarioError(
            f"views must be on record while things are bought, got none from {first} to {last} beside {n:,} purchases: "
            "leave those days out, or all views"
        )


def once(seen: Sales) -> Sales:
    """Each product that a visit looked at as one piece, however often it did."""
    return replace(seen, pieces=np.ones_like(seen.pieces), returned=np.minimum(seen.returned, 1))


@dataclass(frozen=True)
class Counts:
    """How many products visits buy: chance that the first want is met, and what further wants bring."""

    met: float
    share: float  # of visits with further wants
    mean: float
    shape: float
    error: float  # of `met`


def fit(seen: Sales, categories: Ints, shelf: Shelf, conversion: float | None, lift: Floats) -> Part:
    """Sample of a want, popularity, worth once seen, and leaving.

    Popularity is a product's share of the looks while it is on sale. A visit looks at `considered` products of those
    listed; with chance `focus` one is of the category of the first. Where there are purchases, products are worth
    what a logit among what was looked at and leaving says (`worths`); otherwise all are worth the same, and leaving is
    set so that the stated share of visits buys.

    Args:
        seen: what `looks` answers.
        shelf: when products were on sale, and their share of the looks.
        conversion: share of visits that buy, where no purchase says; None: `STATED`.
        lift: (K,) utility that their age and season gave them, beside which products are worth what they are.
    """
    shares = shelf.rates / shelf.rates.sum()
    shelves = _shelves(seen, shelf)
    focus, focus_error = _focus(seen, shelves, categories)
    looked = np.bincount(seen.visits, minlength=len(seen.times))
    shape, shape_error = spread_of(looked)
    considered = draws(float(looked.mean()), shelves, categories, focus, shape)
    settings: Settings = {
        "shelf.considered": considered,
        "shelf.shape": shape or None,
        "shelf.focus": focus,
        "shelf.listed": True,
        "shelf.launches": True,
        "products.popularity": (shares / shares.max()).tolist(),
    }
    error = float(looked.std() / np.sqrt(len(looked)))
    told = [
        parameter("shelf.considered", considered, error, "products", f"{looked.mean():.2f} different ones a visit"),
        parameter("shelf.focus", focus, focus_error, "chance", scale=1.0),
    ]
    if shape:
        why = "variance of the looks beyond the first: mean + mean^2 / shape"
        told.append(parameter("shelf.shape", shape, shape_error, "", why))
    if seen.returned.any():
        chosen = _chosen(seen, categories, lift)
    else:
        chosen = _stated(considered, shape, STATED if conversion is None else conversion, shares, categories)
    often = np.bincount(seen.items, minlength=len(shares)) + 0.5

    def draw(random: np.random.Generator) -> Settings:
        drawn = shares * random.gamma(often) / often
        return chosen.draw(random) | {"products.popularity": (drawn / drawn.max()).tolist()}

    return Part(settings | chosen.settings, told + chosen.parameters, draw)


def worths(seen: Sales, categories: Ints) -> tuple[Floats, Floats]:
    """(K,) worth of each product relative to leaving, and the standard error of its logarithm.

    Multinomial logit among what a visit looked at and leaving, with gamma priors around the mean of the category: the
    fixed point of Hunter (2004) and Caron & Doucet (2012), of which each round raises the posterior. Of a visit that
    buys several, each is its choice in equal parts.
    """
    visit, item, n, K = seen.visits, seen.items, len(seen.times), seen.n_products
    bought = np.bincount(visit, seen.returned, n)
    chosen = np.bincount(item, seen.returned / np.maximum(bought, 1)[visit], K)
    worth = np.full(K, max(float((bought > 0).sum()), 1.0) / len(visit))
    for _ in range(_ROUNDS):
        beside = 1 / (1 + np.bincount(visit, worth[item], n))
        before, worth = worth, _shrunk(chosen, np.bincount(item, beside[visit], K), categories)
        if np.abs(np.log(worth / before)).max() < 1e-6:
            break
    shares = worth[item] * beside[visit]
    told = np.bincount(item, shares * (1 - shares), K)
    return worth, 1 / np.sqrt(told + 0.5)


def _shrunk(chosen: Any, tried: Any, categories: Ints) -> Floats:
    """Chosen over tried under a gamma prior with the category's mean; its strength is that of the spread seen."""
    mean = np.bincount(categories, chosen) / np.maximum(np.bincount(categories, tried), 1e-9)
    expected = np.maximum(mean, 1e-9)[categories] * tried
    excess = float(((chosen - expected) ** 2 - expected).sum() / max(float((expected**2).sum()), 1e-9))
    shape = 1 / np.clip(excess, 0.02, 10.0)  # 1 / squared coefficient of variation of true worths
    return np.asarray((chosen + shape) / (tried + shape / np.maximum(mean, 1e-9)[categories]))


def spread_of(looked: Ints) -> tuple[float, float]:
    """Shape of the negative binomial that the looks of visits beyond their first are, and its standard error; large
    where visits differ by chance alone, 0 where they differ less.
    """
    values, often = np.unique(np.maximum(looked, 1) - 1, return_counts=True)
    mean, n = float(values @ often / often.sum()), int(often.sum())
    if mean == 0 or float((values - mean) ** 2 @ often / n) < _LESS * mean:
        return 0.0, float("nan")

    def surprise(log_shape: float) -> float:
        return -float(often @ _log_binomial(values, mean, np.exp(log_shape)))

    best = float(minimize_scalar(surprise, bounds=(-3.0, 5.0), method="bounded").x)
    curve = (surprise(best + 0.05) - 2 * surprise(best) + surprise(best - 0.05)) / 0.05**2
    return round(float(np.exp(best)), 4), float(np.exp(best) / np.sqrt(max(curve, 1e-6)))


def _log_binomial(k: Ints, mean: float, shape: float) -> Any:
    binomial = gammaln(k + shape) - gammaln(shape) - gammaln(k + 1)
    return binomial + shape * np.log(shape / (shape + mean)) + k * np.log(mean / (shape + mean))


def draws(looked: float, shelves: Floats, categories: Ints, focus: float, shape: float = 0.0) -> float:
    """Draws with which a want considers so many different products on average, where they have this shape; whole
    without one.

    Args:
        looked: different products.
        shelves: (T, K) shares of the draws of each product, at as many moments.
    """
    of = np.array([np.bincount(categories, shares)[categories] for shares in shelves])  # (T, K) of its category
    apart = (1 - focus) * shelves  # chance of a draw after one of another category, and of the same
    alike = np.minimum(apart + focus * shelves / np.maximum(of, 1e-12), 1.0)

    def short(number: float) -> float:
        elsewhere, within = (chances(chance, number, shape) for chance in (apart, alike))
        return float(((1 - of) * elsewhere + of * within).sum(axis=1).mean()) - looked

    if short(1) >= 0:
        return 1
    if short(_MOST) <= 0:
        return _MOST
    found = float(brentq(short, 1, _MOST, xtol=1e-4))
    return found if shape else min(math.floor(found), math.ceil(found), key=lambda n: abs(short(n)))


def _shelves(seen: Sales, shelf: Shelf) -> Floats:
    """(T, K) shares of the looks, among what was on sale at moments between which as many visits came."""
    moments = np.quantile(seen.times, (np.arange(_SHELVES) + 0.5) / _SHELVES)[:, None]
    there = (shelf.listed <= moments) & (moments < shelf.delisted)
    there = there[there.any(axis=1)]
    there = there[:1] if (there == there[:1]).all() else there
    shares = shelf.rates * there
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def counts(seen: Sales) -> Counts:
    """How many products visits buy: the first want's, met or not, beside a negative binomial of a share of visits."""
    numbers = np.bincount(seen.visits, seen.returned, len(seen.times)).astype(np.int64)
    size, often = np.unique(numbers, return_counts=True)
    any_, several = float((numbers > 0).mean()), float((numbers > 1).mean())
    start = np.append(logit(np.clip([any_, several], 1e-6, 1 - 1e-6)), [0.0, 0.0])

    def loss(x: Floats) -> float:
        return -float(often @ _log_chance(size, x)) + 0.5 * float(((x - start) ** 2)[1:].sum()) / 4

    x = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-4, "fatol": 1e-4}).x
    met = float(expit(x[0]))
    error = float(np.sqrt(met * (1 - met) / len(numbers)))
    return Counts(met, float(expit(x[1])), float(np.exp(x[2])), float(np.exp(x[3])), error)


def _log_chance(size: Ints, x: Floats) -> Floats:
    """(n,) of so many products: further ones, or one fewer beside a first want that is met."""
    with np.errstate(divide="ignore"):
        first, share, mean, shape = expit(x[0]), expit(x[1]), np.exp(x[2]), np.exp(x[3])

        def further(k: Ints) -> Any:
            k = np.maximum(k, 0)
            return np.log(share * np.exp(_log_binomial(k, float(mean), float(shape))) + (1 - share) * (k == 0))

        met = np.where(size > 0, np.log(first) + further(size - 1), -np.inf)
        return np.asarray(logsumexp([met, np.log1p(-first) + further(size)], axis=0))


def _chosen(seen: Sales, categories: Ints, lift: Floats) -> Part:
    """Worth and leaving from purchases."""
    worth, errors = worths(seen, categories)
    many = counts(seen)
    n, tasted = len(seen.times), _tasted(seen.visits, categories[seen.items])
    leaving = leaving_at(np.bincount(seen.visits, worth[seen.items] * tasted, n), many.met)
    kept = np.isin(seen.visits, np.random.default_rng(0).permutation(n)[:_VISITS])
    few, items, felt = np.unique(seen.visits[kept], return_inverse=True)[1], seen.items[kept], tasted[kept]
    settings: Settings = {
        "choice.leaving": leaving,
        "products.quality": (np.log(worth) - lift).tolist(),
        "baskets.share": many.share,
        "baskets.leaving": -20.0,
        "baskets.products": many.mean,
        "baskets.shape": many.shape,
        "baskets.spread": 0.0,
    }

    def draw(random: np.random.Generator) -> Settings:
        level = random.normal() * many.error / (many.met * (1 - many.met))
        likely = np.log(worth) + errors * random.normal(size=len(worth))
        # What products are worth is less sure than how many visits buy.
        at = leaving_at(np.bincount(few, np.exp(likely)[items] * felt), many.met)
        return {"choice.leaving": at - float(level), "products.quality": (likely - lift).tolist()}

    typical = float(np.median(errors))
    conversion = float((np.bincount(seen.visits, seen.returned, n) > 0).mean())
    why = f"conversion {conversion:.4f} ± {np.sqrt(conversion * (1 - conversion) / n):.4f} of visits"
    told = [
        parameter("choice.leaving", leaving, many.error / (many.met * (1 - many.met)), "utility", why, scale=1.0),
        parameter("products.quality", 1.0, typical, "relative", "typical error of what a product is worth once seen"),
        parameter("baskets.share", many.share, np.sqrt(many.share * (1 - many.share) / n), "of visits"),
    ]
    return Part(settings, told, draw)


def _stated(considered: float, shape: float, conversion: float, shares: Floats, categories: Ints) -> Part:
    """Equal worth, and leaving that gives the stated conversion."""
    random = np.random.default_rng(1)
    number = numbers(considered, shape, _IMAGINED, random)
    visits = np.repeat(np.arange(_IMAGINED), number)
    looked_at = random.choice(categories.max() + 1, len(visits), p=np.bincount(categories, shares))
    leaving = leaving_at(np.bincount(visits, _tasted(visits, looked_at), _IMAGINED), conversion)
    why = f"no purchase is on record: that {conversion:.1%} of visits buy is stated, not fitted"
    settings: Settings = {"choice.leaving": leaving, "products.quality": [0.0] * len(shares)}
    worth = default("products.quality", 0.0, "utility", "no purchase is on record: all are worth the same once seen")
    return Part(settings, [default("choice.leaving", leaving, "utility", why), worth])


def _tasted(visits: Ints, categories: Ints) -> Floats:
    """(n,) what tastes, which the market draws with a spread of `users.taste`, make of a worth of 1 in each look.

    Those of one visit for products of one category are half alike, as the market's styles are in the mean: whoever
    likes one likes the others, and no sum of independent tastes is as often small.
    """
    random = np.random.default_rng(0)
    pair = np.unique(visits * (categories.max() + 1) + categories, return_inverse=True)[1]
    common = random.normal(size=pair.max() + 1)[pair]
    return np.asarray(np.exp(Users().taste * (common + random.normal(size=len(pair))) / np.sqrt(2)))


def leaving_at(sums: Any, met: float) -> float:
    """Utility of leaving at which this share of visits meets its want, of products worth `sums` (n,) together."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if float((sums / (sums + np.exp(middle))).mean()) > met else (low, middle)
    return (low + high) / 2


def numbers(considered: float, shape: float, n: int, random: np.random.Generator) -> Ints:
    """(n,) draws of as many visits."""
    if not shape:
        return np.full(n, int(considered))
    return np.asarray(1 + random.poisson(random.gamma(shape, (considered - 1) / shape, n)))


def imagined(shares: Floats, categories: Ints, draws: int, focus: float, n: int, random: np.random.Generator) -> Ints:
    """(n, draws) products that as many visits draw: by their shares, or, after the first, maybe in its category."""
    order = np.argsort(categories, kind="stable")
    ends = np.cumsum(shares[order]) / shares.sum()
    edges = np.concatenate([[0.0], ends[np.cumsum(np.bincount(categories)) - 1]])
    luck, stays = random.random((n, draws)), random.random((n, draws)) < focus
    stays[:, 0] = False
    first = categories[_at(ends, order, luck[:, 0])]
    inside = edges[first][:, None] + luck * (edges[first + 1] - edges[first])[:, None]
    return _at(ends, order, np.where(stays, inside, luck))


def _at(ends: Floats, order: Ints, places: Floats) -> Ints:
    return np.asarray(order[np.searchsorted(ends, places, "right").clip(max=len(order) - 1)])


def _focus(seen: Sales, shelves: Floats, categories: Ints) -> tuple[float, float]:
    """Chance that a look stays in the category of the visit's first: with it, imagined visits of as many different
    looks have as many pairs of one category. Standard error clustered by visit.
    """
    size = np.bincount(seen.visits, minlength=len(seen.times))
    if size.max() < 2 or len(np.unique(categories)) < 2:
        return 0.0, float("nan")
    agree, error = _agreement(seen.visits, categories[seen.items], len(size))
    random = np.random.default_rng(0)
    sizes = random.choice(size[size > 1], _IMAGINED).clip(max=_LONG)

    def made(focus: float) -> float:
        random, each = np.random.default_rng(1), -(-_IMAGINED // len(shelves))
        items = np.concatenate([imagined(one, categories, 4 * _LONG, focus, each, random) for one in shelves])
        visit, item = _different(items[:_IMAGINED], sizes)
        return _agreement(visit, categories[item], _IMAGINED)[0]

    low, high, apart = 0.0, 1.0, made(1.0) - made(0.0)
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (middle, high) if made(middle) < agree else (low, middle)
    return round((low + high) / 2, 3), error / max(apart, 0.05)


def _different(items: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """(m,) visit and product of the first so many different products of each row."""
    n, most = int(items.max()) + 1, items.shape[1]
    rows = np.repeat(np.arange(len(items)), most)
    _, first = np.unique(rows * n + items.ravel(), return_index=True)
    first.sort()
    visit = rows[first]
    number = np.arange(len(first)) - np.searchsorted(visit, visit)
    kept = number < sizes[visit]
    return visit[kept], items.ravel()[first[kept]]


def _agreement(visits: Ints, categories: Ints, n: int) -> tuple[float, float]:
    """Share of pairs of a visit's looks that are of one category, a visit counting by its looks, and its error."""
    size = np.bincount(visits, minlength=n)
    groups, inside = np.unique(visits * (categories.max() + 1) + categories, return_counts=True)
    together = np.bincount(groups // (categories.max() + 1), inside * (inside - 1), n)
    several = size > 1
    same, pairs = together[several] / size[several], size[several] - 1.0
    agree = float(same.sum() / pairs.sum())
    return agree, float(np.sqrt(((same - agree * pairs) ** 2).sum()) / pairs.sum())
