"""Promotion: which products to discount in which week, by how much, and what that is worth in the shop's market."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison.statistics import mean_interval
from benchmarks.planning import uplift
from benchmarks.planning.asked import check_measure, check_windows
from benchmarks.planning.candidates import COST_SHARE
from benchmarks.planning.kept import Kept
from benchmarks.planning.launches import Floats
from benchmarks.planning.stage import Source
from benchmarks.planning.weeks import Offer, Weeks, restated
from simulator.history import NO_PRICES, History
from simulator.scenario import Scenario, ScenarioError

KINDS = ("units", "revenue", "margin", "lost_sales", "conversion")
USUAL_ELASTICITY = 2.62  # mean of 1,851 (Bijmolt, van Heerde & Pieters 2005, Journal of Marketing Research 42)
STEEPEST = 5.0  # elasticity up to which a product is thought of: a setting in money says nothing about the dearest
_SURVEYED = range(1_001, 1_005)  # seasons without promotion, from which it is told what a cut would bring
_AS_SURE = 10.0  # lines that a product's usual share of a week counts as
_OTHERWISE = (0.5, 2.0)  # times the stated price sensitivity
_PLAN, _NONE = "promotion", "no promotion"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Promotions:
    """What to discount when, and what that is worth."""

    table: pd.DataFrame
    """A row an offer: week, start, title, category, price, discount, reduced, cost, elasticity, and the pieces sold
    that week without and with it (`before`, `after`); `more`, `lower`, `upper`: their difference, paired, of 95%."""
    scenario: Scenario  # plays them
    played: pd.DataFrame  # a row a contender and seed: units, revenue, margin, lost_sales, conversion
    uplift: pd.DataFrame  # as `uplift.against`
    otherwise: pd.DataFrame  # elasticity, difference, lower, upper, verdict: if customers answered less or more
    measure: str
    elasticity: float  # at the mean price
    stated: str  # why that is a setting; empty where the data tell it
    weeks: int
    every: int
    notes: list[str]


def promote(
    calibrated: Source,
    *,
    history: History,
    titles: Sequence[str] = (),
    windows: int = 8,
    every: int = 7,
    capacity: int = 5,
    discounts: Sequence[float] = (0.1, 0.2, 0.3),
    measure: str = "margin",
    elasticity: float | None = None,
    floor: float = 0.0,
    seeds: int = 20,
    kept: Kept | None = None,
    progress: Progress = lambda done, of: None,
) -> Promotions:
    """Choose offers by what they are expected to bring, and play them beside no promotion and plain ones.

    What a cut brings is told from seasons without any: in a logit choice the lines of a product grow by
    exp(sensitivity x money off), and what it wins others lose. All contenders then play other seasons, the same ones,
    each of its own draw of the market. A product is discounted in one week at most.

    Args:
        calibrated: the shop's market and its draws.
        history: the shop's past: the season begins on the day after it; whether costs are known.
        titles: products that may be discounted; none: all that are on the shelf.
        windows, every: weeks, and days of each.
        capacity: products discounted a week, at most.
        discounts: cuts to choose from, shares of the price.
        measure: "units", "revenue" or "margin".
        elasticity: by how many percent more is bought of a product of mean price where it is 1% cheaper; None: what
            the market holds, or where that is not identified, the mean of published ones.
        floor: share of margin that promotions may cost before what sells more is "discuss".
        seeds: seasons.
        kept: where finished seasons lie.
        progress: called with the seasons played and to be played.

    Raises:
        ScenarioError: a measure, discount or capacity that cannot be, or a title that is not on the shelf.
    """
    _check(measure, windows, every, capacity, discounts)
    moneyless, history = history.moneyless, history.priced()
    whole = calibrated.scenario
    cost_share = 0.0 if history.goods["cost"].notna().any() else COST_SHARE
    mean_price = _mean_price(history)
    held = whole.users.price_sensitivity
    stated = "" if held > 0 and elasticity is None else _why(calibrated, elasticity)
    slope = held if not stated else (USUAL_ELASTICITY if elasticity is None else elasticity) / mean_price
    start = history.end.normalize() + pd.Timedelta(days=1)
    weeks = Weeks(calibrated, start, windows, every, measure, cost_share, slope if stated else None)
    allowed = _allowed(weeks.products, titles, slope)
    game = _Game(weeks, seeds, kept or Kept(), progress)
    survey = game.survey()
    offers = _chosen(_expected(survey, weeks, allowed, discounts, slope), discounts, capacity)
    contenders = _contenders(offers, survey, allowed, windows, capacity, min(discounts))
    game.play(contenders, offers, _OTHERWISE if stated and offers else ())
    played, mine = pd.DataFrame(game.rows), _PLAN if offers else _NONE
    return Promotions(
        table=_table(offers, weeks, pd.concat(game.pieces), start, slope),
        scenario=weeks.scenario(0, offers, drawn=False),
        played=played,
        uplift=uplift.against(played, mine, KINDS, measure, {"margin": floor}),
        otherwise=_otherwise(pd.DataFrame(game.otherwise), measure, slope * mean_price, floor),
        measure=measure,
        elasticity=slope * mean_price,
        stated=stated,
        weeks=windows,
        every=every,
        notes=[NO_PRICES] * moneyless + _notes(cost_share, len(weeks.products) - int(allowed.sum()), bool(titles)),
    )


def _check(measure: str, windows: int, every: int, capacity: int, discounts: Sequence[float]) -> None:
    check_measure(measure)
    check_windows(windows, every, capacity)
    for discount in discounts:
        if not 0 < discount < 1:
            raise ScenarioError(f"discount must be between 0 and 1, got {discount}")
    if not discounts:
        raise ScenarioError("discount must be one or more, got none")


def _mean_price(history: History) -> float:
    """What a line is bought at, mean."""
    prices = history.buys["price"].dropna()
    return float(prices.mean()) if len(prices) else float(history.goods["price"].mean())


def _why(calibrated: Source, elasticity: float | None) -> str:
    if elasticity is not None:
        return f"an elasticity of {elasticity:g} at the mean price was stated"
    parameters = getattr(calibrated, "parameters", None)
    told = "" if parameters is None else parameters.set_index("place")["why"].get("users.price_sensitivity", "")
    told = "" if "nan" in told else told
    return (
        f"how customers answer to prices is not identified from this shop's past{f' ({told})' if told else ''}; "
        f"an elasticity of {USUAL_ELASTICITY} at the mean price, the mean of published ones, stands in for it"
    )


def _allowed(products: list[dict[str, Any]], titles: Sequence[str], slope: float) -> Floats:
    """(K,) of bool, products that may be discounted."""
    there = [product["title"] for product in products]
    for title in titles:
        if title not in there:
            raise ScenarioError(f"candidates of promotions must be titles on the shop's shelf, got {title!r}")
    prices = np.array([product["price"] for product in products])
    return np.asarray((slope * prices <= STEEPEST) & (np.isin(there, list(titles)) if titles else True))


class _Game:
    """Seasons in which contenders are played, each on the same draws."""

    def __init__(self, weeks: Weeks, seeds: int, kept: Kept, progress: Progress) -> None:
        self._weeks, self._seeds, self._progress = weeks, range(1, seeds + 1), progress
        self._kept = kept.part("promotion", weeks.about)
        self.rows: list[dict[str, Any]] = []
        self.pieces: list[pd.DataFrame] = []
        self.otherwise: list[dict[str, Any]] = []
        self._done = self._of = 0

    def survey(self) -> pd.DataFrame:
        """Lines and pieces a product and week, mean of some seasons without promotion."""
        played = [self._kept.table(f"survey-{seed}", lambda s=seed: self._weeks.sold(s)) for seed in _SURVEYED]  # type: ignore[misc]
        return pd.concat(played).groupby(["week", "product"])[["lines", "pieces"]].sum() / len(played)

    def play(self, contenders: Mapping[str, list[Offer]], watched: list[Offer], times: Sequence[float]) -> None:
        """All contenders; the plan and none, where customers answer less or more."""
        self._of = len(self._seeds) * (len(contenders) + 2 * len(times))
        for seed in self._seeds:
            for name, offers in contenders.items():
                totals = self._season(name, seed, offers, watched)
                self.rows.append({"plan": name, "seed": seed, **_first(totals)})
                if name in (_PLAN, _NONE):
                    self.pieces.append(totals.assign(plan=name, seed=seed))
                    if times:
                        self.otherwise.append({"factor": 1.0, **self.rows[-1]})
            for factor in times:
                for name in (_PLAN, _NONE):
                    totals = self._season(name, seed, contenders[name], watched, factor)
                    self.otherwise.append({"factor": factor, "plan": name, "seed": seed, **_first(totals)})

    def _season(
        self, name: str, seed: int, offers: list[Offer], watched: list[Offer], factor: float = 1.0
    ) -> pd.DataFrame:
        weeks = self._weeks if factor == 1.0 else restated(self._weeks, factor)
        kept = self._kept.part(offers, watched, factor)
        table = kept.table(f"{name.replace(' ', '-')}-{seed}", lambda: weeks.totals(seed, offers, watched))
        self._done += 1
        self._progress(self._done, self._of)
        return table


def _first(totals: pd.DataFrame) -> dict[str, float]:
    return {kind: float(totals[kind].iloc[0]) for kind in KINDS}


def _expected(survey: pd.DataFrame, weeks: Weeks, allowed: Floats, discounts: Sequence[float], slope: float) -> Floats:
    """(weeks, K, discounts) what an offer is expected to bring, in the measure.

    A line that a cut wins is one that another product loses: baskets hold as many products as before.
    """
    K = len(allowed)
    cells = survey.reindex(pd.MultiIndex.from_product([range(weeks.n), range(K)]), fill_value=0.0)
    lines, pieces = (cells[name].to_numpy(float).reshape(weeks.n, K) for name in ("lines", "pieces"))
    usual = np.outer(lines.sum(axis=1), lines.sum(axis=0)) / max(lines.sum(), 1e-9)
    lines = (lines + _AS_SURE) / (usual + _AS_SURE) * usual
    a_line = pieces.sum(axis=0) / np.maximum(cells["lines"].to_numpy().reshape(weeks.n, K).sum(axis=0), 1e-9)
    prices, costs = (np.array([product[name] for product in weeks.products]) for name in ("price", "cost"))
    cuts = np.array(discounts)
    reduced = prices[:, None] * (1 - cuts)
    worth = {"units": np.ones_like(reduced), "revenue": reduced, "margin": reduced - costs[:, None]}[weeks.measure]
    before = {"units": np.ones(K), "revenue": prices, "margin": prices - costs}[weeks.measure]
    lift = np.exp(slope * prices[:, None] * cuts)
    factor = lift / (1 + (lift - 1) / weeks.considered)
    typical = float((lines * a_line * before).sum() / max(lines.sum(), 1e-9))  # of a line of any product
    a_product = a_line[:, None] * (factor * worth - before[:, None]) - (factor - 1) * typical
    return np.where(allowed[:, None], lines[:, :, None] * a_product, -np.inf)


def _chosen(expected: Floats, discounts: Sequence[float], capacity: int) -> list[Offer]:
    """Those that bring most, a product once, `capacity` a week, none that is expected to cost."""
    best = expected.max(axis=2)
    room, used, offers = np.full(len(best), capacity), set[int](), list[Offer]()
    for place in np.argsort(-best, axis=None, kind="stable")[: 50 * capacity * len(best)]:
        week, product = divmod(int(place), best.shape[1])
        if best[week, product] <= 0 or not room.any():
            break
        if room[week] and product not in used:
            offers.append((week, product, float(discounts[int(expected[week, product].argmax())])))
            room[week] -= 1
            used.add(product)
    return sorted(offers)


def _contenders(
    offers: list[Offer], survey: pd.DataFrame, allowed: Floats, windows: int, capacity: int, least: float
) -> dict[str, list[Offer]]:
    """The plan, nothing, the best sellers at the smallest cut, and as many products drawn by lot at the plan's cuts."""
    sold = survey["pieces"].groupby("product").sum().reindex(range(len(allowed)), fill_value=0.0).to_numpy(float)
    most = np.argsort(-np.where(allowed, sold, -1.0), kind="stable")[: min(windows * capacity, int(allowed.sum()))]
    best = [(place // capacity, int(product), least) for place, product in enumerate(most)]
    found = {_NONE: [], f"best sellers at {least:.0%}": best}
    if not offers:
        return found
    lots = np.random.default_rng(0).permutation(np.flatnonzero(allowed))[: len(offers)]
    drawn = [(week, int(k), cut) for (week, _, cut), k in zip(offers, lots, strict=False)]
    return {_PLAN: offers, **found, "products drawn by lot": drawn}


def _table(offers: list[Offer], weeks: Weeks, pieces: pd.DataFrame, start: pd.Timestamp, slope: float) -> pd.DataFrame:
    rows = []
    for week, product, discount in offers:
        about = weeks.products[product]
        mine = pieces[(pieces["week"] == week) & (pieces["product"] == product)]
        sold = mine.pivot(index="seed", columns="plan", values="pieces")
        more, lower, upper = (float(value) for value in mean_interval(sold[_PLAN] - sold[_NONE]))
        rows.append(
            {
                "week": week + 1,
                "start": start + pd.Timedelta(days=week * weeks.every),
                **{name: about[name] for name in ("title", "category", "price")},
                "discount": discount,
                "reduced": about["price"] * (1 - discount),
                "cost": about["cost"],
                "elasticity": slope * about["price"],
                "before": float(sold[_NONE].mean()),
                "after": float(sold[_PLAN].mean()),
                "more": more,
                "lower": lower,
                "upper": upper,
            }
        )
    names = ["week", "start", "title", "category", "price", "discount", "reduced", "cost", "elasticity", "before",
             "after", "more", "lower", "upper"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _otherwise(played: pd.DataFrame, measure: str, elasticity: float, floor: float) -> pd.DataFrame:
    rows = []
    for factor, part in played.groupby("factor") if len(played) else ():
        found = uplift.against(part, _PLAN, KINDS, measure, {"margin": floor}).set_index("measure").loc[measure]
        rows.append({"elasticity": float(str(factor)) * elasticity, **found.drop("against").to_dict()})
    return pd.DataFrame(rows, columns=["elasticity", "difference", "lower", "upper", "percent", "verdict"])


def _notes(cost_share: float, left_out: int, named: bool) -> list[str]:
    notes = [
        "In this market a visit buys as many products as it came for: what a cut wins, other products lose, and nobody "
        "stocks up for later. A shop whose promotions bring more visitors gains more than is told here."
    ]
    if cost_share:
        notes.append(
            f"No costs are given: each is taken to be {cost_share:.0%} of the price, on which all margins rest."
        )
    if left_out and not named:
        notes.append(
            f"{left_out:,} products are so dear that the price sensitivity would make their elasticity more than "
            f"{STEEPEST:g}: they are not thought of."
        )
    return notes
