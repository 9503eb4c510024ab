"""A page about a log: a template filled in, its tables and pictures beside it, all for their owner alone."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from benchmarks.plots import render
from benchmarks.report import number, template, versions
from envs.private import private, unarmed

MOST_ITEMS = 40  # of a catalogue that are shown


def write(folder: Path, name: str, **what: Any) -> Path:
    """Fill in a template of ours as `index.html`; answers its path."""
    page = folder / "index.html"
    with private(page) as file:
        file.write(template(name, number=number, figures=figures).render(versions=versions(), **what))
    return page


def write_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """The table as Parquet and as CSV in which no text starts a formula."""
    with private(folder / f"{name}.parquet", "wb") as binary:
        table.to_parquet(binary, index=False)
    with private(folder / f"{name}.csv") as text:
        table.map(unarmed).to_csv(text, index=False)


def write_figure(folder: Path, name: str, figure: Figure) -> str:
    """The picture as files, and as the address of an image in the page."""
    content = {kind: render(figure, kind) for kind in ("svg", "png")}
    for kind, written in content.items():
        with private(folder / f"{name}.{kind}", "wb") as file:
            file.write(written)
    return "data:image/png;base64," + base64.b64encode(content["png"]).decode()


def figures(value: float) -> str:
    """Four significant figures; an en dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.4g}"
