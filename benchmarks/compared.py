"""What came of every policy on the same seasons: tables with intervals, verdicts, pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.comparison import guardrails as guards_of
from benchmarks.comparison.best import chances_of_best
from benchmarks.comparison.cannibalisation import without_offers
from benchmarks.comparison.guardrails import Kept
from benchmarks.comparison.products import by_product
from benchmarks.comparison.risk import days_until, quantile_interval, simple_regret
from benchmarks.comparison.statistics import Paired, holm, interval_p, mean_interval, paired, pairing
from benchmarks.notebook import html
from benchmarks.sweeps.columns import SALES, SEASON_TOTALS
from policies.policy import Floats, PolicyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AT_RISK = 0.1  # of seasons
_OF_THE_ORACLE = 0.9  # of its season's sales


@dataclass(frozen=True)
class Comparison:
    """What came of every policy on the same seasons."""

    scenario: Any  # None where the environments are somebody's own
    policies: list[str]  # as they were called, the oracle included
    seeds: list[int]
    baseline: str  # one of the policies
    measure: str  # what is judged: "units", "revenue", "margin" or "reward"
    curves: pd.DataFrame  # a row a policy, seed and day, cumulative: see benchmarks.sweeps.record
    failed: dict[str, str] = field(default_factory=dict)  # policies that did not play every season, and why
    drawn: Callable[[int], Any] | None = None  # seed -> scenario, where each season is of its own draw of the market
    products: pd.DataFrame | None = None  # policy, seed and the columns of benchmarks.sweeps.products.by_product
    certain: Comparison | None = None  # then: the same seasons, as if the market were known
    guardrails: Mapping[str, float] = field(default_factory=dict)  # measure -> share by which it may be worse
    looks: tuple[int, int] | None = None  # seasons at the first look and at most, where they were added until decided

    @property
    def anytime(self) -> bool:
        """Whether intervals and verdicts may be looked at after every season."""
        return self.looks is not None

    @property
    def decided(self) -> bool:
        """Whether more seasons are not needed: every verdict on the baseline stands, and the leader leads alone.

        A verdict stands where it is better or worse, or discuss because a guardrail is broken, not because it is open.
        """
        verdicts = self.table["verdict"].drop(self.baseline)
        broken = set(self.guards.loc[self.guards["state"] == "broken", "policy"])
        less = set(self.table.index[self.table["difference"] < 0])
        stand = verdicts.isin(["better", "worse"]) | ((verdicts == "discuss") & verdicts.index.isin(broken | less))
        return bool(stand.all()) and len(self.leaders) == 1

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run: the last day of its curve."""
        last = self.curves.groupby(["policy", "seed"], sort=False).tail(1)
        return last.drop(columns="day").reset_index(drop=True)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a policy, best first; means over seeds, `_lower` and `_upper` their 95% intervals.

        `sales` is the shop's net sales in the measure that is judged. `difference` is sales minus the baseline's with
        the same seed, its interval paired and Bonferroni-adjusted over all comparisons; `percent` is relative to the
        baseline's mean; `p` is of the sign-flip test; `verdict` is better, worse, discuss (it sells more, and is not
        shown to keep every guardrail), cannot tell, "baseline", or empty with one seed. `seconds` is the median wall
        time of a run. NaN stands where one seed gives no interval.
        """
        rows = {policy: self._row(policy) for policy in self.policies}
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("policy")
        return table.sort_values("sales", ascending=False, kind="stable")

    @cached_property
    def guards(self) -> pd.DataFrame:
        """A row a policy and guardrail: by how much it is worse than the baseline, and whether that is too much.

        `worse` with `lower` and `upper` is a share (benchmarks.comparison.guardrails), negative where it is better;
        `margin` as much as it may be; `state` "holds", "broken", "cannot tell", or empty with one seed.
        """
        rows = [
            {"policy": policy, **vars(each)}
            for policy in self.table.index
            if policy != self.baseline
            for each in self.kept(policy)
        ]
        return pd.DataFrame(rows, columns=["policy", *(one.name for one in fields(Kept))])

    def kept(self, policy: str, base: str | None = None) -> list[Kept]:
        """What came of each guardrail for a policy, beside the baseline if not another."""
        base = base or self.baseline
        mine, theirs = partial(self.values, policy), partial(self.values, base)
        return guards_of.kept(mine, theirs, self.guardrails, len(self.policies) - 1, anytime=self.anytime)

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """A row a policy, in the order of `table`: how sure, how risky, how fast.

        `best` is the chance that no other policy sells more on average, the oracle apart. `pairing` is how many times
        as many seasons would be needed if each policy had visitors of its own. `p_holm` is of the difference to the
        baseline, adjusted by Holm's procedure. `at_risk` is what one season in ten sells less than, with an interval;
        `behind` the share of seasons that sold less than the baseline's. `simple_regret` is regret a visit in the last
        tenth of the season, what is given away when learning is over (NaN where the question is what to launch). `days`
        is the median of the days until 90% of the oracle's season is sold, with an interval; infinite where never.
        """
        rows = {policy: self._evidence(policy) for policy in self.table.index}
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("policy")
        table["p_holm"] = holm(table["p_holm"].to_numpy())
        rivals = [policy for policy in self.table.index if policy != "oracle"]
        sales = np.column_stack([self.values(policy, self.measure) for policy in rivals or ["oracle"]])
        table.insert(0, "best", pd.Series(dict(zip(rivals, chances_of_best(sales), strict=False)), dtype=float))
        return table

    def _evidence(self, policy: str) -> dict[str, float]:
        mine, base = self.values(policy, self.measure), self.values(self.baseline, self.measure)
        row = dict.fromkeys(("pairing", "p_holm", "behind"), np.nan)
        if policy != self.baseline:
            row = {"pairing": pairing(mine, base), "behind": float((mine < base).mean())}
            row["p_holm"] = interval_p(mine - base, anytime=self.anytime)
        row |= _ends("at_risk", quantile_interval(mine, _AT_RISK))
        asked_what_to_show = getattr(self.scenario, "question", "show") == "show"
        lost = simple_regret(self.paths(policy, "regret"), self.paths(policy, "visits"))
        row |= _interval(lost if asked_what_to_show else np.full(len(mine), np.nan), "simple_regret", self.anytime)
        return row | _ends("days", quantile_interval(self.days_to(policy, _OF_THE_ORACLE), 0.5))

    def days_to(self, policy: str, share: float = _OF_THE_ORACLE) -> Floats:
        """(n seeds,) days until a policy has sold this share of what the oracle sells in the same whole season.

        Infinite where it never has; NaN where the oracle was not among the policies.
        """
        if "oracle" not in self.policies:
            return np.full(len(self.seeds), np.nan)
        return days_until(self.paths(policy, self.measure), share * self.values("oracle", self.measure))

    @cached_property
    def sources(self) -> pd.DataFrame:
        """A row a policy, in the order of `table`: where sales and regret come from; means over seeds, 95% intervals.

        `launches` is what new products sold, `taken` what incumbents sold less than in the same season without any
        offer (cannibalisation), `added` the rest: what the shop sells above that season, all in net units. `lost_sales`
        were wanted but sold out; `conversion` is purchases a visit. `cold_start` is regret while the best product was
        less than a week old, `rest` the remaining regret; `shortfall` stands beside both: what stock-outs cost.
        """
        alone = np.array([without_offers(self._season(seed), seed).totals()["incumbent_units"] for seed in self.seeds])
        rows: dict[str, dict[str, float]] = {}
        for policy in self.table.index:
            get = partial(self.values, policy)
            parts = {
                "launches": get("units") - get("incumbents"),
                "taken": alone - get("incumbents"),
                "added": get("units") - alone,
                "lost_sales": get("lost_sales"),
                "conversion": get("conversion"),
                "cold_start": get("cold_start"),
                "rest": get("regret") - get("cold_start"),
                "shortfall": get("shortfall"),
            }
            rows[policy] = {}
            for name, values in parts.items():
                rows[policy] |= _interval(values, name, self.anytime)
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("policy")

    def _season(self, seed: int) -> Any:
        return self.scenario if self.drawn is None else self.drawn(seed)

    @cached_property
    def goods(self) -> pd.DataFrame | None:
        """A row a policy and product: `benchmarks.comparison.products.by_product`; None where there are no products."""
        if self.products is None or self.products.empty or self.scenario is None:
            return None
        return by_product(self.products, [product.title for product in self.scenario.products])

    @property
    def widening(self) -> float:
        """How many times as wide intervals are as if the market were known, median over policies; NaN: not asked."""
        if self.certain is None:
            return np.nan
        widths = [one.table["difference_upper"] - one.table["difference_lower"] for one in (self, self.certain)]
        return float((widths[0] / widths[1]).median())

    def values(self, policy: str, column: str) -> Floats:
        """(n seeds,) what each season came to, in the order of the seeds."""
        values: Floats = self._seasons[policy][column].to_numpy(float)
        return values

    @cached_property
    def _seasons(self) -> dict[str, pd.DataFrame]:
        """policy -> a row a season, in the order of the seeds."""
        groups = self.runs.groupby("policy", sort=False)
        return {str(policy): rows.set_index("seed").loc[self.seeds] for policy, rows in groups}

    def paths(self, policy: str, column: str) -> Floats:
        """(n seeds, T) cumulative by day."""
        rows = self.curves[self.curves.policy == policy]
        paths: Floats = rows.pivot(index="seed", columns="day", values=column).loc[self.seeds].to_numpy(float)
        return paths

    def _row(self, policy: str) -> dict[str, Any]:
        row: dict[str, Any] = _interval(self.values(policy, self.measure), "sales", self.anytime)
        row |= self._difference(policy)
        for column in (*SALES, "reward", "regret"):
            row |= _interval(self.values(policy, column), column, self.anytime)
        row["visits"] = self.values(policy, "visits").mean()
        row["seconds"] = float(np.median(self.values(policy, "seconds")))
        return row

    def _difference(self, policy: str) -> dict[str, Any]:
        names = ("difference", "difference_lower", "difference_upper", "percent", "p", "verdict")
        if policy == self.baseline:
            return dict(zip(names, (0.0, np.nan, np.nan, 0.0, np.nan, "baseline"), strict=True))
        baseline = self.values(self.baseline, self.measure)
        found = self._paired(policy, self.baseline)
        percent = 100 * found.mean / baseline.mean() if baseline.mean() else np.nan
        verdict = guards_of.verdict(found, self.kept(policy), self.kept(self.baseline, policy))
        return dict(zip(names, (found.mean, found.lower, found.upper, percent, found.p, verdict), strict=True))

    def _paired(self, policy: str, other: str) -> Paired:
        differences = self.values(policy, self.measure) - self.values(other, self.measure)
        return paired(differences, len(self.policies) - 1, anytime=self.anytime)

    @cached_property
    def leaders(self) -> list[str]:
        """The best-selling policy that does not know the truth, then those that these seeds cannot tell from it.

        Which is best was read off the same runs. Comparing it with each other one, adjusted for that many comparisons,
        leaves the truly best policy among the leaders with at least the stated confidence: only those comparisons in
        which the truly best takes part could exclude it (subset selection: Gupta 1965; Hsu 1984). They are as many as
        those with the baseline, so that headline, table and picture judge alike.
        """
        ranked = [policy for policy in self.table.index if policy != "oracle"] or ["oracle"]
        return [ranked[0], *(rival for rival in ranked[1:] if self._paired(ranked[0], rival).verdict != "better")]

    def _repr_html_(self) -> str:
        """What a notebook shows: the answer in words, then the table with the bounds of the difference alone."""
        from benchmarks.pages.report import answer  # from above, and late, as below

        plain = [column for column in self.table if not str(column).endswith(("_lower", "_upper"))]
        at = plain.index("difference") + 1
        return html(answer(self), self.table[[*plain[:at], "difference_lower", "difference_upper", *plain[at:]]])

    def draw(self, name: str, axes: Axes | None = None) -> tuple[Figure, Axes]:
        """One picture, in axes of yours or on a figure of its own: "gain", "verdicts", "sales", "regret" or "season".

        Raises:
            PolicyError: there is no such picture.
        """
        from benchmarks.pages import figures, plots

        there = plots.pictures(self) | ({} if self.scenario is None else {"season": plots.draw_season})
        if name not in there:
            raise PolicyError(f"picture must be one of {', '.join(there)}, got {name!r}")
        return figures.drawn(there[name], self, axes)

    def plot(self) -> Figure:
        """The finding in four pictures on one figure: sales, gain over the baseline, regret, verdicts."""
        from benchmarks.pages.plots import overview  # from above, and late: what is found knows not how it is drawn

        return overview(self)

    def write(self, folder: str | Path) -> None:
        """`results.parquet` (a row a run), `curves.parquet` (a row a run and day), and the tables as CSV."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.runs.to_parquet(folder / "results.parquet", index=False)
        self.curves.drop(columns=[*SEASON_TOTALS]).to_parquet(folder / "curves.parquet", index=False)
        self.table.to_csv(folder / "table.csv")
        if self.products is not None and self.goods is not None:
            self.products.to_parquet(folder / "products.parquet", index=False)
            self.goods.to_csv(folder / "by_product.csv", index=False)
        self.evidence.to_csv(folder / "evidence.csv")
        self.guards.to_csv(folder / "guards.csv", index=False)
        if self.scenario is not None:
            self.sources.to_csv(folder / "sources.csv")


def _interval(values: Floats, name: str, anytime: bool) -> dict[str, float]:
    """Mean and 95% interval as `name`, `name_lower`, `name_upper`."""
    return _ends(name, mean_interval(values, anytime=anytime))


def _ends(name: str, found: Sequence[Any]) -> dict[str, float]:
    """Value, lower and upper under the names that tables give them."""
    return {f"{name}{end}": float(value) for end, value in zip(("", "_lower", "_upper"), found, strict=True)}
