"""The page of a replay: what each policy would have earned, with what support, or why the log cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from benchmarks.pages import page
from benchmarks.pages.page import MOST_ITEMS
from benchmarks.pages.plots import QUIET, colours, figure, plain
from benchmarks.replay import LOGGED, Replays
from envs.logs.private import private_folder


def write(folder: str | Path, replays: Replays, log: str, caveats: Sequence[str] = ()) -> Path:
    """Write the tables (CSV, Parquet), figures (PNG, SVG) and `index.html`, all for their owner alone.

    Args:
        folder: made if absent.
        replays: what to tell.
        log: what the log is called.
        caveats: what to know of it, a sentence each.

    Returns:
        The page's path.
    """
    folder = private_folder(folder)
    for name, table in (("replay", replays.table.reset_index()), ("support", replays.support)):
        page.write_table(folder, name, table)
    table = replays.table
    return page.write(
        folder,
        "log_replay.html",
        log=log,
        caveats=caveats,
        table=table,
        logged=table.loc[LOGGED],
        answered=[name for name in table.index if name != LOGGED and not table.reason[name]],
        support=_support(replays),
        failed=replays.failed,
        images={name: page.write_figure(folder, name, figure(draw, replays)) for name, draw in _PICTURES.items()},
    )


def _support(replays: Replays) -> pd.DataFrame:
    """An item a row, new ones first; accepted rows of each policy in columns, missing where too few are behind them."""
    support = replays.support
    items = support.drop_duplicates("item")[["item", "new", "first_day", "logged"]].set_index("item")
    wide = support.pivot_table(index="item", columns="policy", values="accepted", aggfunc="first", dropna=False)
    wide = wide.reindex(columns=support.policy.unique())
    return items.join(wide).sort_values(["new", "first_day"], ascending=False).head(MOST_ITEMS)


def draw_values(axes: Axes, replays: Replays) -> None:
    """Forest plot: mean reward of an accepted row with its interval; hollow where the log refuses an answer."""
    table = replays.table[::-1]
    palette = colours([name for name in replays.table.index if name != LOGGED])
    for row, (name, found) in enumerate(table.iterrows()):
        colour = palette.get(str(name), "#000000")
        axes.plot([found.lower, found.upper], [row, row], color=colour, linewidth=3, alpha=0.35 if found.reason else 1)
        axes.plot(
            found.value, row, "o", color=colour, markersize=9, markerfacecolor="white" if found.reason else colour
        )
    axes.axvline(replays.table.value[LOGGED], color=QUIET, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(table)), [str(name) for name in table.index])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("mean reward of a round (hollow: the log gives no answer)")
    estimated = " (propensities estimated)" if (replays.table.propensities == "estimated").any() else ""
    axes.set_title("What each would have earned a round" + estimated)


def draw_support(axes: Axes, replays: Replays) -> None:
    """Rows that speak for each item: logged, and accepted under each policy; new items to the right of the line."""
    items = replays.support.drop_duplicates("item").sort_values("first_day", kind="stable").tail(MOST_ITEMS)
    places = {item: place for place, item in enumerate(items["item"])}
    axes.bar(range(len(items)), items.logged.astype(float), color="#dddddd", label="logged")
    palette = colours(list(replays.support.policy.unique()))
    for policy, found in replays.support.groupby("policy", sort=False):
        shown = found[found["item"].isin(places)]
        axes.plot(
            [places[item] for item in shown["item"]],
            shown.accepted.astype(float).to_numpy(),
            ".",
            color=palette[str(policy)],
            label=str(policy),
            markersize=8,
        )
    if items.new.any() and not items.new.all():
        axes.axvline(float(np.argmax(items.new)) - 0.5, color=QUIET, linewidth=1, linestyle="--")
    axes.set_yscale("symlog", linthresh=10)
    axes.yaxis.set_major_formatter(plain)
    axes.set_ylim(0, 2 * max(float(items.logged.max()), 10) if items.logged.notna().any() else None)
    axes.set_xticks(range(len(items)), [str(item)[:14] for item in items["item"]], rotation=90, fontsize=7)
    axes.set_ylabel("rows (counts of too few users are left out)")
    axes.legend(fontsize=8, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0))


def draw_curves(axes: Axes, replays: Replays) -> None:
    """Mean reward of all rounds so far, by day: whether a policy that learns is getting better."""
    palette = colours(list(replays.support.policy.unique()))
    for policy, found in replays.curves.groupby("policy", sort=False):
        some = found[found["rows"] > 0]
        axes.plot(some.day, some.reward / some["rows"], color=palette[str(policy)], linewidth=2, label=str(policy))
    axes.axhline(replays.table.value[LOGGED], color=QUIET, linewidth=1, linestyle="--")
    axes.set_xlabel("day of the log")
    axes.set_ylabel("mean reward so far")
    axes.set_title("Mean reward of all rounds so far (dashed: as logged)")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)


_PICTURES = {"values": draw_values, "support": draw_support, "curves": draw_curves}
