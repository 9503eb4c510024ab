"""What the columns of somebody else's log mean, read from TOML or proposed from their names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from envs.logs.rows import LogError

KINDS = ("number", "one-hot", "hash")
MISSING = ("drop", "mean", "median", "mode", "indicator")
UNITS = {"days": 1.0, "hours": 24.0, "minutes": 1440.0, "seconds": 86400.0, "milliseconds": 86400e3}  # a day has
EPOCHS = {"epoch seconds": 1e6, "epoch milliseconds": 1e3}  # microseconds of one: numbers that stand for dates

_ROLES = ("time", "action", "reward", "propensity", "available", "position", "user", "known", "id")
_SETTINGS = ("time_unit", "launched", "encoding", "delimiter", "table")
_NAMES = {  # what columns of such a role are usually called, the likeliest first
    "time": r"time|timestamp|t|date|datetime|ts|time_?stamp|event_?time|day|created_?at",
    "known": r"known|reward_?time|known_?at|conversion_?time|purchase_?time",
    "action": r"action|item_?id|action_?id|item|arm|arm_?id|chosen|product|product_?id|sku|article_?id",
    "reward": r"reward|click|clicked|clicks|purchase|purchased|conversion|revenue|sales|label",
    "propensity": r"propensity|propensity_?score|pscore|probability|prob|action_?probability|p",
    "available": r"available|available_?actions|candidates|action_?set|arms",
    "position": r"position|slot|rank",
    "user": r"user|user_?id|customer|customer_?id|visitor|visitor_?id|session_?user",
    "id": r"id|row_?id|event_?id|impression_?id|request_?id",
}


@dataclass(frozen=True)
class Context:
    """How one column becomes context features."""

    kind: str = (
        "number"  # standardised; "one-hot": a feature for each category; "hash": categories share `size` features
    )
    missing: str = (
        "drop"  # the row; or fill in the mean, median or mode; "indicator": the mean and a feature that says so
    )
    size: int = 16  # of a hashed column

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise LogError(f"context kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.missing not in MISSING:
            raise LogError(f"context missing must be one of {', '.join(MISSING)}, got {self.missing!r}")
        if self.kind != "number" and self.missing in ("mean", "median"):
            raise LogError(f"context missing must be drop, mode or indicator for categories, got {self.missing!r}")
        if not isinstance(self.size, int) or not 1 <= self.size <= 4096:
            raise LogError(f"context size must be a whole number from 1 to 4096, got {self.size!r}")


@dataclass(frozen=True)
class Columns:
    """Which column of a log plays which role. Every role is the name of a column; empty where there is none."""

    time: str
    action: str
    reward: str
    propensity: str = ""
    available: str = ""  # a list, or text like "a|b|c": the actions that could have been taken
    position: str = ""
    user: str = ""
    known: str = ""  # when the reward became known
    id: str = ""  # of the row: a second row of the same id is rejected
    context: Mapping[str, Context] = field(default_factory=dict)
    actions: int | tuple[str, ...] | None = None  # K ids from 0, or names; those in the log where not given
    time_unit: str = "days"  # of times that are numbers; times that are dates count from the first
    launched: str = "always"  # "first seen": without an available set, an action is available from its first row on
    encoding: str = "utf-8"  # of a CSV file
    delimiter: str = ""  # of a CSV file; found in its first line where not given
    table: str = ""  # of a DuckDB database with several

    def __post_init__(self) -> None:
        if self.time_unit not in UNITS | EPOCHS:
            raise LogError(f"time_unit must be one of {', '.join(UNITS | EPOCHS)}, got {self.time_unit!r}")
        if self.launched not in ("always", "first seen"):
            raise LogError(f"launched must be always or first seen, got {self.launched!r}")
        named = list(self.roles().values())
        for column in named + list(self.context):
            if (named + list(self.context)).count(column) > 1:
                raise LogError(f"column must have one role, got {column!r} in several")

    def roles(self) -> dict[str, str]:
        """Role -> column, of the roles that are filled."""
        return {role: getattr(self, role) for role in _ROLES if getattr(self, role)}

    @classmethod
    def of(cls, columns: Any) -> Columns:
        """From a `Columns`, a mapping, or the path of a TOML file.

        Raises:
            LogError: the file is no TOML, or has a key or value that means nothing here.
        """
        if isinstance(columns, Columns):
            return columns
        where = "columns"
        if not isinstance(columns, Mapping):
            where = str(columns)
            columns = _toml(Path(columns))
        known = [f.name for f in fields(cls)]
        for key in columns:
            if key not in known:
                raise LogError(f"{where}: key must be one of {', '.join(known)}, got {key!r}")
        for role in ("time", "action", "reward"):
            if not columns.get(role):
                raise LogError(f"{where}: {role} must name a column, got none")
        for role in _ROLES:
            if not isinstance(columns.get(role, ""), str):
                raise LogError(f"{where}: {role} must be the name of a column, got {columns[role]!r}")
        context = {name: _context(where, name, value) for name, value in columns.get("context", {}).items()}
        return cls(**{**columns, "context": context, "actions": _actions(where, columns.get("actions"))})

    def text(self) -> str:
        """The TOML file that gives this back."""
        lines = [f"{role} = {_quoted(column)}" for role, column in self.roles().items()]
        if isinstance(self.actions, int):
            lines.append(f"actions = {self.actions}")
        elif self.actions is not None:
            lines.append(f"actions = [{', '.join(map(_quoted, self.actions))}]")
        changed = [name for name in _SETTINGS if getattr(self, name) != getattr(Columns, name)]
        lines += [f"{name} = {_quoted(getattr(self, name))}" for name in changed]
        lines += ["", "[context]"] if self.context else []
        for name, how in self.context.items():
            size = f", size = {how.size}" if how.kind == "hash" else ""
            lines.append(f'{_quoted(name)} = {{ kind = "{how.kind}", missing = "{how.missing}"{size} }}')
        return "\n".join(lines) + "\n"


def propose(types: Mapping[str, str], distinct: Mapping[str, int], largest: Mapping[str, float]) -> Columns:
    """A first guess from column names, types and numbers of distinct values.

    Args:
        types: column -> "number", "text", "time" or "list".
        distinct: column -> how many different values it has, about.
        largest: column -> its largest value, of those that are numbers.

    Raises:
        LogError: no column looks like a time, an action or a reward.
    """
    roles: dict[str, Any] = {}
    for role, names in _NAMES.items():
        for name in names.split("|"):
            match = [c for c in types if c not in roles.values() and re.fullmatch(name, c.strip(), re.IGNORECASE)]
            if match and role not in roles:
                roles[role] = match[0]
    for role in ("time", "action", "reward"):
        if role not in roles:
            there = ", ".join(map(repr, types))
            raise LogError(f"columns must have one for {role}, found none among {there}: name it in a TOML file")
    context = {
        column: _guess(types[column], distinct[column])
        for column in types
        if column not in roles.values() and types[column] in ("number", "text") and distinct[column] > 1
        and not re.fullmatch(r"column\d*|index|unnamed.*|.*_?(id|email|phone|name|address|ip)", column, re.IGNORECASE)
    }  # fmt: skip
    return Columns(**roles, context=context, time_unit=_unit(largest.get(roles["time"], 0.0)))


def _unit(largest: float) -> str:
    """Numbers this large (1973 in seconds) are no days of a season."""
    return "epoch milliseconds" if largest > 1e11 else "epoch seconds" if largest > 1e8 else "days"


def _guess(kind: str, distinct: int) -> Context:
    if kind == "number":
        return Context("number", "mean")
    return Context("one-hot", "indicator") if distinct <= 32 else Context("hash", "indicator", 32)


def _context(where: str, name: str, value: Any) -> Context:
    if isinstance(value, Context):
        return value
    settings = {"kind": value} if isinstance(value, str) else value
    known = [f.name for f in fields(Context)]
    if not isinstance(settings, Mapping) or not set(settings) <= set(known):
        raise LogError(f"{where}: context {name!r} must be a kind or a table of {', '.join(known)}, got {value!r}")
    return Context(**settings)


def _actions(where: str, value: Any) -> int | tuple[str, ...] | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    if isinstance(value, (list, tuple)) and value:
        return tuple(str(name) for name in value)
    raise LogError(f"{where}: actions must be a number above 0 or a list of names, got {value!r}")


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise LogError(f"columns must be a TOML file that exists, got {str(path)!r}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise LogError(f"columns must be a TOML file, got {str(path)!r} ({reason})") from None


def _quoted(text: str) -> str:
    """As a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " else f"\\u{ord(c):04x}" for c in escaped) + '"'
