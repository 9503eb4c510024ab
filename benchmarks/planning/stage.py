"""Stage: a shop's market as it goes on after its history, with candidates that sell what is predicted of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Protocol

import numpy as np
import pandas as pd

from benchmarks.planning.launches import Floats
from simulator.market import Market
from simulator.scenario import Scenario
from simulator.visits import Window

_ROUNDS = 4  # of matching sales to predictions
_STEP = 1.5  # utility moved in one round, at most
_AGE = 90.0  # days before the end from which a product that was launched counts as standing


class Source(Protocol):
    """A market and its parameter draws, as `calibrate` answers."""

    @property
    def scenario(self) -> Scenario:
        """The best one."""

    def drawn(self, number: int) -> Scenario:
        """The market of one draw."""


@dataclass(frozen=True, eq=False)
class Stage:
    """Where plans are played."""

    source: Source
    candidates: list[dict[str, Any]]  # as products of a scenario, without quality
    launching: dict[str, Any]
    start: pd.Timestamp  # of day 0
    reward: str
    quality: Floats  # (K,) with which each sells in the market what is predicted of it
    cost_share: float = 0.0  # of its price, that a product of the past costs where its cost is not known

    def scenario(self, seed: int, shift: Floats | float = 0.0, days: float | None = None) -> Scenario:
        """The season of a draw, in which candidates are better by `shift` (K,) utility than predicted."""
        drawn = self.source.drawn(seed)
        standing = shelf(drawn, self.cost_share)
        taken = {product["title"] for product in standing}
        quality = self.quality + shift
        new = [
            product | {"title": _free(product["title"], taken), "quality": float(q)}
            for product, q in zip(self.candidates, quality, strict=True)
        ]
        return drawn.changed(
            question="launch",
            launching=self.launching,
            reward=self.reward,
            days=self.days if days is None else days,
            products=new + standing,  # so that candidate k is product k
            calendar=calendar(drawn, self.start),
            discounts=[],
            promotions=[],
        )

    @property
    def about(self) -> str:
        """All that a season depends on, beside its seed and what is launched."""
        said = (self.candidates, self.launching, self.start, self.reward, self.quality.tolist(), self.cost_share)
        return f"{of_source(self.source)} {said}"

    @property
    def days(self) -> float:
        """Of the season: until the last launch has had its horizon."""
        about = self.launching
        return float(about["every"] * (about["windows"] - 1) + about["horizon"])


def of_source(source: Source) -> str:
    """Another one as soon as the market or a draw is another."""
    draws = getattr(source, "draws", pd.DataFrame())
    return f"{source.scenario.model_dump_json()} {pd.util.hash_pandas_object(draws.astype(str)).sum()}"


def matched(stage: Stage, predicted: Floats, seed: int = 0) -> Stage:
    """The stage with qualities at which each candidate sells what is predicted of it.

    Candidates are launched all at once and shown in turn; the ratio of what is predicted to what is sold moves their
    utility, round by round.
    """
    about = stage.launching
    together = stage_all(stage)
    for _ in range(_ROUNDS):
        sold = units(play(together, list(range(len(predicted))), seed), stage)
        step = np.log((predicted + 1) / (sold + 1))
        together = replace(together, quality=together.quality + np.clip(step, -_STEP, _STEP))
    return replace(stage, quality=together.quality, launching=about)


def stage_all(stage: Stage, days: float | None = None) -> Stage:
    """The same stage with one window, in which every candidate is launched."""
    horizon = stage.launching["horizon"] if days is None else days
    window = {"first": 0.0, "every": horizon, "windows": 1, "capacity": len(stage.candidates), "horizon": horizon}
    plain = [product | {"stock": None, "restocking": None} for product in stage.candidates]
    return replace(stage, launching=window, candidates=plain)


def play(stage: Stage, order: list[int], seed: int, shift: Floats | float = 0.0) -> Market:
    """A season in which candidates (by number) are launched in this order, as many a window as its capacity."""
    capacity = stage.launching["capacity"]
    products = iter(order)

    def launch(window: Window) -> list[int]:
        return list(islice(products, min(capacity, window.capacity)))

    market = Market(stage.scenario(seed, shift), launch, seed, record=False)
    market.run()
    return market


def units(market: Market, stage: Stage) -> Floats:
    """(K,) pieces that each candidate sold."""
    products = market.ledger.products().iloc[: len(stage.candidates)]
    return np.asarray(products["sold"] - products["returned"], float)


def daily(market: Market, stage: Stage, days: int) -> tuple[Floats, Floats, Floats]:
    """Of each candidate and day (K, days): pieces sold, orders, and users who buy it for the first time."""
    bought = market.ledger.table("purchases")
    bought = bought[(bought["product"] < len(stage.candidates)) & (bought["time"] < days)].assign(order=1.0)
    new = bought.drop_duplicates(["product", "user"])

    def counted(rows: pd.DataFrame, column: str) -> Floats:
        table = np.zeros((len(stage.candidates), days))
        np.add.at(table, (rows["product"].to_numpy(), rows["time"].to_numpy().astype(int)), rows[column].to_numpy())
        return table

    return counted(bought, "units"), counted(bought, "order"), counted(new, "order")


def shelf(market: Scenario, cost_share: float = 0.0) -> list[dict[str, Any]]:
    """The products of the past that still are on the shelf at its end."""
    products = market.model_dump()["products"]
    there = [product for product in products if product["delisted"] is None or product["delisted"] >= market.days]
    return [_standing(product, cost_share) for product in there or products]


def calendar(market: Scenario, start: pd.Timestamp) -> dict[str, Any] | None:
    """The market's calendar, for a season that begins on that date."""
    return None if market.calendar is None else market.calendar.model_dump() | {"start": start.date()}


def _standing(product: dict[str, Any], cost_share: float) -> dict[str, Any]:
    """A product of the past as one on the shelf."""
    late = max(product["listed"] or 0.0, product["launch"] or 0.0)
    age = product["age"] + (_AGE if late else 0.0)
    cost = product["cost"] or cost_share * product["price"]
    about = {"incumbent": True, "launch": None, "listed": None, "delisted": None}
    return product | about | {"age": age, "cost": cost}


def _free(title: str, taken: set[str]) -> str:
    while title in taken:
        title += " (new)"
    taken.add(title)
    return title
