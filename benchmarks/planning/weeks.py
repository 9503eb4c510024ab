"""Weeks: the shop's market as it goes on after its history, with products discounted in some of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.planning.stage import Source, calendar, of_source, shelf
from simulator.ledger import Ledger
from simulator.market import Market
from simulator.scenario import Scenario

Offer = tuple[int, int, float]  # week, product, discount

_CONSIDERED = 20  # products, where the market does not say


@dataclass(frozen=True, eq=False)
class Weeks:
    """Where promotions are played.

    A stated price sensitivity changes nothing at usual prices, only what a cut does: qualities make up for it, and it
    is the same for everybody.
    """

    source: Source
    start: pd.Timestamp  # of day 0
    n: int
    every: int  # days of each
    measure: str
    cost_share: float  # of its price, that a product costs where its cost is not known
    stated: float | None  # utility a unit of money; None: the market's own

    @cached_property
    def products(self) -> list[dict[str, Any]]:
        """On the shelf; the same in every draw, but for what is drawn of them."""
        return shelf(self.source.scenario, self.cost_share)

    @property
    def considered(self) -> float:
        """Products that a choice is made among."""
        about = self.source.scenario.shelf
        return float((about.considered if about is not None else None) or _CONSIDERED)

    @property
    def about(self) -> str:
        """All that a season depends on, beside its seed and offers."""
        said = (self.start, self.n, self.every, self.measure, self.cost_share, self.stated)
        return f"{of_source(self.source)} {said}"

    def scenario(self, seed: int, offers: list[Offer] | None = None, drawn: bool = True) -> Scenario:
        """The season of a draw, or of the market as it most likely is, with these offers."""
        market = self.source.drawn(seed) if drawn else self.source.scenario
        products, users = shelf(market, self.cost_share), market.users.model_dump()
        if self.stated is not None:
            beside = self.stated - market.users.price_sensitivity  # for which qualities make up already
            products = [made_up(product, beside) for product in products]
            users |= {"price_sensitivity": self.stated, "price_spread": 0.0}
            users["segments"] = [part | {"price_sensitivity": 1 / part["price"]} for part in users["segments"]]
        titles = [product["title"] for product in products]
        cuts = [
            {"title": titles[product], "start": float(week * self.every), "days": float(self.every), "discount": cut}
            for week, product, cut in offers or []
        ]
        return market.changed(
            title="The promotions",
            question="show",
            launching=None,
            reward=self.measure,
            days=float(self.n * self.every),
            products=products,
            users=users,
            slots=1,
            shelf=None if market.shelf is None else market.shelf.model_dump() | {"offers": "all"},
            calendar=calendar(market, self.start),
            discounts=[],
            promotions=cuts,
        )

    def sold(self, seed: int) -> pd.DataFrame:
        """Lines and pieces a week and product, without promotion; a row where there are any."""
        return _by_week(self._ledger(seed, []), self.every).reset_index()

    def totals(self, seed: int, offers: list[Offer], watched: list[Offer]) -> pd.DataFrame:
        """The season's totals, the same in every row; a row a watched offer, with the pieces sold in its week."""
        ledger = self._ledger(seed, offers)
        pieces = _by_week(ledger, self.every)["pieces"]
        rows = [
            {"week": week, "product": product, "pieces": float(pieces.get((week, product), 0.0))}
            for week, product, _ in watched
        ]
        return pd.DataFrame(rows or [{"week": -1, "product": -1, "pieces": 0.0}]).assign(**ledger.totals())

    def _ledger(self, seed: int, offers: list[Offer]) -> Ledger:
        scenario = self.scenario(seed, offers)

        def nothing(visits: Any, rows: slice) -> Any:
            return np.full((rows.stop - rows.start, scenario.slots), -1)

        return Market(scenario, nothing, seed, record=False).run()


def restated(weeks: Weeks, factor: float) -> Weeks:
    """The same where customers answer to prices `factor` times as much as is stated."""
    return replace(weeks, stated=None if weeks.stated is None else factor * weeks.stated)


def made_up(product: dict[str, Any], slope: float) -> dict[str, Any]:
    """The product, its quality raised by what its usual price takes."""
    return product | {"quality": product["quality"] + slope * product["price"]}


def _by_week(ledger: Ledger, every: int) -> pd.DataFrame:
    """`lines` and `pieces`, by week and product."""
    bought = ledger.table("purchases")
    week = (bought["time"].to_numpy() // every).astype(int)
    groups = bought.assign(week=week).groupby(["week", "product"])["units"]
    return pd.DataFrame({"lines": groups.size(), "pieces": groups.sum()})
