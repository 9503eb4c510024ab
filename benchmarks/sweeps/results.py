"""What a folder of sweeps holds: a row a run, quick to read however many there are."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow

from benchmarks.sweeps.columns import SEASON_TOTALS
from benchmarks.sweeps.store import Store, is_part, parquet, put

if TYPE_CHECKING:  # results are read without loading what plays
    from benchmarks.sweeps.experiment import Experiment
    from benchmarks.sweeps.runs import Finished

_ABOUT = "experiment.json"
_FIRST = ("run", "scenario")
LAST = ("visits", "units", "revenue", "margin", "reward", "regret", "shortfall", *SEASON_TOTALS, "finished", "error")


class Results:
    """A folder of finished runs: `runs/` holds a file each, `results.parquet` a row each of those known when written.

    Args:
        folder: of a sweep.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "runs")

    @classmethod
    def of(cls, folder: str | Path) -> Results:
        """Those of a folder that a sweep has written.

        Raises:
            OSError: it is none.
        """
        found = cls(Path(folder))
        if not (found.folder / _ABOUT).is_file():
            raise OSError(f"results must be a folder that `launchsim sweep` wrote, got {str(folder)!r}")
        return found

    def claim(self, experiment: Experiment) -> None:
        """Make it the folder of an experiment.

        Raises:
            OSError: it cannot be written, or is that of something else.
        """
        about = self.folder / _ABOUT
        if about.exists():
            name = json.loads(about.read_text(encoding="utf-8")).get("name")
            if name != experiment.name:
                told = f"holds the experiment {name!r}, not {experiment.name!r}: choose another, or give it that name"
                raise OSError(f"folder {str(self.folder)!r} {told}")
        elif self.folder.exists() and any(not is_part(file) for file in self.folder.iterdir()):
            raise OSError(f"folder {str(self.folder)!r} holds something else than a sweep: choose another")
        put(about, experiment.text().encode())

    def table(self) -> pd.DataFrame:
        """A row a run that is there, finished or failed, from the index or its file."""
        known, there = self._indexed(), self._there()
        names, failed = known.run.to_numpy(object), (known.error != "").tolist()
        as_there = np.array([there.get(name) is bad for name, bad in zip(names, failed, strict=True)], bool)
        known = known[as_there]
        lacking = sorted(there.keys() - set(names[as_there]))
        rows = [found for name in lacking if (found := self._read(name, there[name])) is not None]
        return ordered(pd.concat([known, pd.DataFrame(rows)], ignore_index=True) if rows else known)

    def index(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write all that is known to `results.parquet`."""
        rows = list(rows)
        known = self._indexed()
        known = known[~known.run.isin({each["run"] for each in rows})]
        table = pd.concat([known, pd.DataFrame(rows)], ignore_index=True) if rows else known
        put(self.folder / "results.parquet", parquet(ordered(table)))

    def _indexed(self) -> pd.DataFrame:
        try:
            return pd.read_parquet(self.folder / "results.parquet")
        except (pyarrow.ArrowInvalid, OSError):
            return pd.DataFrame({"run": pd.Series(dtype=str), "error": pd.Series(dtype=str)})

    def _there(self) -> dict[str, bool]:
        """The runs that have a file, and whether that says why they failed; who finished has not failed."""
        failed = dict.fromkeys(_stems(self.store.folder / "failed", ".json"), True)
        return failed | dict.fromkeys(_stems(self.store.folder, ".parquet"), False)

    def _read(self, name: str, failed: bool) -> dict[str, Any] | None:
        file = self.store.failure(name) if failed else self.store.file(name)
        finished = pd.Timestamp(file.stat().st_mtime, unit="s", tz="UTC").floor("ms")
        if failed:
            about = json.loads(file.read_text(encoding="utf-8"))
            about.pop("traceback", None)
            return {"run": name, **about, "finished": finished}
        record = self.store.read(name)
        return None if record is None else _last(name, record.days) | {"finished": finished, "error": ""}


def row(each: Finished) -> dict[str, Any]:
    """A finished or failed run as a row of the table."""
    now = pd.Timestamp(datetime.datetime.now(datetime.UTC)).floor("ms")
    if each.record is None:
        about = {**each.run.labels, "policy": each.run.policy, "seed": each.run.seed}
        return {"run": each.run.name, **about, "finished": now, "error": each.reason}
    return _last(each.run.name, each.record.days) | {"finished": now, "error": ""}


def latest(table: pd.DataFrame) -> pd.DataFrame:
    """Of runs that differ in nothing but the code or packages that played them, the last."""
    what = [column for column in table.columns if column not in (*LAST, "run")]
    return table.sort_values("finished", kind="stable").drop_duplicates(what, keep="last")


def _last(name: str, days: pd.DataFrame) -> dict[str, Any]:
    return {"run": name} | {str(name): values.iloc[-1] for name, values in days.items() if name != "day"}


class ResultsError(OSError):
    """What cannot be told of results; the message is one line."""


def where(table: pd.DataFrame, condition: str) -> pd.DataFrame:
    """The rows for which a condition of SQL holds, as DuckDB reads it: `"arrivals.per_day" > 400 and seed < 5`.

    Raises:
        ResultsError: it is none.
    """
    import duckdb

    with duckdb.connect(config={"enable_external_access": False}) as database:
        try:
            database.register("runs", table.assign(row=range(len(table))))
            rows = database.sql(f"select row from runs where ({condition}) order by row").fetchall()
        except duckdb.Error as reason:
            said = str(reason).splitlines()[0]
            raise ResultsError(
                f"condition must be SQL over the columns of the results, got {condition!r} ({said})"
            ) from None
    return table.iloc[[row for (row,) in rows]]


def joined(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """The rows with what a CSV or Parquet table says of them, found by the columns that both have.

    Raises:
        ResultsError: it has none of the columns, or says two things of one row.
    """
    other = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    if not (shared := [column for column in other.columns if column in table.columns]):
        raise ResultsError(f"table to join must share a column with the results, got {', '.join(other.columns[:9])}")
    try:
        return table.merge(other, how="left", on=shared, validate="many_to_one")
    except (pd.errors.MergeError, ValueError) as reason:
        raise ResultsError(f"table to join must have one row for each {', '.join(shared)}, got {reason}") from None


def ordered(table: pd.DataFrame) -> pd.DataFrame:
    """What names a run first, what came of it last."""
    between = [column for column in table.columns if column not in (*_FIRST, *LAST)]
    columns = [*_FIRST, *between, *LAST]
    table = table.reindex(columns=[column for column in columns if column in table.columns or column == "run"])
    kinds = {"seed": "int64", "visits": "float64"}  # a failed run has none
    return table.astype({column: kind for column, kind in kinds.items() if column in table.columns})


def _stems(folder: Path, suffix: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name.removesuffix(suffix) for entry in entries if entry.name.endswith(suffix)]
    except FileNotFoundError:
        return []
