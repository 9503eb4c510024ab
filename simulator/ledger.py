"""What happened: launches, visits, offers, purchases, lost sales, returns, stock-outs, replenishments, as columns."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulator.catalogue import UNLIMITED, Catalogue
from simulator.visits import Visits

_EVENTS = {
    "launches": ("time", "product"),
    "delistings": ("time", "product"),
    "prices": ("time", "product", "price"),
    "purchases": ("time", "visit", "user", "product", "slot", "price", "units"),
    "lost_sales": ("time", "visit", "user", "product", "substitute", "units"),
    "returns": ("time", "visit", "user", "product", "price", "units"),
    "stock_outs": ("time", "product"),
    "replenishments": ("time", "product", "units"),
}
_IDS = {"visit"}
_DTYPES = {"Q": np.uint64, "q": np.int64, "d": np.float64}  # by what `array` calls types of 64 bits
_INDICES = {"user", "product", "slot", "substitute", "units"}


class Ledger:
    """The season's books. Every table has a time in days; a visit is named by its id, a product by its index.

    `purchases.slot` is the slot the product was seen in, -1 on the shelf; `lost_sales.substitute` is what was bought
    in place of the sold-out product, -1 for nothing. A line of several pieces has so many units, at `price` each.
    Tables `visits` and `offers` are empty where the market was told not to record single visits; their count is kept.
    """

    def __init__(self, catalogue: Catalogue, record: bool) -> None:
        self.catalogue = catalogue
        self.n_visits = 0
        self._record = record
        self._events = {name: [array(_code(column)) for column in columns] for name, columns in _EVENTS.items()}
        self._visits: list[tuple[Any, ...]] = []
        self._daily: dict[int, int] = {}
        self._tables: dict[str, tuple[int, pd.DataFrame]] = {}  # as last asked for, and how many events it had

    def write(self, table: str, *values: Any) -> None:
        """One event."""
        for column, value in zip(self._events[table], values, strict=True):
            column.append(value)

    def extend(self, table: str, n: int, *values: Any) -> None:
        """Several events: of each column a value for all, or an array (n,) of the type that the table has."""
        for column, value in zip(self._events[table], values, strict=True):
            if isinstance(value, np.ndarray):
                column.frombytes(value.tobytes())
            else:
                column.extend(array(column.typecode, [value]) * n)

    def events(self, table: str, since: int = 0) -> list[tuple[Any, ...]]:
        """The events of a table so far, from number `since` on, in the order of its columns."""
        return list(zip(*(column[since:] for column in self._events[table]), strict=True))

    def count(self, table: str) -> int:
        """How many events a table has so far."""
        return len(self._events[table][0])

    def visits_closed(self, visits: Visits, rows: slice) -> None:
        """The offers of these rows are final."""
        count = rows.stop - rows.start
        self.n_visits += count
        first, last = int(visits.times[rows.start]), int(visits.times[rows.stop - 1])
        if first == last:
            self._daily[first] = self._daily.get(first, 0) + count
        else:
            for day, n in zip(*np.unique(visits.times[rows].astype(np.int64), return_counts=True), strict=True):
                self._daily[int(day)] = self._daily.get(int(day), 0) + int(n)
        if self._record:
            self._visits.append((visits.times[rows], visits.ids[rows], visits.users[rows], visits.offered[rows]))

    def table(self, name: str) -> pd.DataFrame:
        """One of `tables`, such as purchases, returns, lost_sales, visits or offers."""
        if name == "visits":
            return self._visit_table()
        if name == "offers":
            return self._offer_table()
        if self._tables.get(name, (-1,))[0] != self.count(name):
            columns = zip(_EVENTS[name], self._events[name], strict=True)
            self._tables[name] = (
                self.count(name),
                pd.DataFrame({c: np.array(seen, _DTYPES[seen.typecode]) for c, seen in columns}),
            )
        return self._tables[name][1].copy(deep=False)  # copied on write

    @property
    def tables(self) -> list[str]:
        """Names of all tables."""
        return [*_EVENTS, "visits", "offers"]

    def to_parquet(self, folder: str | Path) -> None:
        """One Parquet file a table, and the catalogue beside them."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.tables:
            self.table(name).to_parquet(folder / f"{name}.parquet", index=False)
        self.products().to_parquet(folder / "products.parquet", index=False)

    def products(self) -> pd.DataFrame:
        """What each product did: launch day, units sold and returned, revenue, lost sales, visits in between."""
        catalogue = self.catalogue
        K = len(catalogue)
        purchases, returns, lost = self.table("purchases"), self.table("returns"), self.table("lost_sales")
        return pd.DataFrame(
            {
                "title": catalogue.titles,
                "incumbent": catalogue.incumbent,
                "price": catalogue.prices,
                "launch": self.launch_days(),
                "sold": _units(purchases, K),
                "returned": _units(returns, K),
                "lost": _units(lost, K),
                "revenue": np.bincount(purchases["product"], purchases["price"] * purchases["units"], K)
                - np.bincount(returns["product"], returns["price"] * returns["units"], K),
            }
        )

    def net_sales(self, reward: str = "units") -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The whole shop's sales and, negative, its returns, in order of time: times (m,) days, amounts (m,).

        Args:
            reward: "units", "revenue" or "margin" (euros).
        """
        sold, returned = self.table("purchases"), self.table("returns")
        times = np.concatenate([sold["time"], returned["time"]])
        amounts = np.concatenate([self._worth(sold, reward), -self._worth(returned, reward)])
        order = np.argsort(times, kind="stable")
        return times[order], amounts[order]

    def totals(self) -> dict[str, float]:
        """The season in numbers: visits, units, revenue, margin, returns, lost sales, stock-outs, incumbents' units.

        `leftovers` are the pieces on hand at the end, of products for sale whose stock is limited; `conversion` is the
        share of visits that bought.
        """
        sold = self.table("purchases")
        returned = self.table("returns")
        incumbents = self.catalogue.incumbent
        return {
            "visits": float(self.n_visits),
            **{reward: float(self.net_sales(reward)[1].sum()) for reward in ("units", "revenue", "margin")},
            "returned": float(returned["units"].sum()),
            "lost_sales": float(self.table("lost_sales")["units"].sum()),
            "stock_outs": float(self.count("stock_outs")),
            "incumbent_units": float(sold["units"] @ incumbents[sold["product"]])
            - float(returned["units"] @ incumbents[returned["product"]]),
            "conversion": float(sold["visit"].nunique()) / max(self.n_visits, 1),
            "leftovers": float(self._on_hand(sold, returned)[self._limited()].sum()),
        }

    def _on_hand(self, sold: pd.DataFrame, returned: pd.DataFrame) -> npt.NDArray[np.int64]:
        """(K,) units at the end: what there was and came, less what went."""
        K = len(self.catalogue)
        came = _units(self.table("replenishments"), K) + _units(returned, K)
        return np.asarray(self.catalogue.stock + came - _units(sold, K))

    def _limited(self) -> npt.NDArray[np.bool_]:
        """(K,) whose stock is limited, of those that were for sale."""
        for_sale = self.catalogue.incumbent | np.isfinite(self.launch_days())
        return np.asarray((self.catalogue.stock < UNLIMITED) & for_sale)

    def launch_days(self) -> npt.NDArray[np.float64]:
        """(K,) day of each product's launch, NaN for what was not launched."""
        days = np.full(len(self.catalogue), np.nan)
        for day, product in self.events("launches"):
            days[product] = day
        return days

    def daily_visits(self) -> npt.NDArray[np.int64]:
        """(days,) visits of each day."""
        days = np.zeros(max(self._daily, default=-1) + 1, np.int64)
        for day, count in self._daily.items():
            days[day] = count
        return days

    def _worth(self, table: pd.DataFrame, reward: str) -> npt.NDArray[np.float64]:
        units = table["units"].to_numpy()
        if reward == "units":
            return units.astype(np.float64)
        price = table["price"].to_numpy()
        return np.asarray(units * (price - self.catalogue.costs[table["product"]] if reward == "margin" else price))

    def _visit_table(self) -> pd.DataFrame:
        columns = list(zip(*self._visits, strict=True)) or [(), (), ()]
        named = zip(("time", "visit", "user"), columns, strict=False)
        return pd.DataFrame({name: np.concatenate(parts) if parts else np.empty(0) for name, parts in named})

    def _offer_table(self) -> pd.DataFrame:
        parts = []
        for times, ids, _, offered in self._visits:
            rows, slots = np.nonzero(offered >= 0)
            parts.append((times[rows], ids[rows], slots, offered[rows, slots]))
        columns = [np.concatenate(part) for part in zip(*parts, strict=True)] if parts else [np.empty(0)] * 4
        return pd.DataFrame(dict(zip(("time", "visit", "slot", "action"), columns, strict=True)))


def _units(table: pd.DataFrame, n_products: int) -> npt.NDArray[np.int64]:
    """(K,) units of a table by product."""
    return np.bincount(table["product"], table["units"], n_products).astype(np.int64)


def _code(column: str) -> str:
    """The type of a column of events, as `array` calls it."""
    return "Q" if column in _IDS else "q" if column in _INDICES else "d"
