"""A suite: known problems played by our policies, each number beside the one that others have printed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from benchmarks.comparison.statistics import mean_interval
from benchmarks.suites import published
from benchmarks.suites.published import Published
from benchmarks.sweeps.runs import play_runs
from benchmarks.workers.jobs import Workers
from policies.policy import PolicyError

COLUMNS = ["case", "contestant", "ours", "lower", "upper", "runs", "seconds"]


@dataclass(frozen=True)
class Asked:
    """How a suite is to be played.

    Args:
        out: finished runs are kept there and not played again.
        small: fewer and shorter runs, for a look within minutes; the numbers are further from those printed.
        workers: runs at once, or an executor.
        progress: show a bar on stderr.
        data: files with a label column, for the suites that play such.
        label: that column.
    """

    out: Path
    small: bool = False
    workers: Workers = 1
    progress: bool = False
    data: tuple[Path, ...] = ()
    label: str = "label"


def play(name: str, asked: Asked) -> pd.DataFrame:
    """The suite's table: COLUMNS, then `published`, `error`, `source`, `changed` where somebody printed a number.

    Raises:
        PolicyError: there is no such suite.
    """
    known = published.suites()
    if name not in known:
        raise PolicyError(f"suite must be one of {', '.join(known)}, got {name!r}")
    rows: pd.DataFrame = _module(name).rows(asked)
    return beside(name, rows)


def told(name: str, table: pd.DataFrame) -> str:
    """The table as it stands in a page; a suite whose file has a `told` of its own shows it in its own way."""
    own: Callable[[pd.DataFrame], str] | None = getattr(_module(name), "told", None)
    return markdown(table, published.measure(name)) if own is None else own(table)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.suites.{name}")


def beside(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with what others printed, or what the rows bring along themselves: a peer's number of the same run."""
    known = published.numbers(name)
    brought = rows.reindex(columns=["published", "source"]).itertuples(index=False)
    found = [
        known.get((case, contestant), Published(peer, None, source if isinstance(source, str) else "", ""))
        for case, contestant, (peer, source) in zip(rows.case, rows.contestant, brought, strict=True)
    ]
    return rows.assign(
        published=[one.value for one in found],
        error=[float("nan") if one.error is None else one.error for one in found],
        source=[one.source for one in found],
        changed=[one.changed for one in found],
    )


def rows_of(
    case: str,
    environments: Callable[[int], Any],
    contestants: Mapping[str, str],
    seeds: Sequence[int],
    read: Callable[[pd.DataFrame], pd.Series[float]],
    asked: Asked,
) -> pd.DataFrame:
    """One row a contestant: mean over seeds, with its interval.

    Args:
        case: what is played.
        environments: seed -> a fresh environment; must pickle.
        contestants: label -> policy call.
        seeds: of environment, policy and draws.
        read: one policy's last rows (index: seed) -> the number of each seed.
        asked: where, how many at once.
    """
    played = play_runs(
        environments,
        list(contestants.values()),
        seeds,
        days=1,
        folder=asked.out / "runs",
        key=repr(environments),
        workers=asked.workers,
        progress=asked.progress,
    )
    if played.failed:
        raise PolicyError(next(iter(played.failed.values())))
    return pd.DataFrame([_row(case, label, played.records, call, read) for label, call in contestants.items()])


def _row(case: str, label: str, records: pd.DataFrame, call: str, read: Any) -> dict[str, Any]:
    own = records[records.policy == call].set_index("seed")
    values = read(own)
    mean, lower, upper = (float(part) for part in mean_interval(values.to_numpy()))
    told = (case, label, mean, lower, upper, len(values), float(own.seconds.mean()))
    return dict(zip(COLUMNS, told, strict=True))


def markdown(table: pd.DataFrame, measure: str) -> str:
    """The table as it stands in a page."""
    head = f"| case | policy | {measure}, ours | interval | printed | runs | seconds a run |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *(_line(row) for row in table.to_dict("records"))])


def grid(columns: Iterable[Any], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells as it stands in a page."""
    head = list(map(str, columns))
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows)])


def _line(row: dict[Any, Any]) -> str:
    printed = "" if pd.isna(row["published"]) else f"{row['published']:,g}"
    if printed and not pd.isna(row["error"]):
        printed += f" ± {row['error']:g}"
    interval = "" if pd.isna(row["lower"]) else f"{_figure(row['lower'])} to {_figure(row['upper'])}"
    cells = (row["case"], row["contestant"], _figure(row["ours"]), interval, printed, row["runs"])
    seconds = "" if pd.isna(row["seconds"]) else f"{row['seconds']:.1f}"
    return "| " + " | ".join(str(cell) for cell in cells) + f" | {seconds} |"


def _figure(value: float) -> str:
    """Four digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
