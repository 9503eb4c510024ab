"""The page of promotions: which products to discount in which week, by how much, and what that is worth."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks.pages import page, uplift_picture
from benchmarks.pages.figures import NARROW, STYLE, panel
from benchmarks.pages.labels import begun, head
from benchmarks.pages.palette import QUIET
from benchmarks.planning.promotion import Promotions

_MOST = 40  # offers drawn


def write(folder: str | Path, found: Promotions) -> Path:
    """`promotions.csv`, `promotions.toml`, `uplift.csv`, `played.csv`, pictures and `index.html`; the page's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("promotions", found.table), ("uplift", found.uplift), ("played", found.played)):
        page.write_table(folder, name, table)
    found.scenario.write(folder / "promotions.toml")
    mine = "the promotions" if len(found.table) else "no promotion"
    seasons = found.played["seed"].nunique()
    images = uplift_picture.write(folder, found.uplift, found.measure, mine, seasons)
    if len(found.table):
        images |= page.both(folder, {"offers": partial(draw_offers, found)})
    return page.write(folder, "promotion.html", found=found, answer=answer(found), images=images, seasons=seasons)


def answer(found: Promotions) -> list[str]:
    """The finding in sentences: whether to discount at all, what first, what that is worth beside each rival."""
    unit = uplift_picture.UNITS[found.measure]
    rows = found.uplift[found.uplift["measure"] == found.measure].set_index("against")
    if not len(found.table):
        first = [f"Discount nothing: no cut of any product is expected to bring more {unit} in this market."]
        return first + [_beside("No promotion", name, row, unit) for name, row in rows.iterrows()]
    offer, worth = found.table.iloc[0], rows.loc["no promotion"]
    advice = {"better": "They pay", "worse": "They cost more than they bring", "discuss": "To be discussed"}
    sentences = [
        f"{advice.get(str(worth['verdict']), 'Nobody can tell whether promotions pay')}: {len(found.table)} products "
        f"discounted in {found.weeks} weeks bring {_amount(worth, unit)} beside no promotion.",
        f"First {offer['title']}: {offer['discount']:.0%} off from {offer['start']:%-d %B} on, "
        f"{offer['price']:,.2f} to {offer['reduced']:,.2f}.",
    ]
    return sentences + [_beside("The promotions", name, row, unit) for name, row in rows.iloc[1:].iterrows()]


def _amount(row: object, unit: str) -> str:
    return (
        f"{row['difference']:+z,.0f} {unit} ({row['lower']:+z,.0f} to {row['upper']:+z,.0f}; {row['percent']:+z.2f}%)"  # type: ignore[index]
    )


def _beside(mine: str, name: object, row: object, unit: str) -> str:
    return f"{mine} against {name}: {_amount(row, unit)}: {row['verdict']}."  # type: ignore[index]


def draw_offers(found: Promotions, axes: Axes | None = None, narrow: bool = False) -> tuple[Figure, Axes]:
    """Pieces that each offer sells more in its week, with intervals, and its cut."""
    table = found.table.head(_MOST)[::-1].reset_index(drop=True)
    with rc_context(STYLE | {"axes.grid.axis": "x"}):
        size = (NARROW["width"], 1.9 + 0.5 * len(table)) if narrow else (9.5, 1.6 + 0.27 * len(table))
        figure, axes = panel(axes, size)
        places = np.arange(len(table))
        axes.hlines(places, table["lower"], table["upper"], color="#0072B2", linewidth=3)
        axes.plot(table["more"], places, "o", color="white", markeredgecolor="#0072B2", markersize=6)
        axes.axvline(0, color=QUIET, linewidth=1.2)
        labels = [
            f"{begun(str(row.title), 38)}  ·  week {row.week}, {row.discount:.0%} off" for row in table.itertuples()
        ]
        uplift_picture.named(axes, labels, beside=not narrow)
        axes.tick_params(axis="y", labelsize=8.5)
        axes.margins(y=0.2 if narrow else 0.05)
        axes.xaxis.set_major_locator(MaxNLocator(4 if narrow else 6))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+,.0f}" if value else "0")
        axes.set_xlabel("pieces more in its week")
        head(axes, "What each cut sells more", "mean of seasons, paired, 95% intervals", share=1.0 if narrow else 0.75)
        return figure, axes
