"""Launch plan: which candidate when, with how much stock, and what that is worth in the shop's market."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

import policies
from benchmarks.comparison import guardrails
from benchmarks.notebook import html
from benchmarks.planning import stage as stages
from benchmarks.planning import uplift
from benchmarks.planning.asked import check_measure, check_windows
from benchmarks.planning.candidates import COST_SHARE, checked, completed
from benchmarks.planning.forecast import Forecast, forecast
from benchmarks.planning.kept import Kept, of_history
from benchmarks.planning.launches import Floats
from benchmarks.planning.looking import Look
from benchmarks.planning.stage import Source, Stage
from benchmarks.planning.stocking import Buying, stocked
from benchmarks.runner import run
from benchmarks.workers.jobs import play_all
from envs.simulated import Simulated
from simulator import streams
from simulator.history import NO_PRICES, History
from simulator.market import Market
from simulator.scenario import Scenario, ScenarioError
from simulator.search import Windows, search

_KINDS = ("units", "revenue", "margin", "lost_sales", "bought", "leftovers", "conversion")
_FARTHEST = 3.0  # utility by which a draw makes a candidate better or worse than predicted, at most
_LOOK = 7  # days of the first stage
_SEARCHED_ON = 2  # seasons

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class LaunchPlan:
    """What to launch when, and what that is worth."""

    table: pd.DataFrame
    """A row a candidate, in order: window, launch, title, category, price, cost, predicted with lower80, upper80,
    lower90, upper90 (pieces over the horizon), stock, restock_at, stockout, leftovers, sold (in the market), why."""
    scenario: Scenario  # plays it: launch days are given
    played: pd.DataFrame
    """A row a contender and seed: units, revenue, margin, lost_sales, conversion; of what was launched, the pieces
    that were bought, at first and again, and the leftovers."""
    uplift: pd.DataFrame
    """A row a contender and measure: what the plan has more (difference, percent; lower and upper of the mean,
    season_lower and season_upper of one season), the verdict."""
    left: tuple[float, float] | None  # by how much the best of all plans may be better than the searched one
    measure: str
    strands: float  # as much more of what is bought it may leave over
    predictor: str
    n_learned: int
    horizon: int
    notes: list[str]

    def _repr_html_(self) -> str:
        return html([f"{len(self.table)} candidates, predicted by {self.predictor}.", *self.notes], self.table)


def plan(
    calibrated: Source,
    candidates: pd.DataFrame,
    *,
    history: History,
    windows: int = 8,
    every: int = 7,
    capacity: int = 5,
    horizon: int = 56,
    measure: str = "margin",
    predictor: str = "blend",
    lead_days: float = 14.0,
    salvage: float = 0.5,
    seeds: int = 20,
    rivals: Sequence[str] = ("linucb",),
    plays: int = 0,
    look_first: bool = False,
    strands: float = guardrails.MEASURES["stranded"].margin,
    kept: Kept | None = None,
    processes: int = 1,
    progress: Progress = lambda done, of: None,
) -> LaunchPlan:
    """Rank candidates by what they are predicted to bring, stock them, and play that against other orders.

    Every season is one draw of the market's parameters and of what the candidates are really like (from the predictive
    distribution); all contenders play the same ones.

    Args:
        calibrated: the shop's market and its draws.
        candidates: `title`, and where known `id`, `category`, `price`, `cost`.
        history: the shop's past, from which sales are predicted.
        windows, every, capacity: launch windows, days between them, launches a window.
        horizon: days over which a launch is judged and stocked.
        measure: "units", "revenue" or "margin".
        predictor: the one that the backtest found best.
        lead_days: until what is ordered again arrives; 0: nothing is ordered again.
        salvage: share of its cost that a piece left over still brings.
        seeds: seasons.
        rivals: policies that are asked which to launch.
        plays: plans that are played in search of a better one; 0: no search.
        look_first: also play two stages: all launched for a week, then ranked and stocked by what that week tells.
        strands: how much larger a share of what it buys a better plan may leave over before it is "discuss".
        kept: where finished seasons lie.
        processes: in which seasons are played.
        progress: called with the seasons played and to be played.

    Raises:
        ScenarioError: a measure, window or capacity that cannot be, or a history that tells too little.
    """
    check_measure(measure)
    check_windows(windows, every, capacity)
    moneyless, history = history.moneyless, history.priced()
    goods, notes = completed(checked(candidates), history)
    notes = [NO_PRICES, *notes] if moneyless else notes
    capacity, windows = min(capacity, len(goods)), min(windows, len(goods) // min(capacity, len(goods)))
    if look_first and horizon < 2:
        raise ScenarioError(f"horizon must be 2 days or more where one looks first, got {horizon}")
    told = forecast(history, goods, horizon, predictor, capacity)
    prices, costs = goods["price"].to_numpy(float), goods["cost"].to_numpy(float)
    buying = Buying(prices, costs, lead_days, horizon, salvage)
    stock = stocked(told, buying)
    start = history.end.normalize() + pd.Timedelta(days=1)
    launching = {"first": 0.0, "every": every, "windows": windows, "capacity": capacity, "horizon": float(horizon)}
    products = _products(goods, stock, buying, calibrated.scenario)
    middle = told.at(np.array([0.5]))[:, 0]
    cost_share = 0.0 if history.goods["cost"].notna().any() else COST_SHARE
    stage = Stage(calibrated, products, launching, start, measure, np.zeros(len(goods)), cost_share)
    stage = stages.matched(stage, middle)
    worth = {"units": np.ones(len(goods)), "revenue": prices, "margin": prices - costs}[measure]
    order = [int(k) for k in np.argsort(-middle * worth, kind="stable")]
    about = (stage.about, told.quantiles.tolist(), worth.tolist())
    files = (kept or Kept()).part("launch", *about)
    look = None
    if look_first:
        days = min(_LOOK, horizon - 1)
        look = _Stages(
            Look(history, goods, horizon, predictor, capacity, days), buying, f"{of_history(history)} {buying}"
        )
    seasons = _Seasons(stage, told, middle, worth, windows * capacity, files, look)
    game = _Game(seasons, seeds, processes, progress)
    game.play(order, rivals, plays)
    return LaunchPlan(
        table=_table(goods, told, stock, order, stage, game.sold),
        scenario=_scenario(stage, order),
        played=pd.DataFrame(game.rows),
        uplift=_uplift(pd.DataFrame(game.rows), measure, strands),
        left=game.left,
        measure=measure,
        strands=strands,
        predictor=predictor,
        n_learned=told.n_learned,
        horizon=horizon,
        notes=notes,
    )


def _products(goods: pd.DataFrame, stock: pd.DataFrame, buying: Buying, market: Scenario) -> list[dict[str, object]]:
    """Candidates as products of a scenario, of a category that the market knows."""
    known, usual = set(market.categories), market.categories[0]
    rows = []
    for (_, good), (_, stocks) in zip(goods.iterrows(), stock.iterrows(), strict=True):
        category = good["category"] if isinstance(good["category"], str) and good["category"] in known else usual
        price = max(float(good["price"]), 0.01)
        about = {"title": str(good["title"]), "category": category, "price": price, "cost": float(good["cost"])}
        rows.append(about | buying.bought(stocks))
    return rows


@dataclass(frozen=True, eq=False)
class _Stages:
    """The first of two stages: what it tells, and how the shop buys after it."""

    look: Look
    buying: Buying
    about: str  # all that both follow from


@dataclass(frozen=True, eq=False)
class _Seasons:
    """Seasons of one stage, each on a draw of the market and of what candidates are like."""

    stage: Stage
    told: Forecast
    middle: Floats  # (K,) median pieces
    worth: Floats  # (K,) of a piece
    places: int  # launches of all windows
    kept: Kept
    first: _Stages | None = None  # where two stages are played too

    def shift(self, seed: int) -> Floats:
        """(K,) how much better each candidate is than predicted: a draw from what is believed."""
        luck = streams.generator(seed, "what candidates are like").random(len(self.middle))
        drawn = np.array(
            [
                np.interp(u, np.linspace(0.005, 0.995, 200), row)
                for u, row in zip(luck, self.told.quantiles, strict=True)
            ]
        )
        return np.clip(np.log((drawn + 1) / (self.middle + 1)), -_FARTHEST, _FARTHEST)

    def ordered(self, order: list[int], seed: int) -> pd.DataFrame:
        """Books of the season in which candidates are launched in this order."""
        return self.books(stages.play(self.stage, order[: self.places], seed, self.shift(seed)))

    def rival(self, name: str, seed: int) -> pd.DataFrame:
        """Books of the season in which a policy is asked what to launch."""
        environment = Simulated(self.stage.scenario(seed, self.shift(seed)), seed, foresee=False)
        run(policies.load(name, environment.problem, seed=seed), environment, seed)
        return self.books(environment.market)

    def two_stages(self, first: _Stages, seed: int) -> pd.DataFrame:
        """All launched for a week; what that tells of the horizon ranks and stocks them; then the season."""
        shift = self.shift(seed)
        week = stages.stage_all(self.stage, float(first.look.days))
        market = stages.play(week, list(range(len(self.middle))), seed, shift)
        believed = first.look.believed(*stages.daily(market, self.stage, first.look.days))
        stock = stocked(believed, first.buying)
        goods = [
            product | first.buying.bought(row)
            for product, (_, row) in zip(self.stage.candidates, stock.iterrows(), strict=True)
        ]
        worth = believed.at(np.array([0.5]))[:, 0] * self.worth
        launched = [int(k) for k in np.argsort(-worth, kind="stable")][: self.places]
        return self.books(stages.play(replace(self.stage, candidates=goods), launched, seed, shift))

    def books(self, market: Market) -> pd.DataFrame:
        """A row a candidate: `sold` pieces, and the season's totals, the same in every row."""
        ledger, k = market.ledger, len(self.middle)
        launched = np.isfinite(ledger.launch_days()[:k])
        on_hand = np.asarray(market.shop.stock.on_hand[:k], float)
        came = ledger.table("replenishments")
        bought = market.shop.stock.initial[:k] + np.bincount(came["product"], came["units"], len(ledger.catalogue))[:k]
        totals = ledger.totals() | {
            "leftovers": float(on_hand[launched].clip(min=0).sum()),
            "bought": float(bought[launched].sum()),
        }
        return pd.DataFrame({"sold": stages.units(market, self.stage), **{kind: totals[kind] for kind in _KINDS}})


@dataclass(frozen=True, eq=False)
class _Seed:
    """All contenders' seasons of one seed: a job for any process."""

    seasons: _Seasons
    seed: int
    orders: dict[str, list[int]]
    rivals: tuple[str, ...]

    def play(self) -> tuple[int, dict[str, pd.DataFrame]]:
        """The seed, and the books of each contender."""
        return self.seed, {name: self._books(name, play, *about) for name, play, *about in self._contenders()}

    def _contenders(self) -> Iterator[tuple[Any, ...]]:
        """Name, what plays its season, and what else that follows from."""
        luck = streams.generator(self.seed, "random order")
        by_lot = [int(i) for i in luck.permutation(len(self.seasons.middle))]
        for name, order in {**self.orders, "random order": by_lot}.items():
            yield name, partial(self.seasons.ordered, order, self.seed), str(order[: self.seasons.places])
        for rival in self.rivals:
            yield rival, partial(self.seasons.rival, rival, self.seed)
        if self.seasons.first is not None:
            first = self.seasons.first
            yield "two stages", partial(self.seasons.two_stages, first, self.seed), first.about

    def _books(self, name: str, play: Callable[[], pd.DataFrame], *about: str) -> pd.DataFrame:
        """Played now, or what came of it before."""
        return self.seasons.kept.part(name, *about).table(f"season-{self.seed}", play)


class _Game:
    """The plan and its rivals, played on the same draws."""

    def __init__(self, seasons: _Seasons, seeds: int, processes: int, progress: Progress) -> None:
        self._seasons, self._seeds, self._processes = seasons, range(1, seeds + 1), processes
        self._progress = progress
        self.rows: list[dict[str, float | str]] = []
        self.left: tuple[float, float] | None = None
        self.sold = np.zeros(len(seasons.middle))  # by each candidate, mean of seasons of the plan
        self._done = self._of = 0

    def play(self, order: list[int], rivals: Sequence[str], plays: int) -> None:
        """All contenders."""
        greedy = [int(i) for i in np.argsort(-self._seasons.middle, kind="stable")]
        orders = {"plan": order, "past order": list(range(len(order)))} | (
            {"most pieces first": greedy} if greedy != order else {}
        )
        n = len(orders) + (plays > 0) + 1 + len(rivals) + (self._seasons.first is not None)
        self._of = len(self._seeds) * n + (plays + 1) * _SEARCHED_ON * (plays > 0)
        if plays:
            orders["searched"] = self._searched(order, plays)
        jobs = [_Seed(self._seasons, seed, orders, tuple(rivals)) for seed in self._seeds]
        played = {}
        with closing(play_all(jobs, self._processes)) as answers:
            for seed, contenders in answers:
                played[seed] = contenders
                self._step(len(contenders))
        for seed in self._seeds:
            self.sold += played[seed]["plan"]["sold"].to_numpy(float) / len(self._seeds)
            for name, books in played[seed].items():
                totals = {kind: float(books[kind].iloc[0]) for kind in _KINDS}
                self.rows.append({"plan": name, "seed": seed, **totals})

    def _searched(self, order: list[int], plays: int) -> list[int]:
        """An order that sells more on two seasons, others than those of the judgement; or the plan's."""
        about, seasons = self._seasons.stage.launching, self._seasons

        def played(windows: Windows) -> tuple[float, Floats]:
            books = seasons.kept.part(str(windows)).table("search", partial(self._on_others, windows))
            self._step(_SEARCHED_ON)
            return float(books[seasons.stage.reward].iloc[0]), books["sold"].to_numpy(float) * seasons.worth

        found = search(range(len(seasons.middle)), about["windows"], about["capacity"], played, plays=plays)
        self.left = found.left
        capacity = about["capacity"]
        mine = tuple(tuple(order[w * capacity : (w + 1) * capacity]) for w in range(about["windows"]))
        return [k for window in found.windows for k in window] if found.value > played(mine)[0] else order

    def _on_others(self, windows: Windows) -> pd.DataFrame:
        """The plan's books on seasons other than those of the judgement, mean."""
        order = [k for window in windows for k in window]
        books = [self._seasons.ordered(order, seed) for seed in range(1_000, 1_000 + _SEARCHED_ON)]
        return sum(books[1:], books[0]) / len(books)

    def _step(self, n: int) -> None:
        self._done += n
        self._progress(min(self._done, self._of), self._of)


def _table(
    goods: pd.DataFrame, told: Forecast, stock: pd.DataFrame, order: list[int], stage: Stage, sold: Floats
) -> pd.DataFrame:
    about = stage.launching
    quantiles = told.at(np.array([0.05, 0.1, 0.5, 0.9, 0.95]))
    names = ("lower90", "lower80", "predicted", "upper80", "upper90")
    kept = [name for name in ("id", "title", "category", "price", "cost") if name in goods]
    table = goods[kept].assign(**dict(zip(names, quantiles.T, strict=True)), why=told.why, sold=sold)
    table = pd.concat([table, stock.set_axis(goods.index)], axis=1).iloc[order].reset_index(drop=True)
    places = np.arange(len(table)) // about["capacity"]
    launched = places < about["windows"]
    days = [stage.start + pd.Timedelta(days=float(place * about["every"])) for place in places]
    table.insert(0, "window", np.where(launched, places + 1, 0))
    table.insert(1, "launch", [day if there else pd.NaT for day, there in zip(days, launched, strict=True)])
    table.loc[~launched, ["sold", "stock", "restock_at", "leftovers"]] = 0
    return table


def _scenario(stage: Stage, order: list[int]) -> Scenario:
    """The season with the plan's launch days, in which policies may still be asked what to show."""
    about, asked = stage.launching, stage.scenario(0)
    values = asked.model_dump()
    days = {k: place // about["capacity"] * about["every"] for place, k in enumerate(order)}
    places = about["capacity"] * about["windows"]
    kept = set(order[:places])
    products = [
        product | ({"launch": float(days[i])} if i in days else {})
        for i, product in enumerate(values["products"])
        if i >= len(stage.candidates) or i in kept
    ]
    return asked.changed(
        question="show",
        launching=None,
        products=products,
        title="The launch plan",
        about="The plan, launched day by day.",
    )


def _uplift(played: pd.DataFrame, measure: str, strands: float) -> pd.DataFrame:
    """What the plan has more than each rival, on the same seasons, and the verdict by the plan's own measure."""
    return uplift.against(played, "plan", _KINDS, measure, {"stranded": strands})
