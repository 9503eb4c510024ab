"""The page of a backtest: what a prediction before launch is worth, what days of looking add, whom to believe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.pages import page
from benchmarks.pages.figures import STYLE, panels
from benchmarks.pages.labels import head
from benchmarks.pages.palette import QUIET
from benchmarks.planning.backtesting import LOTS, Backtest
from benchmarks.planning.predictors import PLAIN

_COLOURS = {  # Okabe & Ito (2008): of those that are drawn unless another is the best of its kind
    **{"similar_titles": "#E69F00", "scaled_up": "#8a8a8a", "boosted": "#0072B2"},
    **{"gaussian": "#009E73", "neural": "#CC79A7", "blend": "#D55E00"},
}
_SPARE = ("#56B4E9", "#000000", "#B8A500", "#7A5195", "#A0522D", "#882255")  # of others


def write(folder: str | Path, found: Backtest) -> Path:
    """`backtest.csv`, `claims.csv`, `predictions.csv`, pictures and `index.html`; answers the page's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page.write_table(folder, "backtest", found.table)
    page.write_table(folder, "claims", found.claims)
    page.write_table(folder, "predictions", found.predictions)
    image, narrow = (
        page.write_figure(folder, name, picture(found, stacked=name != "backtest")[0])
        for name in ("backtest", "backtest_narrow")
    )
    about = {"answer": answer(found), "image": image, "narrow": narrow, "lots": LOTS, "plain": PLAIN}
    return page.write(folder, "backtest.html", found=found, **about)


def answer(found: Backtest) -> list[str]:
    """The finding in sentences."""
    table = found.table
    sentences = []
    for seen in sorted(table["days_seen"].unique()):
        row = _best(found, int(seen))
        when = "Before launch" if seen == 0 else f"After {seen} {'day' if seen == 1 else 'days'}"
        sentences.append(
            f"{when}, {str(row.predictor).replace('_', ' ')} ranks launches with a correlation of {row.spearman:.2f} "
            f"({row.spearman_lower:.2f} to {row.spearman_upper:.2f}) and catches {row.capture:.0%} of the best fifth's "
            f"sales{': no better than drawing lots' if row.spearman < LOTS else ''}."
        )
    return sentences


def _best(found: Backtest, seen: int) -> pd.Series:
    rows = found.table[(found.table["days_seen"] == seen) & (found.table["predictor"] == found.best(seen))]
    return rows.iloc[0]


def picture(found: Backtest, stacked: bool = False, axes: Sequence[Axes] | None = None) -> tuple[Figure, list[Axes]]:
    """Rank correlation, and whether 90% intervals hold, by days seen; stacked as a phone shows them."""
    with rc_context(STYLE):
        figure, (left, right) = panels(axes, (2, 1) if stacked else (1, 2), (4.6, 8.4) if stacked else (11, 4.6))
        shown = drawn(found)
        _draw(left, found, shown, "spearman")
        left.axhline(LOTS, color=QUIET, linewidth=1, linestyle=":")
        left.set_ylim(min(-0.1, left.get_ylim()[0]), 1)
        left.annotate(
            "drawing lots", (1, LOTS), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=QUIET
        )
        head(left, "How well launches are ranked", f"{found.n_test} launches, 95% bars; dashed: plain")
        left.set_ylabel("rank correlation with what was sold")
        _draw(right, found, shown, "coverage90")
        right.axhline(0.9, color=QUIET, linewidth=1, linestyle=":")
        right.set_ylim(min(0.5, right.get_ylim()[0]), 1)
        head(right, "Whether 90% intervals hold", "share of launches within, 95% intervals")
        right.set_ylabel("share within the interval")
        right.legend(loc="lower right", frameon=False, fontsize=9.5, ncols=2)
        return figure, [left, right]


def drawn(found: Backtest) -> list[str]:
    """Six at most: the plain and the learned one that rank best before launch, those called best, the usual ones."""
    days = sorted(found.table["days_seen"].unique())
    first = found.table[found.table["days_seen"] == days[0]].set_index("predictor")["spearman"].dropna()
    plain = first.index.isin(PLAIN)
    best = [kind.idxmax() for kind in (first[plain], first[~plain]) if len(kind)]
    names = list(found.table["predictor"].unique())
    usual = [name for name in _COLOURS if name in names]
    among = list(dict.fromkeys([*best, *(found.best(int(seen)) for seen in days), *usual]))[: len(_COLOURS)]
    return [name for name in names if name in among]


def _draw(axes: Axes, found: Backtest, shown: list[str], score: str) -> None:
    days = sorted(found.table["days_seen"].unique())
    palette = dict(zip([name for name in shown if name not in _COLOURS], _SPARE, strict=False)) | _COLOURS
    for name in shown:
        rows = found.table[found.table["predictor"] == name]
        offset = (shown.index(name) - len(shown) / 2) * 0.07
        places = rows["days_seen"].map(days.index) + offset
        low, high = rows[score] - rows[f"{score}_lower"], rows[f"{score}_upper"] - rows[score]
        axes.errorbar(
            places, rows[score], [low.clip(lower=0), high.clip(lower=0)], color=palette[name],
            marker="o", markersize=5, linewidth=1.4, elinewidth=1, label=name.replace("_", " "),
            linestyle="--" if name in PLAIN else "-",
        )  # fmt: skip
    axes.set_xticks(range(len(days)), [str(day) for day in days])
    axes.set_xlabel("days of its own sales seen")
