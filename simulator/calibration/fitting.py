"""Calibration: the parts fitted one after the other, put together as a scenario, and judged by seasons of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.calibration import appeal, baskets, calendar, customers, pieces, prices, returns
from simulator.calibration import looks as looking
from simulator.calibration.appeal import Appeal, Shelf, lifted, on_shelf
from simulator.calibration.bestsellers import bestsellers
from simulator.calibration.calibrated import Calibrated, placed, put
from simulator.calibration.categories import categories
from simulator.calibration.customers import Customers
from simulator.calibration.judging import Spread, here, judge, sentence
from simulator.calibration.kept import Kept, key
from simulator.calibration.level import Level
from simulator.calibration.looks import check_seen, looks
from simulator.calibration.part import Mirrored, Parameter, Part, Settings
from simulator.calibration.rarity import not_sold_yet
from simulator.calibration.sales import Floats, Ints, Sales, sales
from simulator.calibration.seasons import GUESTS, looked, season
from simulator.calibration.stock import believed, sold_out
from simulator.calibration.visits import joined, of_looks, of_sales
from simulator.history import NO_PRICES, History
from simulator.line_prices import WHOLE, LinePrices
from simulator.scenario import MOST_PRODUCTS, Scenario, ScenarioError

DRAWS = 50
Progress = Callable[[str, float], None]  # what is done now, and the share that is done

_CANDIDATES = 40  # products that a policy is asked about
_SETTLED = 28.0  # days after which what is first seen is a launch
_ALIKE = 14.0  # days of the year within which as many are launched
_YEAR = 365.25
_OLD = 365.0  # days that what was there from the start had been on sale: nobody knows, but it is no launch any more
_LEAST = 20  # lines below which a launch is too small to ask about
_EVERY_WANT = -20.0  # utility of leaving at which every want is met: invoices tell of those alone
_FEWEST = 30  # visits
_AT_ONCE = 1e-6  # minutes


def calibrate(
    history: History,
    until: Any = None,
    *,
    seeds: int = 10,
    price_sensitivity: float | None = None,
    products: int | None = None,
    conversion: float | None = None,
    folder: Path | None = None,
    progress: Progress = lambda what, share: None,
    spread: Spread = here,
) -> Calibrated:
    """A market that resembles a shop.

    Args:
        history: of the shop.
        until: date; what is fitted ends before it, what comes after judges the fit. None: all is fitted, and the fit is
            judged in sample.
        seeds: seasons to judge by; 0: no judgement.
        price_sensitivity: utility lost for each unit of money, stated where the data cannot tell it.
        products: fit and judge a shop of only so many, those of the most lines in what is fitted (and, of later
            launches, those of as many), as if there had never been others; None: all.
        conversion: share of visits that buy, stated where views are on record and no purchases; None: `looks.STATED`.
        folder: finished parts of the fit and finished seasons are kept there and not made again; None keeps nothing.
        progress: told what is being done, and the share that is done.
        spread: plays the seasons that judge, over processes perhaps.

    Raises:
        ScenarioError: the history holds too few purchases and views, too many products, or purchases over weeks without
            a view while it has views; `until` is no date within it; conversion is stated where purchases tell
            it.
    """
    check_seen(history)
    all_lines, moneyless, history = len(history.lines), history.moneyless, history.priced()
    whole = sales(history)
    date = None if until is None else _date(until, whole)
    if products is not None:
        history = bestsellers(history, products, date)
        whole = sales(history)
    known = sales(history, date)
    seen = looks(history, known.days)
    if seen is None and not len(whole.times):
        raise ScenarioError("history must hold purchases or views to fit a market to, got none")
    if conversion is not None and (seen is None or len(whole.times)):
        raise ScenarioError(f"conversion is stated only where views are known and no purchases, got {conversion}")
    _check_enough(known if seen is None else seen)
    _check_products(known if seen is None else seen)
    stated = price_sensitivity, conversion
    kept = Kept(folder, key(history, known.days, *stated) if folder else "")
    fitted = (
        fit_parts(history, known, whole.days, price_sensitivity, progress, kept)
        if seen is None
        else fit_viewed(history, seen, known, whole.days, *stated, progress, kept)
    )
    random = np.random.default_rng(0)
    draws = pd.DataFrame([fitted.draw(random) for _ in range(DRAWS)])
    parameters = pd.DataFrame([asdict(one) for one in fitted.parameters])
    nothing = pd.DataFrame()
    found = Calibrated(fitted.scenario(), draws, parameters, nothing, nothing, nothing)
    old = len(fitted.sold) if whole.days > known.days else 0
    judging = partial(judge, seeds=seeds, progress=progress, kept=kept, old=old, spread=spread)
    told = []
    if len(whole.times):
        told.append(of_sales(judging(partial(_season, found, season), known, whole), whole, moneyless))
    if seen is not None and (seeds or not told):
        watched = looks(history, whole.days) or seen
        told.append(of_looks(judging(partial(_season, found, looked), seen, watched, name="visit"), watched))
    judged = reduce(joined, told)
    says = [sentence(judged.fit), *_rests_on(fitted, whole, moneyless)]
    if products is not None:
        share = len(history.lines) / all_lines
        says.append(f"Of the shop it has the {products:,} products of the most lines alone, {share:.0%} of all lines.")
    scenario = found.scenario.changed(calibration=" ".join(says))
    return replace(found, scenario=scenario, fit=judged.fit, series=judged.series, shapes=judged.shapes)


def _rests_on(fitted: Fitted, whole: Sales, moneyless: bool) -> list[str]:
    """What the market rests on that the shop's tables do not tell, a sentence each."""
    if len(whole.times):
        prices = LinePrices(whole.n_products)
        prices.add(whole.items, whole.pieces, whole.prices)
        return [NO_PRICES] * moneyless + [f"{WHOLE.capitalize()}."] * prices.whole
    return [f"{one.why.capitalize()}." for one in fitted.parameters if one.place == "choice.leaving"]


def _check_enough(visits: Sales) -> None:
    """Refuse what is too little to tell a week from another, or a customer from another."""
    if len(visits.times) < _FEWEST or len(np.unique(visits.visit_days)) < 7:
        days = len(np.unique(visits.visit_days))
        least = f"at least {_FEWEST} visits on 7 days to fit a market to"
        raise ScenarioError(f"history must hold {least}, got {len(visits.times)} on {days}")


def _check_products(lines: Sales) -> None:
    """Refuse more products than a scenario has, before they are fitted."""
    if (n := len(np.unique(lines.items))) > MOST_PRODUCTS:
        most = f"at most {MOST_PRODUCTS:,} products to fit a market to"
        raise ScenarioError(f"history must hold {most}, got {n:,}: fit those of the most lines, --products 30000")


def _season(found: Calibrated, play: Callable[[Scenario, int], Sales], seed: int) -> Callable[[], Sales]:
    """The season of one draw, which takes no other draws along to where it is played."""
    return partial(_played, found.scenario, found.settings(seed), play, seed)


def _played(scenario: Scenario, settings: Settings, play: Callable[[Scenario, int], Sales], seed: int) -> Sales:
    return play(placed(scenario, settings), seed)


@dataclass(frozen=True, eq=False)
class Fitted:
    """All parts of a shop, fitted."""

    goods: pd.DataFrame
    known: Sales
    days: int  # of the scenario
    shelf: Shelf
    lines: Floats  # (K,) of each product
    customers: Customers
    parts: list[Part]
    level: Level | None = None  # of what is bought, where views do not tell it

    @property
    def parameters(self) -> list[Parameter]:
        """Of all parts."""
        return [parameter for part in self.parts for parameter in part.parameters]

    def draw(self, random: np.random.Generator) -> Settings:
        """Settings of one draw from the posterior, in the order of the scenario's products."""
        drawn: Settings = {}
        for part in self.parts if self.to_come else []:  # another model has other waves, too
            drawn |= {place: value for place, value in part.settings.items() if place.startswith("products.")}
        for part in self.parts:
            drawn |= part.draw(random)
        if "users.price_sensitivity" in drawn:
            drawn.setdefault("products.quality", self._best["products.quality"])
        if "life.ramp" in drawn:
            drawn["products.quality"] = self._kept_worth(drawn)
        if self.level is not None:
            drawn |= self.level.levelled(self._best | drawn, self._luck(random)["level"])
        return self._in_order(drawn, self._models(random))

    def scenario(self) -> Scenario:
        """With every parameter at its best."""
        values = self._frame()
        put(values, self._in_order(self._best, self.order))
        return Scenario.model_validate(values)

    @cached_property
    def _best(self) -> Settings:
        return {place: value for part in self.parts for place, value in part.settings.items()}

    @cached_property
    def _lifted(self) -> Floats:
        return lifted(self._best, self.shelf, self.known)

    @cached_property
    def _luck(self) -> Mirrored:
        """Of the level, in standard errors."""
        return Mirrored({"level": 0.0}, lambda random: {"level": random.normal()})

    def _kept_worth(self, drawn: Settings) -> list[float]:
        """(K,) qualities with which products of another life are chosen as often all in all: what is sold of each while
        it is on sale is known better than how that changes with age.
        """
        other = lifted(self._best | drawn, self.shelf, self.known)
        quality: list[float] = (drawn["products.quality"] + self._lifted - other).tolist()
        return quality

    def _models(self, random: np.random.Generator) -> list[int]:
        """The order, with other launches that those to come resemble: nobody knows which."""
        known = self.order[: len(self.order) - len(self.to_come)]
        return [*known, *(self._model(random) for _ in self.to_come)]

    @cached_property
    def _launches(self) -> Ints:
        """Products known that came after the first weeks, and are not sure to be old ones that were silent."""
        settled = int(min(_SETTLED, self.known.days / 2))
        return np.flatnonzero((self.shelf.listed > settled) & (self.lines > 0) & (self.shelf.new > 0))

    def _alike(self, day: float) -> Floats:
        """(n,) how much each launch tells of what comes on a day."""
        return _likeness(day, self.shelf.listed[self._launches]) * self.shelf.new[self._launches]

    def _model(self, random: np.random.Generator) -> int:
        """The launch that one to come resembles, of any time of the year: what is launched in autumn is no larger than
        what is in spring, and few are of one time.
        """
        new = self.shelf.new[self._launches]
        return int(random.choice(self._launches, p=new / new.sum()))

    def _moved(self, peaks: list[float], order: list[int]) -> list[float]:
        """(K,) peaks of the products' waves: a launch comes as long before its own as the one that it resembles did."""
        known = len(order) - len(self.to_come)
        days = [day for _, day in self.to_come]
        later = [day - float(self.shelf.listed[k]) for k, day in zip(order[known:], days, strict=True)]
        return [(peaks[k] + by) % _YEAR for k, by in zip(order, [0.0] * known + later, strict=True)]

    def _in_order(self, settings: Settings, order: list[int]) -> Settings:
        """Columns as the scenario has them: candidates first, no product never sold; guests where there are some."""
        segments = len(self.customers.rates) + (self.customers.guests > 0)
        columns = {"products": order, "users.segments": range(segments)}
        found = {
            place: [value[k] for k in columns[table]] if (table := place.rpartition(".")[0]) in columns else value
            for place, value in settings.items()
        }
        if self.to_come and (peaks := settings.get("products.season_peak")) is not None:
            found["products.season_peak"] = self._moved(peaks, order)
        if "products.quality" in found:
            found["products.quality"] = self._made_up(found["products.quality"], settings, order)
        if self.to_come:  # dear ones sell less: the price is that of the launch whose share it has
            found["products.price"] = self.goods["usual"].to_numpy(float)[order].tolist()
        return {
            place: [_short(number) for number in value] if place.rpartition(".")[0] in columns else value
            for place, value in found.items()
        }

    def _made_up(self, quality: list[float], settings: Settings, order: list[int]) -> list[float]:
        """Qualities raised by what the usual price takes: each product sells what it sold at that price."""
        slope = (self._best | settings).get("users.price_sensitivity", 0.0)
        raised: list[float] = (np.array(quality) + slope * self.goods["usual"].to_numpy(float)[order]).tolist()
        return raised

    @cached_property
    def order(self) -> list[int]:
        """The product that each of the scenario's is, or resembles: candidates, the others that were sold, those that
        were not sold yet, and those to come.
        """
        return [*self.sold, *self.unsold, *(model for model, _ in self.to_come)]

    @cached_property
    def sold(self) -> list[int]:
        """Products that were sold, candidates first."""
        sold = np.flatnonzero(self.lines > 0).tolist()
        return sorted(sold, key=lambda k: (k not in self.candidates, k))

    @cached_property
    def unsold(self) -> list[int]:
        """What each product resembles that is sold so seldom that it was not sold yet: one that was sold once. Without
        them, a shop of many such products would sell fewer different ones from year to year. Where views are known, so
        are they.
        """
        once = np.flatnonzero((self.lines == 1) & (self.shelf.listed == 0) & np.isinf(self.shelf.delisted))
        if self.level is None or not len(once):
            return []
        n = round(min(not_sold_yet(self.lines[self.shelf.listed == 0]), MOST_PRODUCTS - len(self.sold)))
        unsold: list[int] = np.random.default_rng(2).choice(once, n).tolist()
        return unsold

    @cached_property
    def to_come(self) -> list[tuple[int, float]]:
        """Launches after what is known: the launch each resembles, and its day.

        As many as around that time of the year before, as far as those were new, weighed by a Cauchy kernel of the
        days between, so that a time of the year that was never seen resembles the nearest that was.
        """
        random = np.random.default_rng(0)
        known = self.known.days
        settled = int(min(_SETTLED, known / 2))
        if self.days <= known or not len(self._launches):
            return []
        seen = np.arange(settled, known)
        found: list[tuple[int, float]] = []
        for day in range(known, self.days):
            n = random.poisson(self._alike(day).sum() / _likeness(day, seen).sum())
            found += [(self._model(random), float(day)) for _ in range(n)]  # at midnight, as those that were seen
        return found

    @cached_property
    def delisted(self) -> Floats:
        """(K,) days; what is still on sale at the end of what is known leaves as often as others did, at midnight."""
        random = np.random.default_rng(1)
        shelf, known = self.shelf, self.known.days
        seen = 0.75 * known  # of later ones it cannot be told yet that they are gone
        watched = np.clip(np.minimum(shelf.delisted, seen) - shelf.listed, 0, None).sum()
        chance = (shelf.delisted < seen).sum() / max(watched, 1.0)  # a day
        later = known + np.ceil(random.exponential(1 / max(chance, 1e-9), len(shelf.delisted)))
        return np.where(np.isfinite(shelf.delisted), shelf.delisted, later)

    @cached_property
    def candidates(self) -> list[int]:
        """Launches that policies are asked about, spread evenly over those that sold at all, by day of launch."""
        day = self.shelf.listed
        fair = (day > 0.05 * self.known.days) & (day < 0.8 * self.known.days) & (self.lines >= _LEAST)
        places = np.flatnonzero(fair)[np.argsort(day[fair], kind="stable")]
        picked = np.linspace(0, len(places) - 1, min(_CANDIDATES, len(places))).round().astype(int)
        return places[np.unique(picked)].tolist() if len(places) else []

    def _frame(self) -> dict[str, Any]:
        """The scenario before its fitted numbers."""
        products = [self._product(k) for k in self.sold]
        products += [self._resembling(k, f"not sold yet {number}") for number, k in enumerate(self.unsold, start=1)]
        products += [self._launch(number, *one) for number, one in enumerate(self.to_come, start=1)]
        asked = {"offers": "candidates"} if self.candidates else {}
        told = "looks" if self.level is None else "lines"
        return {
            "title": "A shop's own market",
            "about": f"Fitted to {len(self.known.visits):,} {told} from {self.known.first.date()} on.",
            "days": float(self.days),
            "refresh_minutes": 1440.0,
            "arrivals": {"per_day": 1.0},
            "calendar": {},
            "customers": {},
            "users": {
                "zipf": 0.0,
                "durable": False,
                "price_spread": 0.0,
                "segments": self._segments(),
            },
            "choice": {"leaving": _EVERY_WANT},
            "buying": {"prompt": 1.0, "prompt_minutes": _AT_ONCE, "settle_days": 0.0},
            "shelf": asked,
            "products": products,
        }

    def _segments(self) -> list[dict[str, Any]]:
        kinds: list[dict[str, Any]] = [{"name": f"every {_spoken(1 / rate)}"} for rate in self.customers.rates]
        return [*kinds, {"name": GUESTS, "once": 1.0}] if self.customers.guests > 0 else kinds

    def _launch(self, number: int, model: int, day: float) -> dict[str, Any]:
        return self._resembling(model, f"launch to come {number}") | {"listed": day}

    def _resembling(self, model: int, title: str) -> dict[str, Any]:
        row = self.goods.iloc[model]
        return {"title": title, "category": row["category"], "price": float(row["usual"]), "incumbent": True}

    def _product(self, k: int) -> dict[str, Any]:
        day, end = float(self.shelf.listed[k]), float(self.delisted[k])
        row, candidate = self.goods.iloc[k], k in self.candidates
        product: dict[str, Any] = {"title": row["title"], "category": row["category"], "price": float(row["usual"])}
        if np.isfinite(row["cost"]):
            product["cost"] = float(row["cost"])
        product |= {"launch": day} if candidate else {"incumbent": True} | ({"listed": day} if day > 0 else {})
        if day == 0:
            product |= {"age": _OLD, "decline": 0.0}
        if np.isfinite(row["stock"]):
            product["stock"] = int(row["stock"])
        if np.isfinite(end) and end < self.days:
            product["delisted"] = max(end, day + 1.0)
        return product


def fit_parts(
    history: History,
    known: Sales,
    days: int,
    price_sensitivity: float | None,
    progress: Progress = lambda what, share: None,
    kept: Kept = Kept(),
) -> Fitted:
    """Every part, fitted to the known sales; for a scenario of so many days."""
    progress("customers", 0.0)
    who, told = customers.fit(known, kept)
    progress("calendar", 0.3)
    when = calendar.fit(known, days, who.merged)
    progress("baskets", 0.4)
    level = Level.of(known, who.merged)
    many = level.apply(baskets.fit(known, who, kept), told)
    progress("pieces", 0.7)
    mix = level.visits(told.settings).sum(axis=0)
    each = pieces.fit(known, who, many.settings, mix / mix.sum())
    progress("prices", 0.8)
    lines = np.bincount(known.items, minlength=known.n_products).astype(float)
    goods = history.goods.assign(category=categories(history.goods), title=_unique(history.goods))
    goods["stock"] = believed(known, goods["stock"].to_numpy(float))
    paid = prices.fit(known, goods["price"].to_numpy(float), price_sensitivity)
    goods["usual"] = np.maximum(paid.usual, 0.01)
    progress("products", 0.9)
    liked = _liked(history, known, goods)
    parts = [when, told, many, each, _by_segment(paid.part, who), returns.fit(known), liked.part]
    return Fitted(goods, known, days, liked.shelf, lines, who, parts, level)


def fit_viewed(
    history: History,
    seen: Sales,
    known: Sales,
    days: int,
    price_sensitivity: float | None,
    conversion: float | None,
    progress: Progress = lambda what, share: None,
    kept: Kept = Kept(),
) -> Fitted:
    """As `fit_parts`, where views are on record: who comes and what is looked at is told by all visits."""
    progress("customers", 0.0)
    who, told = customers.fit(seen, kept, by_day=False)
    progress("calendar", 0.5)
    when = calendar.fit(seen, days, who.merged)
    progress("products", 0.7)
    goods = history.goods.assign(category=categories(history.goods), title=_unique(history.goods))
    goods["stock"] = believed(known, goods["stock"].to_numpy(float))
    goods["usual"] = goods["price"].to_numpy(float)
    paid = Part({"users.price_sensitivity": price_sensitivity or 0.0}, [])
    if len(known.times):
        found = prices.fit(known, goods["usual"].to_numpy(), price_sensitivity)
        goods["usual"], paid = np.maximum(found.usual, 0.01), _by_segment(found.part, who)
    names = np.unique(goods["category"], return_inverse=True)[1]
    shelf = on_shelf(seen, names, *_listing(history, seen, goods))
    liked = [_lived(_liked(history, known, goods))] if len(known.times) else []
    lift = sum((lifted(part.settings, shelf, seen) for part in liked), start=np.zeros(len(goods)))
    saw = looking.fit(seen, names, shelf, conversion, lift)
    many = [*liked, *_of_purchases(known, who, saw.settings)] if len(known.times) else []
    lines = np.bincount(seen.items, minlength=seen.n_products).astype(float)
    return Fitted(goods, seen, days, shelf, lines, who, [when, told, paid, *many, saw])


def _lived(liked: Appeal) -> Part:
    """Life cycles and waves, of a shop whose looks tell popularity and quality."""
    part = liked.part
    told = [one for one in part.parameters if one.place not in ("products.popularity", "products.quality")]
    return Part(part.settings, told, part.draw)


def _of_purchases(known: Sales, who: Customers, baskets: Settings) -> list[Part]:
    """Pieces and returns, of a shop whose looks tell the rest."""
    buyers = replace(who, kinds=who.kinds[: int(known.users.max(initial=-1)) + 1])
    kinds = len(who.rates) + 1
    mean = baskets["baskets.share"] * baskets["baskets.products"]
    each = {
        "baskets.spread": 0.0,
        "baskets.shape": baskets["baskets.shape"],
        "users.segments.products": [mean] * kinds,
        "users.segments.shape": [baskets["baskets.shape"]] * kinds,
    }
    return [pieces.fit(known, buyers, each), returns.fit(known)]


def _date(until: Any, whole: Sales) -> pd.Timestamp:
    """Midnight of a date that leaves four weeks to fit, and something to judge by."""
    first, last = whole.first + pd.Timedelta(weeks=4), whole.dates[-1]
    try:
        date = pd.Timestamp(until).normalize()
    except ValueError:
        raise ScenarioError(f"until must be a date, got {until!r}") from None
    if not first <= date <= last:
        raise ScenarioError(f"until must be a date from {first.date()} to {last.date()}, got {until!r}")
    return date


def _liked(history: History, known: Sales, goods: pd.DataFrame) -> Appeal:
    names = np.unique(goods["category"], return_inverse=True)[1]
    listed, left = _listing(history, known, goods)
    gone = sold_out(known, goods["stock"].to_numpy(float))
    liked = appeal.fit(known, names, listed, np.fmin(left, gone))
    stays = np.isfinite(gone) & np.isnan(left)  # who plays the market lets the stock run out
    shelf = replace(liked.shelf, delisted=np.where(stays, np.inf, liked.shelf.delisted))
    return replace(liked, shelf=shelf)


def _listing(history: History, known: Sales, goods: pd.DataFrame) -> tuple[Floats, Floats]:
    """(K,) days on which products came and left, NaN where the shop does not say."""
    nothing = np.full(len(goods), np.nan)
    return _day(known, goods["listed"]) if history.listed_given else nothing, _day(known, goods["delisted"])


def _day(known: Sales, dates: Any) -> Floats:
    return np.asarray((pd.to_datetime(dates) - known.first) / pd.Timedelta(days=1), np.float64)


def _by_segment(part: Part, who: Customers) -> Part:
    """What guests pay, as a column of the segments; they mind a cut of their price as much as others do of theirs."""
    level, alike = part.settings["users.segments.price"], [1.0] * len(who.rates)
    columns = {"users.segments.price": [*alike, level], "users.segments.price_sensitivity": [*alike, 1 / level]}
    return Part(part.settings | columns, part.parameters, part.draw)


def _likeness(day: float, others: Any) -> Floats:
    """(n,) how much other days tell of what is launched on a day, by how far apart they are in the year."""
    apart = np.abs((day - others + _YEAR / 2) % _YEAR - _YEAR / 2)
    return np.asarray(1 / (1 + (apart / _ALIKE) ** 2))


def _unique(goods: pd.DataFrame) -> list[str]:
    """Titles, with the id where several products share one."""
    titles = goods["title"].astype(object).where(goods["title"].notna(), goods["id"]).astype(str)
    twice = titles.duplicated(keep=False)
    return [
        f"{title} ({name})" if again else title for title, name, again in zip(titles, goods["id"], twice, strict=True)
    ]


def _short(value: float) -> float:
    """To five digits, more than any of these is known to."""
    return float(f"{value:.5g}")


def _spoken(weeks: float) -> str:
    return f"{weeks:.1f} weeks" if weeks < 10 else f"{weeks:.0f} weeks"
