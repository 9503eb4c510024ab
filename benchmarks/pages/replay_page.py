"""The page of a replay: what each policy would have earned, with what support, or why the log cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from benchmarks.pages import page
from benchmarks.pages.labels import begun, cut, decades, few, head, shown_as, window
from benchmarks.pages.page import MOST_ITEMS
from benchmarks.pages.palette import INK, QUIET, colours
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
        most=MOST_ITEMS,
        items=replays.support["item"].nunique(),
        **page.draw_all(
            folder, _PICTURES, replays, {"values": (1.8 + 0.4 * len(table), 2.2 + 0.35 * len(table))}
        )._asdict(),
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
    limits = window(table.value, table.lower, table.upper)
    for row, (name, found) in enumerate(table.iterrows()):
        colour = palette.get(str(name), "#000000")
        axes.plot([found.lower, found.upper], [row, row], ":" if found.reason else "-", color=colour, linewidth=3)
        cut(axes, found.lower, found.upper, row, colour, limits)
        axes.plot(
            found.value, row, "o", color=colour, markersize=9, markerfacecolor="white" if found.reason else colour
        )
    axes.axvline(replays.table.value[LOGGED], color=QUIET, linewidth=1, linestyle="--")
    axes.set_xlim(*limits)
    axes.xaxis.set_major_locator(few(axes))
    axes.set_yticks(range(len(table)), [shown_as(str(name), axes) for name in table.index])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("mean reward of a round")
    estimated = " (propensities estimated)" if (replays.table.propensities == "estimated").any() else ""
    told = "95% intervals; hollow and dotted: the log gives no answer; dashes: as logged"
    head(axes, "What each would have earned a round" + estimated, told, share=0.75)


def draw_support(axes: Axes, replays: Replays) -> None:
    """Rows that speak for each item: logged, and accepted under each policy; new items to the right of the line."""
    items = replays.support.drop_duplicates("item").sort_values("first_day", kind="stable").tail(MOST_ITEMS)
    places = {item: place for place, item in enumerate(items["item"])}
    logged = items.logged.astype(float).to_numpy()
    axes.plot(range(len(items)), np.where(logged > 0, logged, np.nan), "_", color=INK, markersize=11, label="logged")
    palette = colours(list(replays.support.policy.unique()))
    for policy, found in replays.support.groupby("policy", sort=False):
        shown = found[found["item"].isin(places)]
        accepted = shown.accepted.astype(float).to_numpy()
        axes.plot(
            [places[item] for item in shown["item"]],
            np.where(accepted > 0, accepted, np.nan),
            ".",
            color=palette[str(policy)],
            label=str(policy),
            markersize=8,
        )
    if items.new.any() and not items.new.all():
        axes.axvline(float(np.argmax(items.new)) - 0.5, color=QUIET, linewidth=1, linestyle="--")
    decades(axes, np.concatenate([logged, replays.support.accepted.astype(float)]))
    axes.set_xticks(range(len(items)), [begun(str(item)) for item in items["item"]], rotation=90, fontsize=7)
    axes.set_ylabel("rows (logarithmic)")
    n = replays.support["item"].nunique()
    told = "logged, accepted under each policy; right of the dashes: new items; nothing: too few users"
    told += f"; the last {len(items)} of {n} items" if n > len(items) else ""
    head(axes, "How many rows speak for each item", told, share=0.9)
    axes.set_ylim(bottom=axes.get_ylim()[0] / 8)  # room for the legend
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="lower left")


def draw_curves(axes: Axes, replays: Replays) -> None:
    """Mean reward of all rounds so far, by day: whether a policy that learns is getting better."""
    palette = colours(list(replays.support.policy.unique()))
    refused = [str(name) for name in replays.table.index if replays.table.reason[name]]
    drawn = []
    for policy, found in replays.curves.groupby("policy", sort=False):
        some = found[(found["rows"] > 0) & found.lower.notna()]
        if str(policy) in refused or some.empty:
            continue
        drawn += [*some.lower, *some.upper]
        axes.plot(some.day, some.reward / some["rows"], color=palette[str(policy)], linewidth=2, label=str(policy))
        axes.fill_between(some.day, some.lower, some.upper, color=palette[str(policy)], alpha=0.13, linewidth=0)
    axes.axhline(replays.table.value[LOGGED], color=QUIET, linewidth=1, linestyle="--")
    axes.set_xlabel("day of the log")
    axes.set_ylabel("mean reward so far")
    if drawn:
        axes.set_ylim(min(0.0, float(np.quantile(drawn, 0.05))), 1.1 * float(np.quantile(drawn, 0.95)))
    missing = f"; without an answer, and not drawn: {', '.join(refused)}" if refused else ""
    head(axes, "Mean reward of all rounds so far", f"bands: 95% by bootstrapped replays; dashes: as logged{missing}")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)


_PICTURES = {"values": draw_values, "support": draw_support, "curves": draw_curves}
