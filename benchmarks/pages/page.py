"""A page about a log: a template filled in, its tables and pictures beside it, all for their owner alone."""

from __future__ import annotations

import base64
import itertools
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import escape
from matplotlib.figure import Figure

from benchmarks.pages.plots import render
from envs.logs.private import private, unarmed

_LIBRARIES = ("launchsim", "numpy", "scipy", "pandas", "simpy", "jax", "vowpalwabbit", "matplotlib")
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
    """Four significant figures, thousands in full; an en dash where there is none."""
    if pd.isna(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def template(name: str, **filters: Callable[..., str]) -> jinja2.Template:
    """A page of `benchmarks/pages/templates`, with these filters; what it is not given is an error."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("benchmarks.pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= filters
    return templates.get_template(name)


def kept_before(page: Path, command: str) -> None:
    """A page of another command that stands there already is kept beside, and the reader told."""
    if not page.exists() or str(escape(command)) in page.read_text(encoding="utf-8"):
        return
    number = next(n for n in itertools.count(1) if not page.with_stem(f"{page.stem}_before_{n}").exists())
    page.replace(before := page.with_stem(f"{page.stem}_before_{number}"))
    print(f"launchsim: the page that was here, of another command, is kept as {before}", file=sys.stderr)


def versions() -> str:
    """What this was made with."""
    return ", ".join(
        [f"Python {platform.python_version()}", *(f"{name} {metadata.version(name)}" for name in _LIBRARIES)]
    )


def number(value: float, digits: int = 0) -> str:
    """12,345; an en dash where there is none."""
    return "–" if pd.isna(value) else f"{round(value, digits) + 0.0:,.{digits}f}"  # + 0.0: no minus before a 0
