"""What is known so far, in the words and pictures of the page."""

from __future__ import annotations

import base64
import shlex
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from benchmarks.app.differing import differences
from benchmarks.app.keeping import Kept
from benchmarks.app.playing import with_certain
from benchmarks.app.setup import Case, place
from benchmarks.compare import SoFar
from benchmarks.compared import Comparison
from benchmarks.comparison import drawn
from benchmarks.pages import figures, palette, plots, report
from benchmarks.pages.page import number, template
from benchmarks.pages.statuses import statuses
from simulator import toml

_MOST_DIFFERENCES = 60  # listed
_MOST_SET = 6  # changes that a command names one by one
_FILTERS = {"number": number, "signed": report.signed, "rate": report.rate}
_drawing = threading.Lock()  # the style of a picture is the whole process's


def answer(found: SoFar, pictures: bool = True) -> str:
    """The finding so far as HTML: sentences, gain and verdicts as pictures, what to do now."""
    comparison = found.comparison
    if comparison is None:
        return ""
    names = [*plots.pictures(comparison)][:2] if pictures else []
    images, told = _pictures(comparison, names)
    return template("so_far.html", **_FILTERS).render(
        answer=report.answer(comparison),
        comparison=comparison,
        pictures=names,
        images=images,
        alt=report.alts(comparison, told),
        statuses=statuses(comparison),
        colours=palette.colours(comparison.policies),
    )


def remark(state: str, found: SoFar | None, why: str = "") -> str:
    """How far the answer can be trusted, in a sentence or two."""
    if state == "failed":
        return f"It could not be played on: {why}"
    if found is None:
        return ""
    n, of = len(found.seeds), len(found.asked.seeds)
    waiting = f" Not in it yet: {', '.join(found.waiting)}." if found.waiting else ""
    if found.done == found.total:
        return f"All {of} seasons are played." if of > 1 else "The season is played."
    early = "A verdict that is looked at early is less sure than it says."
    if state == "playing":
        return f"So far, {n} of {of} seasons: bands narrow as more arrive. {early}{waiting}"
    return f"{n} of {of} seasons are played: press Run to go on from there. {early}{waiting}"


def differs(case: Case) -> str:
    """The list of all that is another than in the base, as HTML."""
    found = differences(case.base, case.scenario)
    more = max(len(found) - _MOST_DIFFERENCES, 0)
    base = Path(place(case.setup.base)).stem
    return template("differences.html").render(differences=found[:_MOST_DIFFERENCES], more=more, base=base)


def side_by_side(cases: Mapping[str, tuple[Case, SoFar]]) -> str:
    """Kept scenarios beside each other: the finding of each, and exactly what differs from its base."""
    return template("side_by_side.html", **_FILTERS).render(cards=[_card(name, *one) for name, one in cases.items()])


def _card(name: str, case: Case, found: SoFar) -> dict[str, Any]:
    card: dict[str, Any] = {"name": name, "policies": case.setup.policies, "differs": Markup(differs(case))}
    card |= {"seasons": len(found.seeds), "of": len(found.asked.seeds), "picture": "", "alt": ""}
    comparison = found.comparison
    if comparison is None:
        return card | {"answer": ["Not played yet: open it and press Run."]}
    name = "verdicts" if len(comparison.policies) > 1 else "sales"
    images, told = _pictures(comparison, [name])
    picture = {"picture": images[f"{name}_narrow"], "alt": report.alts(comparison, told)[name]}
    return card | picture | {"answer": report.answer(comparison)}


def _pictures(comparison: Comparison, names: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Wide and narrow ones as data addresses, and what their titles say."""
    images: dict[str, str] = {}
    told, height, on_phone = {}, plots.height_for(comparison), plots.height_for(comparison, narrow=True)
    with _drawing:
        for name in names:
            draw = plots.pictures(comparison)[name]
            wide = figures.figure(draw, comparison, height=height)
            narrow = figures.figure(draw, comparison, **figures.NARROW | {"height": on_phone})
            images |= {name: _address(wide), f"{name}_narrow": _address(narrow)}
            told[name] = " ".join(wide.axes[0].get_title(loc="left").split())
    return images, told


def _address(picture: Any) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(figures.render(picture, "svg")).decode()


def page(case: Case, found: SoFar, kept: Kept) -> Path:
    """Write the page of `launchsim compare` about what is known so far.

    Raises:
        OSError: there is nothing to tell yet, or it cannot be written.
    """
    if found.comparison is None:
        raise OSError("page must be of seasons that are played, got none: press Run first")
    comparison = with_certain(found.comparison, kept.runs)
    with _drawing:
        return report.write(kept.page(called(case)), comparison, command(case, comparison, kept))


def command(case: Case, comparison: Comparison, kept: Kept) -> str:
    """What is typed to play the same; runs of the app count as played, where it is typed in the same place."""
    source, sets = place(case.setup.base), []
    plain = all(isinstance(value, str | int | float) for value in case.changes.values())
    if drawn.calibrated(source) is not None or (plain and 0 < len(case.changes) <= _MOST_SET):
        sets = [
            word for key, value in case.changes.items() for word in ("--set", f"{key}={toml.written(value)}")
        ]  # fmt: skip
    elif case.changes:
        source = str(kept.scenario(called(case), case))
    typed = report.command_of(comparison, source, kept.folder)
    return f"{typed} {shlex.join(sets)}" if sets else typed


def called(case: Case) -> str:
    """What files of a setup are called: its name, or that of the base."""
    return case.setup.name or f"{Path(place(case.setup.base)).stem}_what_if"
