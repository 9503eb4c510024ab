"""A page about a log: a template filled in, its tables and pictures beside it, all for their owner alone."""

from __future__ import annotations

import base64
import itertools
import platform
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pandas as pd
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.pages.figures import NARROW, figure, rendered
from envs.logs.private import private, unarmed


class Images(NamedTuple):
    """Pictures of a page: data addresses by name, narrow ones as `name_narrow`, and what each says."""

    addresses: dict[str, str]
    told: dict[str, str]


_LIBRARIES = ("launchsim", "numpy", "scipy", "pandas", "simpy", "jax", "vowpalwabbit", "matplotlib")
_FLAG = re.compile(r"(?<!\S)--[a-z-]+(?: \d+)?")
_FOLD = re.compile(r"(?<=[^\W\d_])[_:./(]+(?=\w)|,(?=[a-z])")  # linear_|thompson, linucb(|alpha=0.5), but not 0.5
MOST_ITEMS = 40  # of a catalogue that are shown


def write(folder: Path, name: str, **what: Any) -> Path:
    """Fill in a template of ours as `index.html`; answers its path."""
    page = folder / "index.html"
    with private(page) as file:
        made = {"versions": versions(), "command": typed()}
        file.write(template(name, number=number, figures=figures).render(made | what))
    return page


def write_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """The table as Parquet and as CSV in which no text starts a formula."""
    with private(folder / f"{name}.parquet", "wb") as binary:
        table.to_parquet(binary, index=False)
    with private(folder / f"{name}.csv") as text:
        table.map(unarmed).to_csv(text, index=False)


def draw_all(
    folder: Path,
    draws: Mapping[str, Callable[[Axes, Any], None]],
    subject: Any,
    tall: Mapping[str, tuple[float, float]] | None = None,
) -> Images:
    """Every picture as files, wide and narrow; the addresses of both in the page, and what their titles say.

    Args:
        folder: of the files.
        draws: what draws a picture into axes, by its name.
        subject: what is drawn.
        tall: inches that a picture of this name is high where that is not the usual, wide and narrow.
    """
    images, told = {}, {}
    for name, draw in draws.items():
        height, on_phone = (tall or {}).get(name, (4.4, NARROW["height"]))
        wide = figure(draw, subject, height=height)
        told[name] = words(wide)
        images[name] = write_figure(folder, name, wide)
        narrow = figure(draw, subject, **NARROW | {"height": on_phone})
        images[f"{name}_narrow"] = write_figure(folder, f"{name}_narrow", narrow)
    return Images(images, told)


def both(folder: Path, draws: Mapping[str, Callable[..., tuple[Figure, Any]]]) -> dict[str, str]:
    """Every picture as files, wide and `narrow`; the addresses of both in the page."""
    return {
        f"{name}_narrow" if narrow else name: write_figure(
            folder, f"{name}_narrow" if narrow else name, draw(narrow=narrow)[0]
        )
        for name, draw in draws.items()
        for narrow in (False, True)
    }


def words(drawn: Figure) -> str:
    """What the titles of a picture say."""
    return ". ".join(" ".join(axes.get_title(loc="left").split()) for axes in drawn.axes if axes.get_title(loc="left"))


def typed() -> str:
    """The command that was typed, for the page to be made again; nothing where no command was."""
    if Path(sys.argv[0]).stem not in ("launchsim", "__main__"):
        return ""
    return shlex.join(["launchsim", *sys.argv[1:]])


def write_figure(folder: Path, name: str, drawn: Figure) -> str:
    """The picture as files, and as the address of an image in the page."""
    content = rendered(drawn)
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
    templates.filters |= {
        "flags": flags,
        "folding": folding,
        "folding_label": folding_label,
        "folding_words": folding_words,
    } | filters
    return templates.get_template(name)


def flags(text: str) -> Markup:
    """The text with what one types after two hyphens, and a number behind it, kept on one line."""
    return Markup(_FLAG.sub(r'<span class="flag">\g<0></span>', str(escape(text))))


def folding(name: object) -> Markup:
    """A name that a narrow screen breaks between its words, not within one."""
    return Markup(_FOLD.sub(r"\g<0><wbr>", str(escape(name))))


def folding_label(name: object) -> str:
    """The same for an attribute, which can hold no tags; what is only a label is not copied from the page."""
    return _FOLD.sub("\\g<0>\u200b", str(name))


def folding_words(sentence: str) -> Markup:
    """A sentence whose names stand whole on the next line before they are broken."""
    words = ((word, folding(word)) for word in sentence.split(" "))
    return Markup(" ").join(
        Markup('<span class="whole">{}</span>').format(made) if "<wbr>" in made else escape(word)
        for word, made in words
    )


def kept_before(page: Path, command: str) -> None:
    """A page of another command that stands there already is kept beside, and the reader told."""
    if not page.exists() or flags(command) in page.read_text(encoding="utf-8"):
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
