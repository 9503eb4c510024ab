"""What a history holds, what can be learnt from it, and what cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from envs.history.files import Batch, Beside
from simulator.history import ACTIONS, unseen
from simulator.line_prices import WHOLE, LinePrices

VIEW, BUY, RETURN = (ACTIONS.index(action) for action in ("view", "buy", "return"))
_DAY = 86_400_000_000  # microseconds
_WEEK = 7 * _DAY
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_YEAR = 365  # days
_MOST_FEES = 12  # that are shown
_EVERYBODY = 0.1  # of the purchases: who has so many, and twice as many as the next, may be a till's for everybody
_QUIET = 0.02  # of the lines: a weekday with fewer is as good as closed


class Account:
    """Figures of lines that go by batch by batch; read once they have all gone by."""

    def __init__(self, n_goods: int) -> None:
        self.counts = np.zeros(len(ACTIONS), np.int64)
        self.unknown = 0  # purchases of users without a name
        self.orders = self.pieces = 0
        self.revenue = 0.0
        self.days: dict[int, int] = {}  # day since 1970 -> lines
        self._viewed: dict[int, int] = {}
        self._sold: dict[int, int] = {}
        self.first, self.last = 0, 0  # microseconds
        self._n_goods = n_goods
        self._by_user = np.zeros(0, np.int64)
        self._lowest: dict[int, np.ndarray] = {}  # week -> (K,) lowest price paid
        self._highest: dict[int, np.ndarray] = {}
        self.line_prices = LinePrices(n_goods)

    def add(self, batch: Batch) -> None:
        """Lines, as of `envs.history.reading.Reading.batches`."""
        times, action = batch["time"], batch["action"]
        if not self.days:
            self.first = int(times[0])
        self.last = int(times[-1])
        self.counts += np.bincount(action, minlength=len(ACTIONS))
        days = times // _DAY
        for counts, kind in (
            (self.days, days),
            (self._viewed, days[action == VIEW]),
            (self._sold, days[action == BUY]),
        ):
            for day, n in zip(*np.unique(kind, return_counts=True), strict=True):
                counts[int(day)] = counts.get(int(day), 0) + int(n)
        self.orders = max(self.orders, int(batch["order"].max()) + 1)
        self._bought({name: column[action == BUY] for name, column in batch.items()})

    def _bought(self, batch: Batch) -> None:
        self.unknown += int((batch["user"] < 0).sum())
        named = np.bincount(batch["user"][batch["user"] >= 0], minlength=len(self._by_user))
        named[: len(self._by_user)] += self._by_user
        self._by_user = named
        self.pieces += int(batch["quantity"].sum())
        self.revenue += float(np.nansum(batch["quantity"] * batch["price"]))
        self.line_prices.add(batch["item"], batch["quantity"], batch["price"])
        weeks = batch["time"] // _WEEK
        for week in np.unique(weeks):
            rows = (weeks == week) & ~np.isnan(batch["price"])
            low = self._lowest.setdefault(int(week), np.full(self._n_goods, np.inf))
            high = self._highest.setdefault(int(week), np.full(self._n_goods, -np.inf))
            np.minimum.at(low, batch["item"][rows], batch["price"][rows])
            np.maximum.at(high, batch["item"][rows], batch["price"][rows])

    @property
    def span(self) -> int:
        """Days from that of the first line to that of the last, both counted."""
        return max(self.days) - min(self.days) + 1

    @property
    def unseen(self) -> list[tuple[int, int, int]]:
        """Times without views, as of `simulator.history.unseen`."""
        return unseen(list(self._viewed), list(self._sold), list(self._sold.values()))

    @property
    def everybody(self) -> float:
        """Share of the purchases of one user who buys so much more than any other that it may be a till's customer for
        everybody; 0 where there is none.
        """
        most = np.sort(self._by_user)[-2:]
        if len(most) < 2 or most[1] < 2 * most[0]:
            return 0.0
        share = float(most[1] / self.counts[BUY])
        return share if share > _EVERYBODY else 0.0

    @property
    def several_prices(self) -> float:
        """Share of the weeks in which a product was sold that saw it at several prices."""
        low, high = (np.array(list(prices.values())) for prices in (self._lowest, self._highest))
        sold = np.isfinite(low)
        return float((high > low)[sold].mean()) if sold.any() else 0.0

    @property
    def quiet(self) -> dict[str, float]:
        """Weekdays with hardly a line -> their share of the lines, where there are four weeks or more."""
        lines = np.zeros(7)
        for day, n in self.days.items():
            lines[(day + 3) % 7] += n  # 1970 began on a Thursday
        shares = dict(zip(_WEEKDAYS, lines / lines.sum(), strict=True))
        return {name: share for name, share in shares.items() if share < _QUIET and self.span >= 4 * 7}


def text(account: Account, beside: Beside, fees: Sequence[tuple[str, int]], least: int) -> str:
    """The page: what was done, figures, what can be said and what cannot.

    Args:
        fees: codes that are no products, and how many lines have them; the commonest first.
        least: users that must stand behind a figure.
    """
    sections = (
        ("done", [*done(beside.cleaning), *_no_products(fees)]),
        ("holds", list(_figures(account, beside, least))),
        ("can say", [what for what, can in _worth(account, beside) if can]),
        ("cannot say", [what for what, can in _worth(account, beside) if not can]),
    )
    return "\n".join(f"{name:<12}{line}" for title, lines in sections for name, line in _labelled(title, lines)) + "\n"


def _labelled(title: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    yield from ((title if i == 0 else "", line) for i, line in enumerate(lines))


def done(cleaning: pd.DataFrame) -> Iterator[str]:
    """What was done, a line a step."""
    for table, rows, rule, happened in cleaning[["table", "rows", "rule", "happened"]].itertuples(index=False):
        yield f"{table}: {rows:,} {happened}" + (f": {rule}" if rule else "")


def _no_products(fees: Sequence[tuple[str, int]]) -> Iterator[str]:
    if fees:
        more = f" and {len(fees) - _MOST_FEES} more" if len(fees) > _MOST_FEES else ""
        yield f"no products: {', '.join(f'{code} ({n:,})' for code, n in fees[:_MOST_FEES])}{more}"


def _figures(account: Account, beside: Beside, least: int) -> Iterator[str]:
    first, last = (pd.Timestamp(time, unit="us") for time in (account.first, account.last))
    yield f"{account.span:,} days, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
    quiet = [f"{share:.1%} of the lines on {name}" for name, share in account.quiet.items()]
    yield f"{account.span - len(account.days):,} days without a line" + "".join(f"; {what}" for what in quiet)
    acted = [f"{n:,} {name}" for name, n in zip(ACTIONS, account.counts, strict=True) if n]
    yield f"lines: {', '.join(acted)}"
    if beside.n_users < least:
        yield f"users: fewer than {least}, so that nothing is told of them"
    else:
        yield f"users: {beside.n_users:,} with a name, {account.orders:,} orders or visits"
    if account.counts[BUY]:
        share = account.unknown / account.counts[BUY]
        yield f"bought: {account.pieces:,} pieces for {account.revenue:,.2f}; {share:.0%} of the lines by nobody known"
    launched = "given" if beside.listed_given else "not given: the first sale stands in for the launch"
    further = f", {len(beside.features)} further numeric columns" if beside.features else ""
    yield f"goods: {len(beside.goods):,}{further}; launch days {launched}"


def _worth(account: Account, beside: Beside) -> Iterator[tuple[str, bool]]:
    """(what, whether it can be said)."""
    goods, years = beside.goods, account.span / _YEAR
    bought = account.counts[BUY] > 0
    yield ("what sells, when and in what baskets" if bought else "what sells: there are no purchases"), bool(bought)
    yield _conversion(account)
    if years < 1:
        yield f"the year's seasons: {account.span:,} days are less than a year", False
    elif years < 2:
        yield "seasons apart from growth: one year shows both at once", False
    if not beside.n_users:
        yield "who comes again: no user has a name", False
    if account.everybody:
        yield (
            f"who comes again: one user has {account.everybody:.0%} of the purchases; if that is a till's customer for "
            'everybody, name it: nobody = ["..."]',
            False,
        )
    if not beside.listed_given:
        yield "when products were launched, but for their first sale", False
    yield from _prices(account) if bought else ()
    if bought:
        yield ("returns" if account.counts[RETURN] else "returns: there are none"), bool(account.counts[RETURN])
    for column, what in (("stock", "what sold out, apart from what nobody wanted"), ("cost", "margins")):
        given = bool(goods[column].notna().any())
        yield (what if given else f"{what}: {column} is not given"), given


def _conversion(account: Account) -> tuple[str, bool]:
    bought, viewed = int(account.counts[BUY]), int(account.counts[VIEW])
    for _, *days in account.unseen:
        first, last = (np.datetime64(day, "D") for day in days)
        return f"conversion: no views are on record from {first} to {last}", False
    if not viewed:
        return "conversion: nobody knows who looked and left", False
    if not bought:
        return "conversion: nothing is bought", False
    if bought > viewed:
        return "conversion: more is bought than viewed, so that views are not all there", False
    return f"conversion: {bought / viewed:.2%} of views", True


def _prices(account: Account) -> Iterator[tuple[str, bool]]:
    if account.line_prices.whole:
        yield f"money: {WHOLE}", False
    share = account.several_prices
    if share > 0.1:
        yield (
            f"price sensitivity: {share:.0%} of the weeks of a product have several prices, "
            "so that the price may depend on who buys or how much",
            False,
        )
