"""The page of an off-policy evaluation: what each policy would have earned, and whether that can be believed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from benchmarks.off_policy.diagnostics import EDGES
from benchmarks.off_policy.differences import differences
from benchmarks.off_policy.judging import Judged
from benchmarks.pages import page
from benchmarks.pages.figures import WIDTH
from benchmarks.pages.labels import begun, cut, decades, few, head, plain, shown_as, window
from benchmarks.pages.page import MOST_ITEMS
from benchmarks.pages.palette import QUIET, colours
from envs.logs.private import private, private_folder
from envs.logs.pseudonyms import suppressed
from policies.policy import Integers


@dataclass(frozen=True)
class Findings:
    """What an evaluation has to tell: a table by policy and estimator, and the policies' evaluations."""

    log: str
    actions: Sequence[str]
    judged: Sequence[Judged]
    table: pd.DataFrame  # policy, estimator, value, lower, upper, n, effective_sample_size, verdict, reason, chosen
    confidence: float
    method: str
    on_policy: tuple[str, float, float, float] | None  # what another log says the policy earned: value, lower, upper
    support: pd.DataFrame  # policy, item, rows of the log, their share, the policy's mean chance
    differences: pd.DataFrame  # as of `off_policy.differences`: every other policy against one of them
    failed: Mapping[str, str]  # policies that could not be judged, and why
    caveats: Sequence[str] = ()  # what to know of the log

    @property
    def comparisons(self) -> int:
        """For how many policies verdicts are adjusted."""
        return len(self.judged)

    @property
    def go_by(self) -> pd.DataFrame:
        """A row a policy, best first: what the estimator to go by says."""
        return self.table[self.table.chosen != ""].set_index("policy")

    @property
    def doubt(self) -> str:
        """What every picture that rests on estimated propensities has to say."""
        return " (propensities estimated)" if self.judged[0].evaluation.estimated else ""

    @property
    def observed(self) -> float:
        """Mean reward of the log."""
        return self.judged[0].evaluation.health().observed


def findings(
    log: str,
    actions: Sequence[str],
    judged: Sequence[Judged],
    confidence: float = 0.95,
    method: str = "gamma",
    on_policy: tuple[str, float, float, float] | None = None,
    *,
    users: Integers | None = None,
    least: int = 5,
    baseline: str | None = None,
    failed: Mapping[str, str] | None = None,
    caveats: Sequence[str] = (),
) -> Findings:
    """Gather the estimates of all policies in one table, with the estimator to go by marked.

    Args:
        log, actions: what they are called.
        judged: the policies, in the order in which they are to be shown.
        confidence, method: of the intervals.
        on_policy: what a log of the policy's own is called, its mean reward, lower and upper.
        users: (K,) different users behind the rows of each action; the rows themselves count where not given.
        least: of them must stand behind a count that is shown.
        baseline: the policy that the others are compared with; the best by value where not given.
        failed: policies that could not be judged, and why.
        caveats: what to know of the log, a sentence each.
    """
    tables = []
    for one in judged:
        chosen, why = one.evaluation.choice(confidence)
        table = one.evaluation.table(confidence, method, len(judged)).reset_index()
        table.insert(0, "policy", one.name)
        table["chosen"] = [why if name == chosen else "" for name in table.estimator]
        table["whole"] = [one.evaluation.trusted(name) for name in table.estimator]
        tables.append(table)
    found = pd.concat(tables, ignore_index=True)
    support = _support(actions, judged, users, least)
    apart = differences({one.name: one.evaluation for one in judged}, baseline, confidence)
    return Findings(log, actions, judged, found, confidence, method, on_policy, support, apart, failed or {}, caveats)


def tell(found: Findings) -> str:
    """The findings as lines of text, best policy first."""
    lines = list(found.caveats)
    lines += [line for one in found.judged for line in (f"{one.name}: {one.made}", one.warning) if line]
    for _, row in found.table.iterrows():
        between = f"{row.lower:.5g} to {row.upper:.5g}" if row.lower <= row.upper else "no interval"
        doubt = "" if row.whole else "; bias not in it"
        lines.append(f"{row.policy} by {row.estimator}: {row.value:.5g} ({between}{doubt})")
        lines.append(f"    {row.verdict}: {row.reason}{' [go by this one]' if row.chosen else ''}")
    if found.comparisons > 1:
        lines.append(f"Verdicts are adjusted for {found.comparisons} policies: all hold together.")
    for _, row in found.differences.iterrows():
        between = f"{row.lower:+.5g} to {row.upper:+.5g}"
        lines.append(
            f"{row.policy} less {row.baseline}: {row.difference:+.5g} ({between}): {row.verdict}. {row.reason}"
        )
    lines += [f"{one.name}, reward a page:\n{_text(one.slates)}" for one in found.judged if one.slates is not None]
    return "\n".join([*lines, *(f"not judged: {reason}" for reason in found.failed.values())])


def _text(table: pd.DataFrame) -> str:
    return table.to_string(float_format="{:.5g}".format)


def write(folder: str | Path, found: Findings) -> Path:
    """Write the tables (CSV, Parquet), the health (JSON), figures (PNG, SVG) and `index.html`, for their owner alone.

    Args:
        folder: made if absent.
        found: what to tell.

    Returns:
        The page's path.
    """
    folder = private_folder(folder)
    page.write_table(folder, "estimates", found.table)
    page.write_table(folder, "support", found.support)
    page.write_table(folder, "differences", found.differences)
    with private(folder / "health.json") as file:
        health = {one.name: _plain(asdict(one.evaluation.health())) for one in found.judged}
        file.write(json.dumps(health, indent=1, allow_nan=False))
    go_by = found.go_by
    return page.write(
        folder,
        "evaluation.html",
        found=found,
        go_by=go_by,
        worthy=list(go_by.index[go_by.verdict == "deploy-worthy"]),
        health={one.name: one.evaluation.health() for one in found.judged},
        **page.draw_all(folder, _PICTURES, found, {"values": _heights(found)})._asdict(),
    )


def _heights(found: Findings) -> tuple[float, float]:
    """Inches that a row an estimate needs, and on a phone a row a policy."""
    return max(4.4, 1.6 + 0.27 * len(found.table)), 2.2 + 0.3 * len(found.judged)


def _support(actions: Sequence[str], judged: Sequence[Judged], users: Integers | None, least: int) -> pd.DataFrame:
    """Item by policy: rows of the log, their share, and the policy's mean chance; small counts are left out."""
    tables = []
    for one in judged:
        diagnosis = one.evaluation.diagnosis
        shown = suppressed(diagnosis.shown, diagnosis.shown if users is None else users, least)
        n = diagnosis.moments.total or 1.0
        shares = [
            np.nan if count is None else visits / n for count, visits in zip(shown, diagnosis.visits, strict=True)
        ]
        columns = {"item": actions, "rows": pd.array(shown, dtype="Int64"), "share": shares}
        tables.append(pd.DataFrame({"policy": one.name, **columns, "chance": diagnosis.mass / n}))
    return pd.concat(tables, ignore_index=True)


def _plain(value: Any) -> Any:
    """What JSON can hold: null for what is no number."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def draw_values(axes: Axes, found: Findings) -> None:
    """Forest plot of all estimates; hollow where the verdict is neither better nor worse."""
    narrow = axes.get_figure(root=True).get_figwidth() < WIDTH  # type: ignore[union-attr]
    table = (found.table[found.table.chosen != ""] if narrow else found.table)[::-1].reset_index(drop=True)
    palette = colours([one.name for one in found.judged])
    left, right = window(table.value, table.lower, table.upper, found.observed)
    for height, row in enumerate(table.to_dict("records")):
        sure = row["verdict"] in ("deploy-worthy", "worse")
        colour, chosen = palette[row["policy"]], bool(row["chosen"])
        style = "-" if row["whole"] else ":"
        axes.plot([row["lower"], row["upper"]], [height, height], style, color=colour, lw=4 if chosen else 2)
        fill = colour if sure else "white"
        axes.plot(row["value"], height, "o", color=colour, markersize=9 if chosen else 6, markerfacecolor=fill)
        cut(axes, row["lower"], row["upper"], height, colour, (left, right))
    axes.set_xlim(left, right)
    axes.axvline(found.observed, color=QUIET, linewidth=1, linestyle="--")
    if found.on_policy:
        name, value, lower, upper = found.on_policy
        axes.axvspan(lower, upper, color="#E69F00", alpha=0.2)
        axes.axvline(value, color="#E69F00", label=f"earned in {name}")
    axes.set_yticks(
        range(len(table)), [_named(row, axes, narrow, len(found.judged)) for row in table.to_dict("records")]
    )
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("reward a decision")
    axes.xaxis.set_major_locator(few(axes))
    told = "*: go by this one; hollow: no verdict; dotted: bias not in the interval; dashes: the log"
    told = "hollow: no verdict; dotted: bias not in the interval" if narrow else told
    head(axes, "What each would have earned" + found.doubt, told, share=0.75)
    if found.on_policy:
        axes.legend(fontsize=8, frameon=False)


def _named(row: dict[Any, Any], axes: Axes, narrow: bool, policies: int) -> str:
    """Policy and estimator, that to go by with a star; no policy where there is but one."""
    estimator = f"{row['estimator']}{' *' if row['chosen'] else ''}"
    policy = shown_as(row["policy"], axes)
    return policy if narrow else estimator if policies == 1 else f"{policy}: {estimator}"


def draw_weights(axes: Axes, found: Findings) -> None:
    """Histogram of the weights: far to the right are the rows that decide."""
    palette = colours([one.name for one in found.judged])
    for one in found.judged:
        diagnosis = one.evaluation.diagnosis
        counts = np.where(diagnosis.histogram > 0, diagnosis.histogram, np.nan)
        centres = 10.0 ** ((EDGES[1:] + EDGES[:-1]) / 2)
        axes.plot(centres, counts, "o", color=palette[one.name], markersize=6, label=one.name)
    seen = np.flatnonzero(np.sum([one.evaluation.diagnosis.histogram for one in found.judged], axis=0))
    axes.axvline(1.0, color=QUIET, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(plain)
    if len(seen):
        axes.set_xlim(10.0 ** (EDGES[seen[0]] - 0.5), 10.0 ** (EDGES[seen[-1] + 1] + 0.5))
    decades(axes, np.concatenate([one.evaluation.diagnosis.histogram for one in found.judged]))
    axes.set_xlabel("weight: chance under the policy\n/ chance under the log")
    axes.set_ylabel("rows")
    told = "rows by their weight, both scales logarithmic; far to the right are those that decide"
    head(axes, "How much each row counts" + found.doubt, told)
    if len(found.judged) > 1:
        axes.legend(fontsize=8, frameon=False)


def draw_support(axes: Axes, found: Findings) -> None:
    """Share of the log's rows of each item, and how often each policy would choose it."""
    support = found.support
    order = support.groupby("item", sort=False).chance.max().sort_values(ascending=False).index[:MOST_ITEMS]
    shares = support.drop_duplicates("item").set_index("item").share[order]
    axes.bar(range(len(order)), shares.fillna(0.0).to_numpy(float), color="#dddddd", label="log")
    palette = colours([one.name for one in found.judged])
    for policy, part in support.groupby("policy", sort=False):
        chances = part.set_index("item").chance[order].to_numpy(float)
        axes.plot(range(len(order)), chances, ".", markersize=8, color=palette[str(policy)], label=str(policy))
    axes.set_xticks(range(len(order)), [begun(str(item)) for item in order], rotation=90, fontsize=7)
    axes.set_ylabel("share of decisions")
    n = support.item.nunique()
    most = f"the {len(order)} most chosen of {n} items" if n > len(order) else "all items"
    head(
        axes,
        "Does the log show what the policy would choose?",
        f"grey: share in the log; dots: chance under each policy; {most}",
    )
    axes.legend(fontsize=8, frameon=False)


def draw_clipping(axes: Axes, found: Findings) -> None:
    """SNIPS under ever looser clipping: a flat line does not hang on the largest weights."""
    palette = colours([one.name for one in found.judged])
    for one in found.judged:
        clipping = one.evaluation.health().clipping
        axes.plot(
            list(clipping), [value for value, _ in clipping.values()], "o-", color=palette[one.name], label=one.name
        )
    axes.axhline(found.observed, color=QUIET, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(plain)
    axes.set_xlabel("weights clipped at")
    axes.set_ylabel("SNIPS")
    head(
        axes,
        "Does the answer hang on the largest weights?" + found.doubt,
        "SNIPS by the clipping; a flat line does not",
    )
    axes.legend(fontsize=8, frameon=False)


_PICTURES = {"values": draw_values, "weights": draw_weights, "support": draw_support, "clipping": draw_clipping}
