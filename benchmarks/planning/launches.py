"""Launches: what a shop knew of each new product on its launch day, and after days of its sales."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from simulator.history import History
from simulator.scenario import ScenarioError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DAYS_SEEN = (0, 1, 3, 7, 14)
MEASURES = ("pieces", "revenue", "margin")
NEIGHBOURS = ("like_pace", "like_best", "like_launches", "similar_words", "similar_lately", "similar_launches")
TITLES = (
    *("like_pace", "like_best", "like_launches", "like_last_year", "similar", "similar_lately", "similar_words"),
    *("similar_launches", "similar_young", "similar_beyond_price", "similar_price"),
)
_MONTH = 28  # days
_EARLY = 90  # days at the start of a history, of which nobody can tell which first sales are launches
_BANDS = 8  # of prices
_YEAR = 364  # days: the same weekdays
_SLOWING = 0.8  # power of time with which sales of a launch usually grow
RANGE_DAYS = 14  # within which what is numbered alike and launched is one range
_NEAREST = 10  # products that speak for a new one
_BLOCK = 256  # launches whose likeness to all products is kept at a time


@dataclass(frozen=True)
class Goods:
    """Products as they are known when they are launched, K of them."""

    titles: list[str]
    categories: Integers  # (K,) -1 for none
    prices: Floats  # (K,) of the launch day
    numbers: Floats  # (K,) first number within the id, NaN for none: ranges are often numbered in a row
    variants: Flags  # (K,) the id ends with a letter
    further: Floats  # (K, f) columns of the goods table

    def some(self, kept: Integers) -> Goods:
        """These of them."""
        return Goods(
            [self.titles[i] for i in kept],
            self.categories[kept],
            self.prices[kept],
            self.numbers[kept],
            self.variants[kept],
            self.further[kept],
        )


class Launches:
    """A shop's past by day, from which the knowledge of any day can be read: nothing later is looked at.

    Args:
        history: the shop's past.
        horizon: days over which a launch is judged.
        measure: "pieces", "revenue" or "margin".
        candidates: products never sold: `id`, `title`, and where known `price`, `category` and further columns.

    Raises:
        ScenarioError: an unknown measure, a margin without costs, a horizon below 1 or longer than the history.
    """

    def __init__(
        self, history: History, horizon: int = 56, measure: str = "pieces", candidates: pd.DataFrame | None = None
    ) -> None:
        self.horizon, self.measure = horizon, measure
        self.start = history.start.normalize()
        self.days = int((history.end.normalize() - self.start).days) + 1
        if not 1 <= horizon < self.days:
            raise ScenarioError(f"horizon must be from 1 to the history's {self.days - 1} days, got {horizon}")
        goods = history.goods if candidates is None else pd.concat([history.goods, candidates], ignore_index=True)
        sold = _lines(history, measure)
        self.n_sold = len(history.goods)
        self.sold = _by_day(sold, "amount", len(goods), self.days).cumsum(axis=1)  # (K, days) until the evening
        self.orders = _by_day(sold, "one", len(goods), self.days).cumsum(axis=1)
        self.users = _by_day(_first_meetings(sold), "one", len(goods), self.days).cumsum(axis=1)
        self.first = self._first_days(history, goods, sold)  # (K,) launch day; days for what was never launched
        self.goods = _described(goods, sold, self.first, history.features)
        self._best = self._best_months()  # (K, months) pieces of the best of so many months
        # where dates are listed, only what was there on the first day is no launch
        self._settled = 1 if history.listed_given else _MONTH  # day from which first sales mostly are launches
        self._early = 1 if history.listed_given else min(_EARLY, self.days // 4)
        self._shop = self.sold.sum(axis=0)  # (days,) all of it, until the evening
        self._title_shapes = _texts(self.goods.titles, "char_wb", (3, 5))
        self._title_words = _texts(self.goods.titles, "word", (1, 1))
        self.features = history.features

    def lately(self, days: int) -> Launches:
        """The candidates, and beside them only what was launched in the last days."""
        told, kept = copy(self), np.flatnonzero(self.first >= self.days - days)
        for name in ("first", "sold", "orders", "users", "_best", "_title_shapes", "_title_words"):
            setattr(told, name, getattr(self, name)[kept])
        told.goods = self.goods.some(kept)
        told.n_sold = int(np.sum(kept < self.n_sold))
        return told

    def begun(self, pieces: Floats, orders: Floats, users: Floats) -> Launches:
        """The same past, whose last days were the first ones of the candidates.

        Args:
            pieces, orders, users: (candidates, days) what was sold each day, in how many orders, to how many new users.
        """
        told, days = copy(self), pieces.shape[1]
        told.first = self.first.copy()
        told.first[self.n_sold :] = self.days - days
        for name, table in (("sold", pieces), ("orders", orders), ("users", users)):
            until = getattr(self, name).copy("K")
            until[self.n_sold :, -days:] = table.cumsum(axis=1)
            setattr(told, name, until)
        return told

    def items(self, since: pd.Timestamp | None = None, until: pd.Timestamp | None = None) -> Integers:
        """Products launched from `since` to the day `until`, in order of launch; none of the history's first days."""
        low = self._early if since is None else max(self._early, self.day(since))
        high = self.days - 1 if until is None else self.day(until)
        launched = np.flatnonzero(
            (self.first >= low) & (self.first <= high) & (np.arange(len(self.first)) < self.n_sold)
        )
        return np.asarray(launched[np.argsort(self.first[launched], kind="stable")], np.int64)

    def day(self, date: pd.Timestamp) -> int:
        """The number of a date's day."""
        return int((pd.Timestamp(date).normalize() - self.start).days)

    def over(self, items: Integers) -> Flags:
        """(n,) whether the whole horizon of these launches lies in the past."""
        return np.asarray(self.first[items] + self.horizon <= self.days)

    def outcome(self, items: Integers) -> Floats:
        """(n,) what each sold within the horizon; NaN where that is not over."""
        total = self._until(self.sold, items, np.minimum(self.first[items] + self.horizon, self.days))
        return np.where(self.over(items), total, np.nan)

    def so_far(self, items: Integers, now: Integers | int) -> Floats:
        """(n,) what each sold before the day `now`, within its horizon."""
        return self._until(self.sold, items, np.minimum(np.minimum(now, self.first[items] + self.horizon), self.days))

    def known(self, items: Integers, seen: int) -> pd.DataFrame:
        """What was known of these launches `seen` days after they began: n rows, NaN where nothing was.

        Amounts are in logarithms of 1 + amount; those of other products are what they sell in a horizon.
        """
        rows: list[dict[str, float]] = []
        for block in range(0, len(items), _BLOCK):
            part = items[block : block + _BLOCK]
            shapes = (self._title_shapes[part] @ self._title_shapes.T).toarray()
            words = (self._title_words[part] @ self._title_words.T).toarray()
            rows += [self._before(int(i), shapes[k], words[k]) for k, i in enumerate(part)]
        table = pd.DataFrame(rows).astype(float)
        for place, name in enumerate(self.features):
            table[name] = self.goods.further[items, place]
        return self.after(table, items, seen)

    def after(self, before: pd.DataFrame, items: Integers, seen: int) -> pd.DataFrame:
        """What was known on the launch days of these launches, and what `seen` days of their sales add to it."""
        return before if seen == 0 else pd.concat([before, self._since(items, seen)], axis=1)

    def nearest(self, item: int, n: int = 3) -> Integers:
        """The products sold before this one's launch whose titles are most like it."""
        old = np.flatnonzero(self.first < self.first[item])
        alike = (self._title_shapes[[item]] @ self._title_shapes[old].T).toarray()[0]
        return np.asarray(old[np.argsort(-alike, kind="stable")[:n]])

    def _first_days(self, history: History, goods: pd.DataFrame, sold: pd.DataFrame) -> Integers:
        first = sold.groupby("item")["day"].min().reindex(range(len(goods))).to_numpy(float)
        if history.listed_given:
            listed = (goods["listed"].dt.normalize() - self.start).dt.days.to_numpy(float)
            first = np.where(np.isfinite(listed), np.maximum(listed, 0), first)
        return np.where(np.isfinite(first), first, self.days).astype(np.int64)

    def _best_months(self) -> Floats:
        """(K, months) log of 1 + what the best month of a horizon's length until then would bring."""
        ends = np.arange(_MONTH, self.days + 1, _MONTH) - 1
        months = np.diff(self.sold[:, ends], axis=1, prepend=0.0)
        return np.asarray(np.log1p(np.maximum(np.maximum.accumulate(months, axis=1), 0.0) * self.horizon / _MONTH))

    def _until(self, table: Floats, items: Integers, day: Integers | int) -> Floats:
        """(n,) sums before the day."""
        if isinstance(day, int):
            return np.asarray(table[items, min(day, self.days) - 1]) if day > 0 else np.zeros(len(items))
        before = np.asarray(day) - 1
        return np.asarray(np.where(before >= 0, table[items, np.clip(before, 0, self.days - 1)], 0.0))

    def _pace(self, items: Integers, day: int, days: int) -> Floats:
        """(n,) log of 1 + what each would sell in a horizon at its pace of the last days before `day`."""
        since = np.maximum(day - days, self.first[items])
        sold = self._until(self.sold, items, day) - self._until(self.sold, items, since)
        return np.asarray(np.log1p(np.maximum(self.horizon * sold / np.maximum(day - since, 1), 0.0)))

    def _before(self, item: int, shapes: Floats, words: Floats) -> dict[str, float]:
        """Knowledge of the morning of the launch."""
        day, goods = int(self.first[item]), self.goods
        old = np.flatnonzero(self.first < day)
        alive = old[self._pace(old, day, 2 * _MONTH) > 0]
        launched = old[self.first[old] >= self._settled]
        price = np.log(goods.prices[item])
        found = {"price": price, "together": np.log1p(np.sum(self.first == day) - 1.0)} | self._alike(day, shapes, old)
        if not len(alive):
            return found
        pace, prices = self._pace(alive, day, 2 * _MONTH), np.log(goods.prices[alive])
        usual, own = _by_price(pace, prices, price)
        near, weight = _most_alike(shapes[alive])
        found |= {
            "price_band": own,
            "similar": np.average(pace[near], weights=weight),
            "similar_lately": np.average(self._pace(alive[near], day, _MONTH // 2), weights=weight),
            "similar_beyond_price": np.average((pace - usual)[near], weights=weight),
            "similar_price": np.average(prices[near], weights=weight) - price,
            "category_pace": _mean(pace[goods.categories[alive] == goods.categories[item]])
            if goods.categories[item] >= 0
            else np.nan,
        }
        near, weight = _most_alike(words[alive])
        found["similar_words"] = np.average(pace[near], weights=weight)
        return (
            found
            | self._launched_before(item, day, shapes, launched)
            | self._numbered(item, day, old, alive, pace, launched)
        )

    def _alike(self, day: int, shapes: Floats, old: Integers) -> dict[str, float]:
        """What all that is alike has sold, each counted by the square of its likeness: ever, at best, when launched."""
        found: dict[str, float] = {}
        if not len(old):
            return found
        weight = shapes[old] ** 2 + 1e-9
        age = np.maximum(day - self.first[old], 7)
        sold = self._until(self.sold, old, day)
        found["like_pace"] = np.average(np.log1p(np.maximum(sold * self.horizon / age, 0.0)), weights=weight)
        if day >= _MONTH:
            found["like_best"] = np.average(self._best[old, day // _MONTH - 1], weights=weight)
        if day > _YEAR:
            then = day - _YEAR
            sold = self._until(self.sold, old, then + self.horizon) - self._until(self.sold, old, then)
            there = self.first[old] < then + self.horizon
            if there.any():
                found["like_last_year"] = np.average(np.log1p(np.maximum(sold, 0.0))[there], weights=weight[there])
        young = old[(self.first[old] >= self._settled) & (self.first[old] + 7 <= day)]
        if len(young):
            age = np.minimum(day - self.first[young], self.horizon)
            total = np.maximum(self.so_far(young, day), 0.0) * (self.horizon / age) ** _SLOWING
            found["like_launches"] = np.average(np.log1p(total), weights=shapes[young] ** 2 + 1e-6)
        return found

    def _launched_before(self, item: int, day: int, shapes: Floats, launched: Integers) -> dict[str, float]:
        """What earlier launches sold: those whose horizon is over, and those of a week or more."""
        over = launched[self.first[launched] + self.horizon <= day]
        young = launched[self.first[launched] + 7 <= day]
        recent = young[self.first[young] >= day - self.horizon]
        found = {"recent": np.median(self._pace(recent, day, self.horizon)) if len(recent) else np.nan}
        for name, group, sold in (
            ("similar_launches", over, np.log1p(np.maximum(self.outcome(over), 0.0))),
            ("similar_young", young, self._pace(young, day, 2 * _MONTH)),
        ):
            if len(group):
                near, weight = _most_alike(shapes[group])
                found[name] = np.average(sold[near], weights=weight)
        return found

    def _numbered(
        self, item: int, day: int, old: Integers, alive: Integers, pace: Floats, launched: Integers
    ) -> dict[str, float]:
        """What the product's number says: is it new or an old one back again, and how sell those numbered like it?"""
        number, numbers = self.goods.numbers[item], self.goods.numbers
        found = {"variant": float(self.goods.variants[item])}
        numbered, pace = alive[np.isfinite(numbers[alive])], pace[np.isfinite(numbers[alive])]
        if not np.isfinite(number) or not len(numbered):
            return found
        young = launched[(self.first[launched] + 7 <= day) & np.isfinite(numbers[launched])]
        recent = numbers[old[self.first[old] >= day - _EARLY]]
        around = np.abs(numbers - number) <= 2 * _NEAREST
        found |= {
            "number_rank": float(np.mean(numbers[old] < number)),
            "number_new": float(np.mean(recent < number)) if len(recent) else np.nan,
            "range_launched": float(np.sum(around & (self.first >= day - 14) & (self.first <= day)) - 1),
            "numbered_alike": _mean(pace[_first(np.abs(numbers[numbered] - number), _NEAREST)]),
        }
        if len(young):
            weight = np.exp(-np.abs(numbers[young] - number) / _NEAREST) + 1e-4
            found["numbered_young"] = float(np.average(self._pace(young, day, 2 * _MONTH), weights=weight))
        return found

    def _since(self, items: Integers, seen: int) -> pd.DataFrame:
        """What its first days told."""
        first = self.first[items]
        now = first + seen
        daily = np.stack([self._until(self.sold, items, first + d + 1) for d in range(-1, seen)], axis=1)
        steps = np.diff(daily, axis=1)
        return pd.DataFrame(
            {
                "sold": np.log1p(np.maximum(daily[:, -1], 0.0)),
                "sold_lately": np.log1p(np.maximum(steps[:, -3:].sum(axis=1), 0.0)),
                "sold_most": np.log1p(np.maximum(steps.max(axis=1), 0.0)),
                "selling_days": (steps > 0).sum(axis=1).astype(float),
                "orders": np.log1p(self._until(self.orders, items, now)),
                "customers": np.log1p(self._until(self.users, items, now)),
                "range_sold": [self._range_sold(int(i), int(day)) for i, day in zip(items, now, strict=True)],
                "shop_lift": np.log((_recent(self._shop, now, 7) + 1e-9) / (_recent(self._shop, first, _MONTH) + 1e-9)),
                "weekday": ((first + self.start.day_of_week) % 7).astype(float),
            }
        )

    def _range_sold(self, item: int, now: int) -> float:
        """The pace of others numbered like it that were launched in the same weeks."""
        number, numbers, first = self.goods.numbers[item], self.goods.numbers, self.first
        mates = (np.abs(numbers - number) <= 2 * _NEAREST) & (first < now) & (first >= first[item] - RANGE_DAYS)
        mates[item] = False
        return _mean(self._pace(np.flatnonzero(mates), now, self.horizon))


def _lines(history: History, measure: str) -> pd.DataFrame:
    """Lines bought, and those given back as negative ones on the day they came back: item, user, day, price, amount."""
    if measure not in MEASURES:
        raise ScenarioError(f"measure must be one of {', '.join(MEASURES)}, got {measure!r}")
    lines = history.lines
    start = history.start.normalize()
    bought = lines[(lines["action"] == "buy").to_numpy()]
    back = lines.loc[history.undone["buy"].to_numpy()].assign(
        time=lines["time"].to_numpy()[history.undone["back"].to_numpy()],
        quantity=-history.undone["pieces"].to_numpy(),
    )
    table = pd.concat([bought, back])
    table = table.assign(
        day=(table["time"].dt.normalize() - start).dt.days.to_numpy(), one=1.0 * (table["quantity"] > 0)
    )
    return table.assign(amount=table["quantity"] * _worth(history, table, measure))


def _worth(history: History, table: pd.DataFrame, measure: str) -> Floats | float:
    if measure == "pieces":
        return 1.0
    usual = history.goods["price"].to_numpy(float)[table["item"]]
    price = table["price"].fillna(pd.Series(usual, table.index)).to_numpy(float)
    if measure == "revenue":
        return price
    cost = history.goods["cost"].to_numpy(float)[table["item"]]
    if not np.isfinite(cost).any():
        raise ScenarioError("measure must be pieces or revenue where goods have no cost, got 'margin'")
    return price - np.where(np.isfinite(cost), cost, np.nanmedian(cost / usual) * price)


def _by_day(table: pd.DataFrame, column: str, n: int, days: int) -> Floats:
    sums = np.zeros((n, days), order="F")  # a day at a time is what is asked for
    np.add.at(sums, (table["item"].to_numpy(), table["day"].to_numpy()), table[column].to_numpy(float))
    return sums


def _first_meetings(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["user"] >= 0].drop_duplicates(["item", "user"])


def _described(goods: pd.DataFrame, sold: pd.DataFrame, first: Integers, features: Sequence[str]) -> Goods:
    opening = sold[(sold["day"].to_numpy() == first[sold["item"]]) & (sold["quantity"] > 0).to_numpy()]
    prices = opening.groupby("item")["price"].median().reindex(range(len(goods))).to_numpy(float)
    given = goods["price"].to_numpy(float) if "price" in goods else np.full(len(goods), np.nan)
    prices = np.where(np.isfinite(prices) & (prices > 0), prices, given)
    usual = float(np.nanmedian(prices)) if np.isfinite(prices).any() else 1.0
    ids = goods["id"].astype(str)
    return Goods(
        titles=goods["title"].fillna("").astype(str).tolist(),
        categories=pd.factorize(goods["category"])[0].astype(np.int64),
        prices=np.where(np.isfinite(prices) & (prices > 0), prices, usual),
        numbers=np.array([_number(text) for text in ids]),
        variants=ids.str.contains(r"[A-Za-z]$").to_numpy(bool),
        further=goods[list(features)].to_numpy(float),
    )


def _number(text: str) -> float:
    found = re.search(r"\d+", text)
    return float(found[0]) if found else np.nan


def _texts(titles: list[str], analyzer: str, lengths: tuple[int, int]) -> Any:
    """(K, words) sparse rows of length 1, or of 0 where a title says nothing."""
    counts = TfidfVectorizer(analyzer=analyzer, ngram_range=lengths, sublinear_tf=True, dtype=np.float32)
    try:
        return counts.fit_transform(titles)
    except ValueError:  # titles without a word
        return csr_array(np.zeros((len(titles), 1), np.float32))


def _most_alike(alike: Floats) -> tuple[Integers, Floats]:
    """Places of the most similar, and how much each counts: the square of its likeness."""
    near = _first(-alike, _NEAREST)
    return near, alike[near] ** 2 + 1e-6


def _first(values: Floats, n: int) -> Integers:
    """Places of the n smallest, in order; of equal ones the earlier."""
    if len(values) > 4 * n:
        last = np.partition(values, n)[n]
        some = np.flatnonzero(values <= last)
        return np.asarray(some[np.argsort(values[some], kind="stable")[:n]])
    return np.asarray(np.argsort(values, kind="stable")[:n])


def _by_price(pace: Floats, prices: Floats, price: float) -> tuple[Floats, float]:
    """(n,) mean pace of each product's price band, and of the band of `price`: bands of as many products each."""
    edges = np.quantile(prices, np.arange(1, _BANDS) / _BANDS)
    bands = np.searchsorted(edges, prices)
    means = np.bincount(bands, pace, _BANDS) / np.maximum(np.bincount(bands, minlength=_BANDS), 1)
    own = int(np.searchsorted(edges, price))
    return means[bands], float(means[own]) if (bands == own).any() else float(pace.mean())


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else np.nan


def _recent(cumulative: Floats, day: Integers, days: int) -> Floats:
    """(n,) mean a day over the days before."""
    last = np.clip(day - 1, 0, len(cumulative) - 1)
    first = np.clip(day - 1 - days, 0, len(cumulative) - 1)
    return np.asarray((cumulative[last] - cumulative[first]) / np.maximum(last - first, 1))
