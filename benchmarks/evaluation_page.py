"""The page of an off-policy evaluation: what each policy would have earned, and whether that can be believed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from benchmarks.diagnostics import EDGES
from benchmarks.judging import Judged
from benchmarks.plots import colours, figure, render
from benchmarks.report import number, versions
from envs.private import private, private_folder, unarmed
from envs.pseudonyms import suppressed

_MOST_ITEMS = 40  # of the picture of support
_QUIET = "#6b6b6b"


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

    @property
    def observed(self) -> float:
        """Mean reward of the log."""
        return self.judged[0].evaluation.health().observed


def findings(
    log: str,
    actions: Sequence[str],
    judged: Sequence[Judged],
    confidence: float = 0.95,
    method: str = "bootstrap",
    on_policy: tuple[str, float, float, float] | None = None,
) -> Findings:
    """Gather the estimates of all policies in one table, with the estimator to go by marked."""
    tables = []
    for one in judged:
        chosen, why = one.evaluation.choice(confidence)
        table = one.evaluation.table(confidence, method).reset_index()
        table.insert(0, "policy", one.name)
        table["chosen"] = [why if name == chosen else "" for name in table.estimator]
        tables.append(table)
    return Findings(log, actions, judged, pd.concat(tables, ignore_index=True), confidence, method, on_policy)


def write(folder: str | Path, found: Findings, least: int = 5) -> Path:
    """Write the tables (CSV, Parquet), the health (JSON), figures (PNG, SVG) and `index.html`, for their owner alone.

    Args:
        folder: made if absent.
        found: what to tell.
        least: rows that must stand behind a count of an item.

    Returns:
        The page's path.
    """
    folder = private_folder(folder)
    support = support_of(found, least)
    for name, table in (("estimates", found.table), ("support", support)):
        with private(folder / f"{name}.parquet", "wb") as binary:
            table.to_parquet(binary, index=False)
        with private(folder / f"{name}.csv") as text:
            table.map(unarmed).to_csv(text, index=False)
    with private(folder / "health.json") as file:
        health = {one.name: _plain(asdict(one.evaluation.health())) for one in found.judged}
        file.write(json.dumps(health, indent=1, allow_nan=False))
    images = {name: _image(folder, name, draw, found, support) for name, draw in _PICTURES.items()}
    page = folder / "index.html"
    with private(page) as file:
        file.write(_html(found, images))
    return page


def support_of(found: Findings, least: int) -> pd.DataFrame:
    """Item by policy: rows of the log, their share, and the policy's mean chance; small counts are left out."""
    tables = []
    for one in found.judged:
        diagnosis = one.evaluation.diagnosis
        shown = suppressed(diagnosis.shown, diagnosis.shown, least)
        n = max(diagnosis.moments.n, 1)
        shares = [np.nan if count is None else count / n for count in shown]
        columns = {"item": found.actions, "rows": pd.array(shown, dtype="Int64"), "share": shares}
        tables.append(pd.DataFrame({"policy": one.name, **columns, "chance": diagnosis.mass / n}))
    return pd.concat(tables, ignore_index=True)


def _plain(value: Any) -> Any:
    """What JSON can hold: null for what is no number."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _image(folder: Path, name: str, draw: Callable[..., None], found: Findings, support: pd.DataFrame) -> str:
    """The picture as files, and as the address of an image in the page."""
    made = figure(lambda axes, about: draw(axes, about, support), found)  # type: ignore[arg-type]
    for kind in ("png", "svg"):
        with private(folder / f"{name}.{kind}", "wb") as file:
            file.write(render(made, kind))
    return "data:image/png;base64," + base64.b64encode(render(made, "png")).decode()


def _html(found: Findings, images: dict[str, str]) -> str:
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("benchmarks"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= {"number": number, "figures": figures}
    go_by = found.table[found.table.chosen != ""].set_index("policy")
    return templates.get_template("evaluation.html").render(
        found=found,
        go_by=go_by,
        worthy=list(go_by.index[go_by.verdict == "deploy-worthy"]),
        health={one.name: one.evaluation.health() for one in found.judged},
        images=images,
        versions=versions(),
    )


def figures(value: float) -> str:
    """Four significant figures; an en dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.4g}"


def draw_values(axes: Axes, found: Findings, support: pd.DataFrame) -> None:
    """Forest plot of all estimates; hollow where the verdict is a refusal or a doubt."""
    table = found.table[::-1].reset_index(drop=True)
    palette = colours([one.name for one in found.judged])
    for height, row in enumerate(table.to_dict("records")):
        sure = row["verdict"] in ("deploy-worthy", "worse")
        colour = palette[row["policy"]]
        axes.plot([row["lower"], row["upper"]], [height, height], color=colour, linewidth=3, alpha=1 if sure else 0.4)
        axes.plot(row["value"], height, "o", color=colour, markersize=8, markerfacecolor=colour if sure else "white")
    axes.axvline(found.observed, color=_QUIET, linewidth=1, linestyle="--", label="mean reward of the log")
    if found.on_policy:
        name, value, lower, upper = found.on_policy
        axes.axvspan(lower, upper, color="#E69F00", alpha=0.2)
        axes.axvline(value, color="#E69F00", label=f"earned in {name}")
    names = table.estimator if len(found.judged) == 1 else table.policy + ": " + table.estimator
    axes.set_yticks(range(len(table)), list(names))
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("reward a decision (hollow: not to be relied on)")
    axes.set_title("What it would have earned")
    axes.legend(fontsize=8, frameon=False)


def draw_weights(axes: Axes, found: Findings, support: pd.DataFrame) -> None:
    """Histogram of the weights: far to the right are the rows that decide."""
    palette = colours([one.name for one in found.judged])
    for one in found.judged:
        diagnosis = one.evaluation.diagnosis
        axes.stairs(diagnosis.histogram, 10.0**EDGES, color=palette[one.name], linewidth=2, label=one.name)
    axes.axvline(1.0, color=_QUIET, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_xlabel("weight: chance under the policy / chance under the log")
    axes.set_ylabel("rows")
    axes.set_title("How much each row counts")
    axes.legend(fontsize=8, frameon=False)


def draw_support(axes: Axes, found: Findings, support: pd.DataFrame) -> None:
    """Share of the log's rows of each item, and how often each policy would choose it."""
    order = support.groupby("item", sort=False).chance.max().sort_values(ascending=False).index[:_MOST_ITEMS]
    shares = support.drop_duplicates("item").set_index("item").share[order]
    axes.bar(range(len(order)), shares.fillna(0.0).to_numpy(float), color="#dddddd", label="log")
    palette = colours([one.name for one in found.judged])
    for policy, part in support.groupby("policy", sort=False):
        chances = part.set_index("item").chance[order].to_numpy(float)
        axes.plot(range(len(order)), chances, ".", markersize=8, color=palette[str(policy)], label=str(policy))
    axes.set_xticks(range(len(order)), [str(item)[:14] for item in order], rotation=90, fontsize=7)
    axes.set_ylabel("share of decisions")
    axes.set_title("Does the log show what the policy would choose?")
    axes.legend(fontsize=8, frameon=False)


def draw_clipping(axes: Axes, found: Findings, support: pd.DataFrame) -> None:
    """SNIPS under ever looser clipping: a flat line does not hang on the largest weights."""
    palette = colours([one.name for one in found.judged])
    for one in found.judged:
        clipping = one.evaluation.health().clipping
        axes.plot(
            list(clipping), [value for value, _ in clipping.values()], "o-", color=palette[one.name], label=one.name
        )
    axes.axhline(found.observed, color=_QUIET, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.set_xlabel("weights clipped at")
    axes.set_ylabel("SNIPS")
    axes.set_title("Does the answer hang on the largest weights?")
    axes.legend(fontsize=8, frameon=False)


_PICTURES = {"values": draw_values, "weights": draw_weights, "support": draw_support, "clipping": draw_clipping}
