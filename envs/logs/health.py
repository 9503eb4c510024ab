"""What state somebody else's log is in: a report to read before anything is concluded from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from envs.logs import log_file
from envs.logs.columns import Columns, Context
from envs.logs.ingest import Opened
from envs.logs.log_file import LogFile
from envs.logs.pseudonyms import suppressed
from envs.logs.source import literal, plainly, quoted


@dataclass(frozen=True)
class Health:
    """Figures of a log; those of actions are over the rows kept."""

    columns: Columns
    rows: int
    rejected: dict[str, int]  # rule -> rows
    span: tuple[float, float]  # days of the first and last row
    origin: str | None  # date and time of day 0
    reward_rate: float  # mean reward
    propensities: tuple[float, float] | None  # smallest and largest
    duplicates: int  # rows that repeat an earlier one in every column that plays a role
    missing: dict[str, int]  # column -> rows without a value
    users: int | None  # different ones
    actions: pd.DataFrame  # an action: rows, reward, first_day; None where too few users stand behind it
    least: int  # users that must stand behind a figure of an action
    notes: tuple[str, ...] = ()  # on what was proposed: what was left out, what has to be decided

    def mapping(self) -> str:
        """The TOML file of the columns, the notes before it."""
        return "".join(f"# {_plain(note)}\n" for note in self.notes) + self.columns.text()

    def text(self) -> str:
        """The report as lines."""
        first, last = self.span
        since = f" from {self.origin}" if self.origin else ""
        lines = [
            f"rows         {self.rows} read, {self.rows - sum(self.rejected.values())} good",
            *(f"  rejected   {n}: {rule}" for rule, n in self.rejected.items()),
            f"span         {last - first:.2f} days{since}",
            f"reward       {self.reward_rate:.6g} a row",
            f"propensity   {self._propensity()}",
            f"duplicates   {self.duplicates}",
            f"missing      {', '.join(f'{c}: {n}' for c, n in self.missing.items() if n) or 'none'}",
        ]
        if self.users is not None:
            lines.append(f"users        {self.users}")
        days = self.actions.first_day.astype(float)
        launches = " (launches)" if days.max() - days.min() >= 1.0 else ""
        lines.append(f"actions      {len(self.actions)}, by the day they were first taken{launches}:")
        shown = self.actions.assign(action=self.actions.action.map(_plain), rows=self.actions["rows"].astype(float))
        shown["rows"] = [f"{n:.0f}" if n == n else f"< {self.least} users" for n in shown["rows"]]
        return "\n".join(lines) + "\n" + shown.to_string(index=False, na_rep=f"< {self.least} users") + "\n"

    def _propensity(self) -> str:
        if self.propensities is None:
            return "none: estimates need them, replay refuses"
        smallest, largest = self.propensities
        return f"{smallest:.6g} to {largest:.6g}"


def _plain(name: str) -> str:
    """Without what a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in name)


def describe(path: Any, columns: Any = None, least: int = 5, *, user_ids: bool = True) -> Health:
    """The health report of a log.

    Args:
        path, columns: as of `envs.logs.ingest.ingested`; or a log of ours.
        least: users that must stand behind a figure of an action, else it is not shown; rows where there are no users.
        user_ids: whether users are counted; their ids are never kept.

    Raises:
        LogError: the log cannot be read, or a column is missing.
    """
    if isinstance(path, (str, Path)) and log_file.is_one(path):
        path, columns = _ours(path)
    secret = partial(os.urandom, 32) if user_ids else None  # for counting; then forgotten
    with plainly(path), Opened(path, columns, secret=secret) as log:
        counts, has = log.counts(), log.columns
        kept = "FROM checked WHERE broken IS NULL"
        ((first, last, reward),) = log.ask(f"SELECT min(time), max(time), avg(reward) {kept}")
        users = log.ask(f'SELECT count(DISTINCT "user") {kept}')[0][0] if has.user else None
        return Health(
            columns=has,
            rows=counts["rows"],
            rejected=counts["by_rule"],
            span=(first or 0.0, last or 0.0),
            origin=log.origin(),
            reward_rate=float("nan") if reward is None else reward,
            propensities=_propensities(log, kept),
            duplicates=_duplicates(log),
            missing=_missing(log),
            users=users,
            actions=_actions(log, kept, least),
            least=least,
            notes=tuple(log.notes),
        )


def _ours(path: str | Path) -> tuple[str, Columns]:
    """A log of ours as SQL with the names of its actions, and what its columns mean."""
    about, table = LogFile(path).about, f"read_parquet({literal(str(path))})"
    with duckdb.connect() as connection:
        there = {name for name, *_ in connection.sql(f"DESCRIBE SELECT * FROM {table}").fetchall()}
    names = "[" + ", ".join(literal(name) for name in about.actions) + "]"
    columns = Columns(
        "time",
        "action",
        "reward",
        propensity="" if about.propensities == "missing" else "propensity",
        position="position" if "position" in there else "",
        user="user" if "user" in there else "",
        context={f"context.{name}": Context() for name in about.context},
        actions=about.actions,
    )
    return f"SELECT * REPLACE ({names}[action + 1] AS action) FROM {table}", columns


def _propensities(log: Opened, kept: str) -> tuple[float, float] | None:
    if not log.columns.propensity:
        return None
    ((smallest, largest),) = log.ask(f"SELECT min(propensity), max(propensity) {kept}")
    return None if smallest is None else (smallest, largest)


def _duplicates(log: Opened) -> int:
    ((rows, different),) = log.ask(
        "SELECT (SELECT count(*) FROM raw), (SELECT count(*) FROM (SELECT DISTINCT * EXCLUDE (row) FROM raw))"
    )
    return int(rows - different)


def _missing(log: Opened) -> dict[str, int]:
    found = {}
    for role, column in log.columns.roles().items():
        ((found[column],),) = log.ask(f"SELECT count(*) FROM raw WHERE {quoted(role)} IS NULL")
    for i, column in enumerate(log.columns.context):
        ((found[column],),) = log.ask(f"SELECT count(*) FROM checked WHERE missing{i}")
    return found


def _actions(log: Opened, kept: str, least: int) -> pd.DataFrame:
    behind = 'count(DISTINCT "user")' if log.columns.user else "count(*)"
    found = log.ask(
        f"SELECT name, count(*), avg(reward), min(time), {behind} {kept} GROUP BY name ORDER BY min(time), name"
    )
    frame = pd.DataFrame(found, columns=["action", "rows", "reward", "first_day", "behind"])
    shown = suppressed(frame["rows"], frame["behind"], least)
    frame["rows"] = pd.array(shown, dtype="Int64")
    frame["reward"] = frame["reward"].where(frame["rows"].notna())
    return frame.drop(columns="behind")
