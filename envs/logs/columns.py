"""What the columns of somebody else's log mean, read from TOML or proposed from their names."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from envs.logs.rows import LogError

KINDS = ("number", "one-hot", "hash")
MISSING = ("drop", "mean", "median", "mode", "indicator")
UNITS = {"days": 1.0, "hours": 24.0, "minutes": 1440.0, "seconds": 86400.0, "milliseconds": 86400e3}  # a day has
EPOCHS = {  # microseconds of one: numbers that stand for dates
    "epoch seconds": 1e6,
    "epoch milliseconds": 1e3,
    "epoch microseconds": 1.0,
    "epoch nanoseconds": 1e-3,
}
MOST_ACTIONS = 4096
MOST_CONTEXTS = 500  # columns; more do not fit into the memory that a log gets

_ROLES = ("time", "action", "reward", "propensity", "available", "position", "user", "known", "id", "weight")
_SETTINGS = ("time_unit", "time_format", "launched", "encoding", "delimiter", "decimal", "thousands", "table")


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
            raise LogError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.missing not in MISSING:
            raise LogError(f"missing must be one of {', '.join(MISSING)}, got {self.missing!r}")
        if self.kind != "number" and self.missing in ("mean", "median"):
            raise LogError(f"missing must be drop, mode or indicator for categories, got {self.missing!r}")
        if not isinstance(self.size, int) or not 1 <= self.size <= 4096:
            raise LogError(f"size must be a whole number from 1 to 4096, got {self.size!r}")


@dataclass(frozen=True)
class Items:
    """What a policy can see of each action: the features of its row in a second file, or of its rows in the log."""

    features: Mapping[str, Context]
    file: str = ""  # CSV, Parquet or what else a log can be; empty where the columns are the log's own
    id: str = ""  # of the file: the column with the names of the actions

    def __post_init__(self) -> None:
        if bool(self.file) != bool(self.id):
            raise LogError(f"items must have both file and id, or neither, got {self.file!r} and {self.id!r}")
        if not self.features:
            raise LogError("items must have features, got none")


@dataclass(frozen=True)
class Columns:
    """Which column of a log plays which role. Every role is the name of a column; empty where there is none."""

    time: str  # empty: rows are in the order of time, one a second
    action: str
    reward: str
    propensity: str | float | Mapping[str, float] = ""  # or one for all rows, or one for each action
    available: str = ""  # a list, or text like "a|b|c": the actions that could have been taken
    position: str = ""
    user: str = ""
    known: str = ""  # when the reward became known
    id: str = ""  # of the row: a second row of the same id is rejected
    weight: str = ""  # how many visits a row stands for, where a log was thinned out
    context: Mapping[str, Context] = field(default_factory=dict)
    actions: int | tuple[str, ...] | None = None  # K ids from 0, or names; those in the log where not given
    time_unit: str = "days"  # of times that are numbers; times that are dates count from the first
    launched: str = "always"  # "first seen": without an available set, an action is available from its first row on
    time_format: str = ""  # of times that are text, such as "%d.%m.%Y %H:%M"; not needed where years come first
    encoding: str = "utf-8"  # of a text file, by Python's name for it
    delimiter: str = ""  # of a CSV file; found in its first line where not given
    decimal: str = "."  # of numbers that are text
    thousands: str = ""  # the same: what may stand between groups of three digits
    table: str = ""  # of a DuckDB database with several
    negate: bool = False  # the reward is minus its column, which holds a cost
    items: Items | None = None

    def __post_init__(self) -> None:
        self._check_settings()
        if self.time_unit not in UNITS | EPOCHS:
            raise LogError(f"time_unit must be one of {', '.join(UNITS | EPOCHS)}, got {self.time_unit!r}")
        if self.launched not in ("always", "first seen"):
            raise LogError(f"launched must be always or first seen, got {self.launched!r}")
        met: set[str] = set()
        for column in [*self.roles().values(), *self.context, *self.shown()]:
            if column in met:
                raise LogError(f"column must have one role, got {column!r} in several")
            met.add(column)

    def _check_settings(self) -> None:
        for name in (*_SETTINGS, *_ROLES):
            value = getattr(self, name)
            if not isinstance(value, str) and name != "propensity":
                raise LogError(f"{name} must be text, got {value!r}")
        if not isinstance(self.negate, bool):
            raise LogError(f"negate must be true or false, got {self.negate!r}")
        if len(self.delimiter) > 1 or self.delimiter in ('"', "\n", "\r"):
            raise LogError(f"delimiter must be one character and no quote, got {self.delimiter!r}")
        if (
            self.decimal not in (".", ",")
            or len(self.thousands) > 1
            or self.thousands in (self.decimal, *"+-0123456789")
        ):
            got = f"{self.decimal!r} and {self.thousands!r}"
            raise LogError(f"decimal must be . or , and thousands another character or nothing, got {got}")
        if len(self.context) > MOST_CONTEXTS:
            raise LogError(f"context must have at most {MOST_CONTEXTS} columns, got {len(self.context)}")
        _check_encoding(self.encoding)
        _check_propensity(self.propensity)

    def roles(self) -> dict[str, str]:
        """Role -> column, of the roles that are filled."""
        found = {role: getattr(self, role) for role in _ROLES}
        return {role: column for role, column in found.items() if isinstance(column, str) and column}

    def shown(self) -> Mapping[str, Context]:
        """Columns of the log itself that are features of the action."""
        return {} if self.items is None or self.items.file else self.items.features

    @classmethod
    def of(cls, columns: Any) -> Columns:
        """From a `Columns`, a mapping, or the path of a TOML file.

        Raises:
            LogError: the file is no TOML, or has a key or value that means nothing here.
        """
        if isinstance(columns, Columns):
            return columns
        where, folder = "columns", Path()
        if not isinstance(columns, Mapping):
            where, folder = str(columns), Path(columns).parent
            columns = read_toml(Path(columns))
        known = [f.name for f in fields(cls)]
        for key in columns:
            if key not in known:
                raise LogError(f"{where}: key must be one of {', '.join(known)}, got {key!r}")
        for role in ("action", "reward"):
            if not columns.get(role):
                raise LogError(f"{where}: {role} must name a column, got none")
        for role in _ROLES:
            if role != "propensity" and not isinstance(columns.get(role, ""), str):
                raise LogError(f"{where}: {role} must be the name of a column, got {columns[role]!r}")
        made = {**columns, "time": columns.get("time", ""), "context": _contexts(where, "context", columns)}
        made["actions"] = _actions(where, columns.get("actions"))
        if made.get("items") is not None:
            made["items"] = _items(where, made["items"], folder)
        return cls(**made)

    def text(self) -> str:
        """The TOML file that gives this back."""
        lines = [f"{role} = {toml_text(column)}" for role, column in self.roles().items()]
        if isinstance(self.actions, int):
            lines.append(f"actions = {self.actions}")
        elif self.actions is not None:
            lines.append(f"actions = [{', '.join(map(toml_text, self.actions))}]")
        changed = [name for name in _SETTINGS if getattr(self, name) != getattr(Columns, name)]
        lines += [f"{name} = {toml_text(getattr(self, name))}" for name in changed]
        lines += ["negate = true"] if self.negate else []
        if isinstance(self.propensity, Mapping):
            lines += [f"propensity.{toml_text(name)} = {chance!r}" for name, chance in self.propensity.items()]
        elif self.propensity and not isinstance(self.propensity, str):
            lines.append(f"propensity = {self.propensity!r}")
        lines += _table("context", self.context)
        if self.items is not None:
            if self.items.file:
                lines += ["", "[items]", f"file = {toml_text(self.items.file)}", f"id = {toml_text(self.items.id)}"]
            lines += _table("items.features", self.items.features)
        return "\n".join(lines) + "\n"


def _table(name: str, columns: Mapping[str, Context]) -> list[str]:
    lines = ["", f"[{name}]"] if columns else []
    for column, how in columns.items():
        size = f", size = {how.size}" if how.kind == "hash" else ""
        lines.append(f'{toml_text(column)} = {{ kind = "{how.kind}", missing = "{how.missing}"{size} }}')
    return lines


def _contexts(where: str, key: str, settings: Mapping[str, Any]) -> dict[str, Context]:
    found = settings.get(key, {})
    if not isinstance(found, Mapping):
        raise LogError(f"{where}: {key} must be a table of columns, got {found!r}")
    return {name: _context(where, name, value) for name, value in found.items()}


def _items(where: str, settings: Any, folder: Path) -> Items:
    """A file is looked for where the TOML file is that names it."""
    if isinstance(settings, Items):
        return settings
    known = [f.name for f in fields(Items)]
    if not isinstance(settings, Mapping) or not set(settings) <= set(known):
        raise LogError(f"{where}: items must be a table of {', '.join(known)}, got {settings!r}")
    for key in ("file", "id"):
        if not isinstance(settings.get(key, ""), str):
            raise LogError(f"{where}: items {key} must be text, got {settings[key]!r}")
    file = settings.get("file", "")
    return Items(
        _contexts(where, "features", settings), os.path.abspath(folder / file) if file else "", settings.get("id", "")
    )


def _context(where: str, name: str, value: Any) -> Context:
    if isinstance(value, Context):
        return value
    settings = {"kind": value} if isinstance(value, str) else value
    known = [f.name for f in fields(Context)]
    if not isinstance(settings, Mapping) or not set(settings) <= set(known):
        raise LogError(f"{where}: context {name!r} must be a kind or a table of {', '.join(known)}, got {value!r}")
    try:
        return Context(**settings)
    except LogError as wrong:
        raise LogError(f"{where}: {name!r}: {wrong}") from None


def _actions(where: str, value: Any) -> int | tuple[str, ...] | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_ACTIONS:
        return value
    if isinstance(value, (list, tuple)) and 0 < len(set(map(str, value))) == len(value) <= MOST_ACTIONS:
        return tuple(str(name) for name in value)
    if value is None:
        return None
    raise LogError(
        f"{where}: actions must be a number from 1 to {MOST_ACTIONS} or a list of different names, got {value!r:.60}"
    )


def _check_encoding(name: str) -> None:
    try:
        "".encode(name)
    except (LookupError, ValueError, UnicodeError):
        raise LogError(f"encoding must be one that Python knows, such as cp1252 or utf-16, got {name!r}") from None


def _check_propensity(chances: Any) -> None:
    if isinstance(chances, str):
        return
    for chance in chances.values() if isinstance(chances, Mapping) else [chances]:
        if isinstance(chance, bool) or not isinstance(chance, (int, float)) or not 0 < chance <= 1:
            raise LogError(
                f"propensity must be a column, a number above 0 and at most 1, or one an action, got {chance!r}"
            )
    if isinstance(chances, Mapping) and not chances:
        raise LogError("propensity must be a column, a number above 0 and at most 1, or one an action, got none")


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says. Raises LogError in one line where it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise LogError(f"columns must be a TOML file that exists, got {str(path)!r}") from None
    except OSError as reason:
        raise LogError(f"columns must be a TOML file that can be read, got {str(path)!r} ({reason.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise LogError(f"columns must be a TOML file, got {str(path)!r} ({reason})") from None


def toml_text(text: str) -> str:
    """As a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " else f"\\u{ord(c):04x}" for c in escaped) + '"'
