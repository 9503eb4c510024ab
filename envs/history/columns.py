"""What the columns of a shop's tables mean, read from TOML or proposed from their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from envs.history import names
from envs.logs.columns import read_toml, toml_text
from envs.logs.csv_files import is_number
from envs.logs.rows import LogError
from simulator.history import ACTIONS

TABLES = ("goods", "behavior", "invoices")
FILLS = ("drop", "mean", "median", "mode", "keep")
_ROLES = {"goods": tuple(names.GOODS), "behavior": tuple(names.LINES), "invoices": tuple(names.LINES)}
_NEEDED = {"goods": ("id",), "behavior": ("item", "time"), "invoices": ("item", "time", "quantity", "price")}
_HINTS = {  # what else there may be in place of a role
    "action": ' (or every_row = "view")',
    "price": " (or total, that of all pieces of a line)",
    "quantity": ' (or, where each line is one piece, read it as behavior with every_row = "buy")',
}
_SETTINGS = ("every_row", "time_format", "time_zone", "decimal", "thousands", "encoding", "delimiter", "table")


@dataclass(frozen=True)
class Table:
    """Which column of a table plays which role, and how its text is written."""

    roles: Mapping[str, tuple[str, ...]]  # role -> its columns: one; several of a time's parts
    features: tuple[str, ...] | None = None  # of goods: further numeric columns; all where not given
    every_row: str = ""  # of behavior without a column of actions: the action that every row is
    time_format: str = ""  # of text, as of strptime; found where not given
    time_zone: str = "UTC"  # of the shop's clock, such as "Asia/Shanghai", for epochs and times with an offset
    decimal: str = ""  # of numbers as text: "." or ","; found where not given
    thousands: str = ""  # what stands between thousands
    encoding: str = "utf-8"  # of a CSV file
    delimiter: str = ""  # of a CSV file; found in its first line where not given
    header: tuple[str, ...] = ()  # names of the columns of a CSV file whose first line has none
    table: str = ""  # of a DuckDB database with several
    left_out: tuple[str, ...] = ()  # roles that no column has, whatever it is called

    @property
    def priced(self) -> str:
        """The role that tells the price: of a piece, or the total of a line's pieces."""
        return "total" if "total" in self.roles else "price"

    def name(self, role: str) -> str:
        """What the role's column is called; the role, where there is none."""
        return " ".join(self.roles.get(role, (role,)))


@dataclass(frozen=True)
class Columns:
    """What the tables' columns mean, and how they are cleaned."""

    goods: Table | None = None
    behavior: Table | None = None
    invoices: Table | None = None
    words: Mapping[str, str] = field(default_factory=dict)  # what a word of the action column means, beside usual ones
    missing: Mapping[str, str] = field(default_factory=dict)  # role or feature -> one of `FILLS`
    duplicates: str = "drop"  # or "keep": a line that repeats an earlier one in every role
    fees: tuple[str, ...] | None = None  # codes that are no products; by their looks where not given
    nobody: tuple[str, ...] | None = None  # ids of users that are nobody known; by their looks where not given
    visit_minutes: float = 30.0  # without orders, a user's lines are one visit until a pause of so long

    @classmethod
    def of(cls, columns: Any) -> Columns:
        """From a `Columns`, a mapping, the path of a TOML file, or None.

        Raises:
            LogError: the file is no TOML, or has a key or value that means nothing here.
        """
        if isinstance(columns, Columns):
            return columns
        where = "columns" if columns is None or isinstance(columns, Mapping) else str(columns)
        values = dict(columns if isinstance(columns, Mapping) else read_toml(Path(columns)) if columns else {})
        _among(where, "key", values, [f.name for f in fields(cls)])
        for table in TABLES:
            if table in values:
                values[table] = _table(f"{where}: [{table}]", table, values[table])
        for key in ("words", "missing"):
            values[key] = _texts(f"{where}: [{key}]", values.get(key, {}), ACTIONS if key == "words" else FILLS)
        for key in ("fees", "nobody"):
            if key in values:
                values[key] = _names(f"{where}: {key}", values[key])
        return cls(**values)

    def __post_init__(self) -> None:
        if self.duplicates not in ("drop", "keep"):
            raise LogError(f"duplicates must be drop or keep, got {self.duplicates!r}")
        if not isinstance(self.visit_minutes, (int, float)) or not self.visit_minutes > 0:
            raise LogError(f"visit_minutes must be a number above 0, got {self.visit_minutes!r}")

    def text(self) -> str:
        """The TOML file that gives this back."""
        lines = [] if self.duplicates == "drop" else ['duplicates = "keep"']
        lines += [] if self.fees is None else [f"fees = {_listed(self.fees)}"]
        lines += [] if self.nobody is None else [f"nobody = {_listed(self.nobody)}"]
        lines += [] if self.visit_minutes == Columns.visit_minutes else [f"visit_minutes = {self.visit_minutes}"]
        for name in TABLES:
            lines += _section(name, getattr(self, name))
        for name, values in (("words", self.words), ("missing", self.missing)):
            lines += ["", f"[{name}]"] if values else []
            lines += [f"{toml_text(key)} = {toml_text(value)}" for key, value in values.items()]
        return "\n".join(lines).strip("\n") + "\n"


def proposed(kind: str, given: Table | None, there: Mapping[str, str]) -> Table:
    """What a table's columns mean: as given, the others by their names.

    Args:
        kind: "goods", "behavior" or "invoices".
        there: the table's columns.

    Raises:
        LogError: a column that is named is not there, or none was found for a role that must have one.
    """
    table = given or Table({})
    table = replace(table, roles=_recognised(kind, table, there))
    listed = ", ".join(map(repr, there))
    unnamed = "; or give header = [...], as its first line is a row" if any(map(is_number, there)) else ""
    for role in (*_NEEDED[kind], *(("action",) if kind == "behavior" and not table.every_row else ())):
        if (table.priced if role == "price" else role) not in table.roles:
            hint = _HINTS.get(role, "")
            raise LogError(
                f"{kind} must have a column for {role}, found none among {listed}: name it in TOML{hint}{unnamed}"
            )
    for role, columns in [*table.roles.items(), ("features", table.features or ())]:
        for column in columns:
            if column not in there:
                raise LogError(f"column {column!r} ({role}) must be in {kind}, which has {listed}")
    return table


def _recognised(kind: str, table: Table, there: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The roles named, and those that the other columns have by their names; one of price and total."""
    named = [column for columns in table.roles.values() for column in columns]
    known = names.GOODS if kind == "goods" else names.LINES
    taken = {*table.roles, *table.left_out, *({"price", "total"} if {"price", "total"} & set(table.roles) else ())}
    open_roles = {role: usual for role, usual in known.items() if role not in taken}
    found = names.recognised((column for column in there if column not in named), open_roles)
    if "price" in found:
        found.pop("total", None)
    return {**table.roles, **{role: (column,) for role, column in found.items()}}


def _table(where: str, kind: str, values: Any) -> Table:
    known = [*_ROLES[kind], *_SETTINGS, "header", *(["features"] if kind == "goods" else [])]
    _among(where, "key", values, known)
    given = [role for role in _ROLES[kind] if role in values]
    roles = {role: _names(f"{where}: {role}", values[role]) for role in given if values[role] != ""}
    for role, columns in roles.items():
        if len(columns) != 1 and role != "time":
            raise LogError(f"{where}: {role} must be the name of a column, got {values[role]!r}")
    if {"price", "total"} <= set(roles):
        raise LogError(f"{where}: price or total must be named, got both")
    settings = {name: values[name] for name in _SETTINGS if name in values}
    for name, value in settings.items():
        if not isinstance(value, str):
            raise LogError(f"{where}: {name} must be text, got {value!r}")
    if settings.get("every_row") not in (None, *ACTIONS):
        raise LogError(f"{where}: every_row must be one of {', '.join(ACTIONS)}, got {settings['every_row']!r}")
    features = _names(f"{where}: features", values["features"]) if "features" in values else None
    header = _names(f"{where}: header", values["header"]) if "header" in values else ()
    left_out = tuple(role for role in given if values[role] == "")
    return Table(roles, features, header=header, left_out=left_out, **settings)


def _among(where: str, what: str, values: Any, known: list[str]) -> None:
    if not isinstance(values, Mapping):
        raise LogError(f"{where} must be a table of {', '.join(known)}, got {values!r}")
    for key in values:
        if key not in known:
            raise LogError(f"{where}: {what} must be one of {', '.join(known)}, got {key!r}")


def _texts(where: str, values: Any, meant: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(values, Mapping):
        raise LogError(f"{where} must be a table, got {values!r}")
    for key, value in values.items():
        if value not in meant:
            raise LogError(f"{where}: {key!r} must be one of {', '.join(meant)}, got {value!r}")
    return dict(values)


def _names(where: str, value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)) or not all(isinstance(name, str) and name for name in listed):
        raise LogError(f"{where} must be the name of a column, or several, got {value!r}")
    return tuple(listed)


def _section(name: str, table: Table | None) -> list[str]:
    if table is None:
        return []
    lines = ["", f"[{name}]"]
    for role, columns in table.roles.items():
        lines.append(f"{role} = {toml_text(columns[0]) if len(columns) == 1 else _listed(columns)}")
    lines += [f'{role} = ""' for role in table.left_out]
    if table.features is not None:
        lines.append(f"features = {_listed(table.features)}")
    if table.header:
        lines.append(f"header = {_listed(table.header)}")
    changed = [setting for setting in _SETTINGS if getattr(table, setting) != getattr(Table, setting)]
    return lines + [f"{setting} = {toml_text(getattr(table, setting))}" for setting in changed]


def _listed(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(map(toml_text, values)) + "]"
