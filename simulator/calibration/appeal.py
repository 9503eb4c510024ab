"""What products are worth to customers: share of the lines, life cycle, yearly wave; shrunk towards their category."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from simulator.calibration.calendar import week_of_year
from simulator.calibration.choices import log_shares
from simulator.calibration.drawing import Drawing
from simulator.calibration.likelihood import Estimate, Posterior, padded
from simulator.calibration.newness import newness
from simulator.calibration.part import Parameter, Part, Settings, default, parameter
from simulator.calibration.rarity import often, turing
from simulator.calibration.sales import Bools, Floats, Ints, Sales
from simulator.scenario import Users

CONSIDERED = 20  # products that a want considers of the shelf
APPEAL = 0.5  # of the log share of a product: how much of it is appeal once seen, the rest is how often it is seen
_CHANCE = 0.05  # of a silence before the first or after the last sale, below which the product was not on sale then
_SURE = 0.5  # chance that a product has left, above which its last sale stands for that: others are silent for long
_RAMP_DAYS = 14.0
_RAMP, _RAMP_SPREAD = -3.0, 1.5  # prior of its log: next to none, where a shop does not tell, as in markets by default
_ROUNDS = 12
_TELLING = 30  # late products that tell how often such sell
_USUAL = 6.0  # weeks that a product is given beside its own, as noisy as those of most products


@dataclass(frozen=True)
class Shelf:
    """When each of K products was on sale, in days from day 0, and how much of the shop's traffic it has seen."""

    listed: Floats  # (K,) 0: there from the start
    delisted: Floats  # (K,) infinity: still on sale
    rates: Floats  # (K,) share of the shop's lines while on sale, shrunk towards the category's
    new: Floats  # (K,) chance that the first sale was a launch, not an old product's after a long silence


@dataclass(frozen=True)
class Appeal:
    """The shelf, and the part that the scenario is told."""

    shelf: Shelf
    part: Part


def fit(sales: Sales, categories: Ints, listed: Floats, delisted: Floats) -> Appeal:
    """Shares, life cycles and yearly waves of products.

    Lines of a product in a week are Poisson: the week's lines times the product's share times life cycle and wave.

    Args:
        categories: (K,) of the products.
        listed: (K,) days given by the shop; NaN: the first sale stands in, unless chance explains the time before it.
        delisted: (K,) days given; NaN: the last sale stands in, unless chance explains the silence after it.
    """
    table, traffic = _table(sales)
    shelf = on_shelf(sales, categories, listed, delisted)
    on_sale = _on_sale(shelf, sales.weeks)
    room = traffic / np.maximum(shelf.rates @ on_sale, 1e-12)
    life = _life(table, room, shelf, on_sale)
    weeks = week_of_year(sales.dates[::7])
    aged = on_sale * np.exp(_aged(life.values, shelf, sales.weeks))
    season, peak, spread = _waves(table, shelf.rates[:, None] * aged, traffic, weeks)
    lift = aged * np.exp(season[:, None] * np.cos(2 * np.pi * (7 * weeks + 3.5 - peak[:, None]) / 365.25))
    totals = shelf.rates * (on_sale @ room)  # lines of each, in a shop where others come and go
    rates = np.where(totals > 0, bases(totals, traffic, lift), shelf.rates)
    popularity, quality = split(rates)
    drawing = Drawing.of(sales, CONSIDERED, Users().taste)
    more = np.log(drawing.worth(popularity, np.exp(quality), totals, traffic, lift)) - quality
    settings: Settings = {
        "shelf.considered": CONSIDERED,
        "shelf.launches": True,
        "life.ramp": float(np.exp(life.values["ramp"])),
        "life.ramp_days": _RAMP_DAYS,
        "life.decline": float(life.values["decline"]),
        "products.popularity": popularity.tolist(),
        "products.quality": (quality + more).tolist(),
        "products.season": season.tolist(),
        "products.season_peak": peak.tolist(),
    }
    counts = table.sum(axis=1)

    def draw(random: np.random.Generator) -> Settings:
        drawn = random.gamma(counts + 0.5) * rates / (counts + 0.5)
        seen, worth = split(drawn)
        one = {name: value[0] for name, value in life.draws(1, random).items()}
        return {
            "products.popularity": seen.tolist(),
            "products.quality": (worth + more).tolist(),
            "life.ramp": float(np.exp(one["ramp"])),
            "life.decline": float(one["decline"]),
        }

    told = [*_parameters(life, counts, spread), worth(shelf.rates, categories)]
    return Appeal(shelf, Part(settings, told, draw))


def on_shelf(sales: Sales, categories: Ints, listed: Floats, delisted: Floats) -> Shelf:
    """When products were on sale, and their share of the lines meanwhile; the arguments are those of `fit`."""
    return _shelf(*_table(sales), _Firsts.of(sales), categories, listed, delisted, sales.days)


def lifted(settings: Settings, shelf: Shelf, sales: Sales) -> Floats:
    """(K,) log of what life cycle and wave do on average to how often a product is chosen, while it is on sale."""
    on_sale = _on_sale(shelf, sales.weeks)
    values = {"ramp": np.log(settings["life.ramp"]), "decline": settings["life.decline"]}
    days = 7 * week_of_year(sales.dates[::7]) + 3.5
    season, peak = (np.array(settings[f"products.{name}"])[:, None] for name in ("season", "season_peak"))
    lift = _aged(values, shelf, sales.weeks) + season * np.cos(2 * np.pi * (days - peak) / 365.25)
    mean = (on_sale * np.exp(lift)).sum(axis=1) / np.maximum(on_sale.sum(axis=1), 1e-9)
    return np.asarray(np.log(np.maximum(mean, 1e-3)))


def bases(totals: Floats, traffic: Floats, lift: Floats) -> Floats:
    """(K,) relative rates before age and season, such that products have these totals.

    In week w product k has the share r_k lift_kw of all; rates are scaled until totals fit, as in iterative
    proportional fitting (Deming & Stephan 1940).

    Args:
        totals: (K,) lines of each.
        traffic: (W,) lines of all.
        lift: (K, W) what age and season do to each; 0 while not on sale.
    """
    rates = totals / np.maximum(lift @ traffic, 1e-9)
    for _ in range(_ROUNDS):
        share = traffic / np.maximum(rates @ lift, 1e-12)
        rates = totals / np.maximum(lift @ share, 1e-9)
    return rates


def split(rates: Floats) -> tuple[Floats, Floats]:
    """Popularity (how often a product is considered) and quality (utility once it is) that give these shares.

    Of n considered, drawn by popularity p, one is chosen in proportion to w = exp(quality): product k gets close to
    p_k w_k / (w_k + (n - 1) mean w); w_k is the share to the power `APPEAL`, and p follows.
    """
    shares = np.maximum(rates, 1e-12) / rates.sum()
    worth = (shares / np.exp(np.log(shares) @ shares)) ** APPEAL  # 1 at the typical line
    seen = shares / worth
    for _ in range(30):
        others = (CONSIDERED - 1) * float(seen @ worth / seen.sum())
        seen = shares * (worth + others) / worth
    return seen / seen.max(), np.log(worth)


def _table(sales: Sales) -> tuple[Floats, Floats]:
    """(K, W) lines of each product and week, and (W,) of all."""
    cells = sales.items * sales.weeks + sales.visit_weeks[sales.visits]
    table = np.bincount(cells, minlength=sales.n_products * sales.weeks).reshape(sales.n_products, sales.weeks)
    return table.astype(float), table.sum(axis=0).astype(float)


@dataclass(frozen=True)
class _Firsts:
    """When each product was first sold."""

    times: Floats  # (L,) of the shop's lines, days
    places: Ints  # (K,) of its first line among them

    @classmethod
    def of(cls, sales: Sales) -> _Firsts:
        """Of these sales; a product never sold was so from the start."""
        items, first = np.unique(sales.items, return_index=True)
        places = np.zeros(sales.n_products, np.int64)
        places[items] = first
        return cls(sales.times[sales.visits], places)

    def listed(self, rates: Floats) -> Floats:
        """(K,) midnight at which each was listed: as long before its first sale as its sales are apart in the mean."""
        before = np.maximum(self.places - 1 / rates, 0.0)
        return np.minimum(np.round(self.times[before.astype(np.int64)]), np.floor(self.times[self.places]))


def _shelf(
    table: Floats, traffic: Floats, firsts: _Firsts, categories: Ints, listed: Floats, delisted: Floats, days: int
) -> Shelf:
    weeks = table.shape[1]
    sold = table > 0
    first = np.where(sold.any(axis=1), sold.argmax(axis=1), 0)
    last = np.where(sold.any(axis=1), weeks - 1 - sold[:, ::-1].argmax(axis=1), weeks - 1)
    before = np.concatenate([[0.0], np.cumsum(traffic)])
    seen = np.maximum(before[last + 1] - before[first], 1.0)
    rates = _shrunk(table.sum(axis=1), seen, categories)
    early, late = rates * firsts.places, rates * (before[-1] - before[last + 1])  # sales expected in the silences
    limit = -np.log(_CHANCE)
    begin = np.where(early > limit, firsts.listed(rates), 0.0)
    left = (late > limit) & (newness(table[:, ::-1]) > _SURE)  # told by silences, as launches are, backwards in time
    end = np.where(left, np.minimum(7.0 * (last + 1), days), np.inf)
    begin, end = (
        np.where(np.isfinite(listed), np.maximum(listed, 0.0), begin),
        np.where(np.isfinite(delisted), delisted, end),
    )
    new = np.where(np.isfinite(listed), 1.0, newness(table))
    shelf = Shelf(begin, end, rates, new)
    shelf = replace(shelf, rates=_beside(table.sum(axis=1), traffic, _on_sale(shelf, weeks), categories, rates))
    return _seldom(shelf, table, traffic, firsts, ~np.isfinite(listed))


def _seldom(shelf: Shelf, table: Floats, traffic: Floats, firsts: _Firsts, guessed: Bools) -> Shelf:
    """The shelf, where a product that came late by its first sale alone sells as what it sold since then tells (that
    one told when it came, and comes as long after that as its sales are apart), and one that was there all the time and
    sold a few times as such products do in the mean.
    """
    weeks = table.shape[1]
    counts = table.sum(axis=1)
    late = np.flatnonzero(guessed & (shelf.listed > 0) & (counts > 0))
    if len(late) < _TELLING:
        return shelf
    on_sale = _on_sale(shelf, weeks)
    room = traffic / np.maximum(shelf.rates @ on_sale, 1e-12)
    first = firsts.times[firsts.places[late]] / 7
    since = np.clip(np.arange(1, weeks + 1) - first[:, None], 0.0, 1.0) * on_sale[late]
    rates, listed = shelf.rates.copy(), shelf.listed.copy()
    rates[late] = often(counts[late] - 1, np.maximum(since @ room, 1e-9))
    listed[late] = np.minimum(firsts.listed(rates / rates.sum())[late], listed[late])
    on_sale = _on_sale(replace(shelf, listed=listed), weeks)
    old = np.flatnonzero((listed == 0) & (counts > 0))
    expected = turing(counts[old])
    other = expected != counts[old]
    rates[old[other]] = expected[other] / np.maximum(on_sale[old[other]] @ room, 1e-9)
    rates *= traffic.sum() / float((rates @ on_sale) @ traffic)
    return replace(shelf, rates=rates, listed=listed)


def _beside(counts: Floats, traffic: Floats, on_sale: Floats, categories: Ints, rates: Floats) -> Floats:
    """(K,) shares such that a line of a week is a product's in proportion to its own among those on sale that week: a
    product that many others left, or sold out beside, has not been wanted more (Hunter 2004).
    """
    for _ in range(_ROUNDS):
        wanted = np.maximum(rates @ on_sale, 1e-12)
        rates = _shrunk(counts, np.maximum(on_sale @ (traffic / wanted), 1e-9), categories)
        rates = rates * traffic.sum() / float((rates @ on_sale) @ traffic)
    return rates


def _shrunk(counts: Floats, seen: Floats, categories: Ints) -> Floats:
    """Rates under a gamma prior with the category's mean, whose strength the spread of the rates tells."""
    n = categories.max() + 1
    total = np.bincount(categories, counts, n) / np.maximum(np.bincount(categories, seen, n), 1e-9)
    mean = np.maximum(total, 1e-9)[categories]
    excess = float((((counts - mean * seen) ** 2 - mean * seen) / (mean * seen) ** 2 * (seen > 0)).mean())
    shape = 1 / max(excess, 0.01)  # 1 / squared coefficient of variation of the true rates
    return np.asarray((counts + shape) / (seen + shape / mean))


def _on_sale(shelf: Shelf, weeks: int) -> Floats:
    """(K, W) share of each week for which each product was on sale."""
    start = 7.0 * np.arange(weeks)
    until = np.minimum(shelf.delisted[:, None], start + 7)
    return np.asarray(np.clip((until - np.maximum(shelf.listed[:, None], start)) / 7, 0.0, 1.0))


def _ages(shelf: Shelf, weeks: int) -> Floats:
    return np.asarray(np.maximum(7.0 * np.arange(weeks) + 3.5 - shelf.listed[:, None], 0.0))


def _aged(values: dict[str, Floats], shelf: Shelf, weeks: int) -> Floats:
    """(K, W) log of what age does to appeal; 0 for products that were there from the start."""
    ages = _ages(shelf, weeks)
    effect = -np.exp(values["ramp"]) * np.exp(-ages / _RAMP_DAYS) - values["decline"] * ages / 365.25
    return np.where(shelf.listed[:, None] > 0, effect, 0.0)


def _life(table: Floats, room: Floats, shelf: Shelf, on_sale: Floats) -> Estimate:
    """Ramp and decline, from how the lines of launched products spread over their weeks: a logit among weeks, in each
    of which there is room (W,) for a product: the week's lines over what is on sale beside it.

    Weeks of the launch itself are left out, since a product whose launch is its first sale has always sold then; a
    product counts as far as it is new.
    """
    weeks = table.shape[1]
    launched = (shelf.listed > 0) & (table.sum(axis=1) > 0)
    usable = on_sale[launched] > 0.99
    usable[np.arange(launched.sum()), np.minimum((shelf.listed[launched] // 7).astype(int), weeks - 1)] = False
    some = usable.sum(axis=1) > 3
    counts, usable, ages = table[launched][some] * usable[some], usable[some], _ages(shelf, weeks)[launched][some]
    new = shelf.new[launched][some][:, None] / _noise(counts)
    wanted = np.broadcast_to(np.log(np.maximum(room, 1.0)), counts.shape)
    told = *(padded(column) for column in (new * counts, ages, wanted)), padded(usable, True)
    return _lives().maximise({"ramp": _RAMP, "decline": 0.0}, *told)


@cache
def _lives() -> Posterior:
    """Compiled once for shops of one size."""
    return Posterior(_log_density)


def _log_density(values: Any, counts: Any, ages: Any, wanted: Any, usable: Any) -> Any:
    aged = -jnp.exp(values["ramp"]) * jnp.exp(-ages / _RAMP_DAYS) - values["decline"] * ages / 365.25
    shares = log_shares(aged + wanted, usable, np.zeros(usable.shape[1], np.int64), jnp.ones(1))
    likelihood = jnp.sum(jnp.where(usable, counts * shares, 0.0))
    return likelihood - 0.5 * (((values["ramp"] - _RAMP) / _RAMP_SPREAD) ** 2 + values["decline"] ** 2)


def _noise(counts: Floats) -> float:
    """How much more lines of a product vary from week to week than Poisson's would: median ratio over products."""
    mean = counts.mean(axis=1)
    ratios = counts.var(axis=1)[mean > 1] / mean[mean > 1]
    return max(float(np.median(ratios)), 1.0) if len(ratios) else 1.0


def _waves(table: Floats, wanted: Floats, traffic: Floats, weeks: Ints) -> tuple[Floats, Floats, float]:
    """(K,) amplitude and peak (days after 1 January) of each product's yearly wave, and how much waves spread.

    A week's lines are shared out in proportion to what is wanted (K, W) times the waves of all that is on sale, so that
    a week in which much is on sale is no week in which nobody wants a product. Cosine and sine of each product have a
    normal prior; its variance is what EM finds from all products together. A product whose weeks no wave explains, such
    as one that is on offer now and then, tells as much less of its wave as they are noisier (quasi-Poisson; McCullagh &
    Nelder 1989, ch. 9).
    """
    angle = 2 * np.pi * (7 * weeks + 3.5) / 365.25
    basis = np.stack([np.cos(angle), np.sin(angle)])  # (2, W)
    waves, variance = np.zeros((len(table), 2)), 0.25
    usual, lines = max(_noise(table) ** 0.5, 1.0), table.sum(axis=1)
    for _ in range(_ROUNDS):
        shape = np.exp(np.clip(waves @ basis, -4, 4))
        fitted = wanted * shape
        fitted *= traffic / np.maximum(fitted.sum(axis=0), 1e-12)
        fitted *= (lines / np.maximum(fitted.sum(axis=1), 1e-9))[:, None]
        noise = np.maximum(_left(table, fitted, usual), usual)[:, None]
        around = basis[None] - ((fitted @ basis.T) / np.maximum(fitted.sum(axis=1, keepdims=True), 1e-9))[:, :, None]
        gradient = np.einsum("kw,kiw->ki", table - fitted, around) / noise - waves / variance
        curvature = np.einsum("kw,kiw,kjw->kij", fitted, around, around) / noise[:, :, None] + np.eye(2) / variance
        inverse = np.linalg.inv(curvature)
        waves = waves + np.clip(np.einsum("kij,kj->ki", inverse, gradient), -1, 1)
        waves -= lines @ waves / max(float(lines.sum()), 1e-9)  # what all have in common shares nothing out
        variance = float(((waves**2).sum(axis=1) + np.trace(inverse, axis1=1, axis2=2)).mean() / 2)
    peak = np.arctan2(waves[:, 1], waves[:, 0]) / (2 * np.pi) * 365.25 % 365.25
    return np.hypot(waves[:, 0], waves[:, 1]), peak, float(np.sqrt(variance))


def _left(table: Floats, fitted: Floats, usual: float) -> Floats:
    """(K,) variance of weeks around what is fitted, over that of Poisson ones; `_USUAL` weeks as usual among them."""
    on_sale = fitted > 1e-9
    squares = np.where(on_sale, (table - fitted) ** 2 / np.maximum(fitted, 0.5), 0.0).sum(axis=1)
    return np.asarray((_USUAL * usual + squares) / (_USUAL + on_sale.sum(axis=1)))


def worth(rates: Floats, categories: Ints) -> Parameter:
    """What categories tell of the products' shares: adjusted R squared of the log of the rates."""
    y, n = np.log(rates), len(rates)
    sizes = np.bincount(categories)
    means = np.bincount(categories, y) / np.maximum(sizes, 1)
    groups = int((sizes > 0).sum())
    within = float(((y - means[categories]) ** 2).sum()) / max(n - groups, 1)
    error = np.sqrt(2 * max(groups - 1, 1)) / max(n, 1)  # of R squared where categories tell nothing
    share = 1 - within / max(float(y.var(ddof=1)), 1e-12) if n > groups > 1 else 0.0
    return parameter("products.category", share, error, "share of the variance of log popularity")


def _parameters(life: Estimate, counts: Floats, spread: float) -> list[Parameter]:
    errors, values = life.errors, life.values
    ramp = float(np.exp(values["ramp"]))
    typical = float(np.median(1 / np.sqrt(np.maximum(counts, 1))))
    return [
        parameter("life.ramp", ramp, ramp * float(errors["ramp"]), "utility"),
        parameter("life.decline", float(values["decline"]), float(errors["decline"]), "utility a year", scale=0.5),
        parameter("products.popularity", 1.0, typical, "relative", "typical error of a product's share of the lines"),
        parameter("products.season", spread, spread / np.sqrt(2 * len(counts)), "utility", "spread of yearly waves"),
        default(
            "products.quality",
            APPEAL,
            "of log share",
            "how much of a share is appeal, and how much being seen, cannot be told without views",
        ),
    ]
