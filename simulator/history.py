"""A shop's past as plain columns: what was sold, to whom, when, at what price, and which goods there were."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

ACTIONS = ("view", "search", "cart", "favourite", "buy", "return")
NO_PRICES = "No price is on record: each is 1, so that money counts pieces."
_PURCHASES, _DAYS = 10, 21  # so many over so long without a view: views were not recorded then


@dataclass(frozen=True, eq=False)
class History:
    """Lines in order of time, and the goods that they speak of."""

    lines: pd.DataFrame
    """A row a line. `time` datetime64[ns]; `user` int32 code, -1 unknown; `item` int32 row of `goods`; `action` a
    category of `ACTIONS`; `quantity` int32 above 0, a return's too; `price` float64 a piece, NaN where unknown; `order`
    int32 code of the invoice, or of the user's visit where it has none, -1 where nobody is known."""
    goods: pd.DataFrame
    """(K rows, from 0) `id`, `title` text; `category` text or NA; `price` the usual one; `cost` NaN where not given;
    `listed` datetime64, given or the first sale; `delisted` NaT where not given; `stock` pieces, NaN where not given;
    and the columns of `features`."""
    features: tuple[str, ...]  # further numeric columns of `goods`
    n_users: int
    listed_given: bool  # False: the first sale stands in for the launch
    cleaning: pd.DataFrame  # step, rows, rule, what happened (kept, set aside, paired, filled, corrected, merged)
    undone: pd.DataFrame  # a row a pair: `buy` and `back`, rows of `lines`; `pieces` of that buy that came back then
    users: npt.NDArray[np.uint64] | None = None  # (n_users,) pseudonyms, where there was a key for them

    @property
    def start(self) -> pd.Timestamp:
        """Time of the first line."""
        return pd.Timestamp(self.lines["time"].iloc[0])

    @property
    def end(self) -> pd.Timestamp:
        """Time of the last line."""
        return pd.Timestamp(self.lines["time"].iloc[-1])

    @property
    def buys(self) -> pd.DataFrame:
        """The lines bought, with `returned`: how many of the pieces came back. Labels are rows of `lines`."""
        back = np.zeros(len(self.lines), np.int32)
        np.add.at(back, self.undone["buy"].to_numpy(), self.undone["pieces"].to_numpy())
        bought = (self.lines["action"] == "buy").to_numpy()
        return self.lines[bought].assign(returned=back[bought])

    @property
    def moneyless(self) -> bool:
        """Is no price on record?"""
        return not self.goods["price"].notna().any()

    def priced(self) -> Self:
        """With a price of every product and line: that of the product where a line has none, the median of all products
        where that has none either, and 1 where nothing has, so that money counts pieces.
        """
        prices = self.goods["price"].fillna(self.goods["price"].median()).fillna(1.0)
        usual = prices.to_numpy()[self.lines["item"]]
        lines = self.lines.assign(price=self.lines["price"].fillna(pd.Series(usual, self.lines.index)))
        return replace(self, lines=lines, goods=self.goods.assign(price=prices))

    def until(self, date: str | pd.Timestamp) -> Self:
        """The lines before `date`, all goods; returns from then on have not happened."""
        return self._between(0, self._before(date))

    def since(self, date: str | pd.Timestamp) -> Self:
        """The lines from `date` on, all goods; returns of what was bought before have lost their pair."""
        return self._between(self._before(date), len(self.lines))

    def _before(self, date: str | pd.Timestamp) -> int:
        return int(self.lines["time"].searchsorted(pd.Timestamp(date)))

    def _between(self, first: int, stop: int) -> Self:
        rows = self.undone[["buy", "back"]]
        within = ((rows >= first) & (rows < stop)).all(axis=1)
        undone = self.undone[within].reset_index(drop=True)
        undone[["buy", "back"]] -= first
        return replace(self, lines=self.lines.iloc[first:stop].reset_index(drop=True), undone=undone)


def unseen(viewed: npt.ArrayLike, bought: npt.ArrayLike, often: npt.ArrayLike) -> list[tuple[int, int, int]]:
    """(purchases, first day, last day) of each time for which a shop that records views recorded none, but sold.

    Args:
        viewed: numbers of the days with views; none: no views are recorded at all.
        bought: (n,) numbers of the days with purchases.
        often: (n,) how many there were.
    """
    seen, days = np.unique(viewed), np.asarray(bought)
    blind = ~np.isin(days, seen)
    if not len(seen) or not blind.any():
        return []
    sold = pd.DataFrame({"day": days, "often": often})[blind].groupby(np.searchsorted(seen, days[blind]))
    each = sold.agg(n=("often", "sum"), first=("day", "min"), last=("day", "max"))
    long = each[(each["n"] >= _PURCHASES) & (each["last"] - each["first"] >= _DAYS)]
    return [(int(n), int(first), int(last)) for n, first, last in long.itertuples(index=False)]
