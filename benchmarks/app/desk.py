"""The desk: what the person has chosen, what plays, what is known; it outlives every tab of the browser."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.app import goods, knobs, showing
from benchmarks.app.hands import Hands
from benchmarks.app.keeping import Kept
from benchmarks.app.playing import Play, kept
from benchmarks.app.setup import Case, Setup, base, case
from benchmarks.compare import SoFar
from benchmarks.sweeps.overrides import overridden
from policies.policy import PolicyError
from simulator.scenario import Scenario, ScenarioError

Faults = (ScenarioError, PolicyError, OSError)
_DRAWN = 5.0  # seconds that a picture may take


class Desk:
    """One for all tabs; every choice is on disk before the next.

    Args:
        folder: runs, names and the setup at hand lie there.
        processes: that play at once.
        start: a scenario to begin with, in place of what was at hand.
        foreign: calls of policies that are not ours and may be chosen: their code is run.
    """

    def __init__(self, folder: Path, processes: int, start: str | None = None, foreign: Sequence[str] = ()) -> None:
        self.kept = Kept(folder)
        self.foreign = list(foreign)
        self.hands = Hands(processes)
        self.version = 0  # another one as soon as there is something else to show
        self.table = 0  # another one as soon as the table of products is another than was typed
        self.through = 0  # how often all seasons of something were played
        self.setup = self._first(start)
        self.play: Play | None = None
        self.found: SoFar | None = None  # what is shown
        self.answer = ""
        self.fault = ""
        self._of: Setup | None = None  # what is shown is of this one
        self._lock = threading.RLock()
        self._look()

    def _first(self, start: str | None) -> Setup:
        last = self.kept.last() or Setup()
        last = last if start in (None, last.base) else Setup(base=str(start))
        try:
            base(last.base)
        except Faults:
            if start is not None:
                raise
            return Setup()  # its file is gone
        return last.changed(policies=list(dict.fromkeys([*last.policies, *self.foreign])))

    @property
    def base(self) -> Scenario:
        """The scenario that is turned and edited."""
        return base(self.setup.base)

    @property
    def rows(self) -> list[goods.Row]:
        """The table of products as it stands."""
        return self.setup.rows if self.setup.rows is not None else goods.rows(self.base)

    @property
    def knobs(self) -> list[knobs.Knob]:
        """The sliders that there are, as the table of products has it."""
        try:
            edited = overridden(self.base, goods.changes(self.base, self.rows))
        except ScenarioError:  # the table is at fault: told elsewhere
            edited = self.base
        return knobs.knobs(edited)

    def case(self) -> Case:
        """What would be played. Raises one of `Faults` where nothing can be."""
        return case(self.setup, self.foreign)

    @property
    def playing(self) -> bool:
        """Whether seasons are being played."""
        return self.play is not None and self.play.state == "playing"

    @property
    def stale(self) -> bool:
        """Whether what is shown is of other choices than those at hand."""
        return bool(self.answer) and self._of is not None and _played(self._of) != _played(self.setup)

    def change(self, **values: Any) -> None:
        """Choose something else. Raises ScenarioError where that cannot be chosen, and leaves all as it is."""
        with self._lock:
            if all(getattr(self.setup, name) == value for name, value in values.items()):
                return
            self.setup = self.setup.changed(**values)
            self.kept.hold(self.setup)
            self.hands.pool()  # whoever moves something is about to run
            self._look()

    def turn(self, name: str, value: float) -> None:
        """Move a slider."""
        knob = next((each for each in self.knobs if each.name == name), None)
        if knob is None:
            raise ScenarioError(f"slider must be one of {', '.join(each.name for each in self.knobs)}, got {name!r}")
        others = {other: at for other, at in self.setup.turned.items() if other != name}
        self.change(turned=others if value == knob.start else others | {name: value})

    def choose(self, calls: Sequence[str]) -> None:
        """Who plays; in the order in which they were chosen, so that colours stay."""
        before = [call for call in self.setup.policies if call in calls]
        chosen = [*before, *(call for call in calls if call not in before)]
        baseline = self.setup.baseline if self.setup.baseline in chosen else None
        self.change(policies=chosen, baseline=baseline)

    def add(self, call: str) -> None:
        """One more policy, such as `linucb(alpha=0.5)`. Raises PolicyError where there is none such."""
        more = self.setup.changed(policies=[*self.setup.policies, call.strip()])
        case(more, self.foreign)
        self.change(policies=more.policies)

    def open(self, source: str) -> None:
        """Begin with another scenario: a packaged one, a TOML, the folder of a calibrated shop."""
        if source.startswith("kept:"):
            self._at_hand(self.kept.read(source.removeprefix("kept:")))
            return
        base(source)
        self._at_hand(self.setup.changed(base=source, turned={}, rows=None, name="", measure=None))

    def open_file(self, called: str, content: bytes) -> None:
        """Begin with a TOML that was handed over."""
        self.open(self.kept.opened(called, content))

    def read_products(self, content: bytes) -> None:
        """Take the table of products from a CSV. Raises GoodsError, a line a fault, and leaves all as it is."""
        read = goods.read(content, self.base)
        case(self.setup.changed(rows=read), self.foreign)
        self.change(rows=read)
        self.table += 1

    def edit(self, number: int, column: str, text: Any) -> Any:
        """One cell of the table of products typed anew; what it says then."""
        rows = goods.edited(self.rows, number, column, text)
        self.change(rows=None if rows == goods.rows(self.base) else rows)
        return rows[number][column]

    def as_in_scenario(self) -> None:
        """The table of products and all sliders as the scenario has them."""
        self.change(rows=None, turned={})
        self.table += 1

    def run(self) -> None:
        """Play what is not kept yet. Raises one of `Faults` where it cannot be played."""
        with self._lock:
            self.stop()
            self.play = Play(self.case(), self.kept.runs, self.hands, self._tell)
            self.fault = ""
            self.play.start()
            self._told()

    def stop(self) -> None:
        """End what plays."""
        if self.play is not None:
            self.play.stop()
        self._told()

    def keep(self, name: str) -> None:
        """Keep what is chosen under a name."""
        self._at_hand(self.kept.keep(name, self.case()))

    def forget(self, name: str) -> None:
        """Take a name away."""
        self.kept.forget(name)
        self._told()

    def side_by_side(self) -> str:
        """All kept scenarios, as HTML."""
        cases = {}
        for name in self.kept.names():
            try:
                found = case(self.kept.read(name), self.foreign)
                cases[name] = found, kept(found, self.kept.runs)
            except Faults:
                continue  # its file is gone
        return showing.side_by_side(cases)

    def page(self) -> Path:
        """Write the page of what is shown."""
        found = self.case()
        return showing.page(found, kept(found, self.kept.runs), self.kept)

    def toml(self) -> Path:
        """Write the scenario at hand as TOML."""
        found = self.case()
        return self.kept.scenario(showing.called(found), found)

    def progress(self) -> tuple[int, int, str]:
        """Runs that are through, runs in all, and words."""
        play = self.play
        if play is None:
            return 0, 0, ""
        seasons = f"{play.seasons} of {play.case.setup.seeds} seasons"
        return play.done, play.total, f"{play.state}: {seasons}, {play.done} of {play.total} runs"

    def remark(self) -> str:
        """How far what is shown can be trusted."""
        state, why = (self.play.state, self.play.why) if self.play is not None else ("kept", "")
        return showing.remark(state, self.found, why)

    def close(self) -> None:
        """End all processes; what they have played is drawn first: Python must not go down in the middle of it."""
        self.stop()
        self.hands.let_go()
        if self.play is not None:
            self.play.join(_DRAWN)

    def _at_hand(self, chosen: Setup) -> None:
        with self._lock:
            self.setup = chosen
            self.kept.hold(chosen)
            self.table += 1
            self._look()

    def _look(self) -> None:
        """Show what was played of the choices at hand, if anything was; say what is wrong with them."""
        try:
            chosen = self.case()
            found = kept(chosen, self.kept.runs)
            self.fault = ""
            if found.comparison is not None and not (self.playing and not self.stale):
                self._show(found, chosen.setup)
        except Faults as fault:
            self.fault = str(fault)
        self._told()

    def _tell(self, play: Play, found: SoFar, pictures: bool) -> None:
        if play is self.play and found.comparison is not None:
            self._show(found, play.case.setup, pictures)
        self.through += found.done == found.total
        self._told()

    def _show(self, found: SoFar, of: Setup, pictures: bool = True) -> None:
        drawn = showing.answer(found, pictures)
        self.found, self.answer, self._of = found, drawn, of

    def _told(self) -> None:
        self.version += 1


def _played(chosen: Setup) -> dict[str, Any]:
    """What decides what is played: not what it is called."""
    return chosen.model_dump(exclude={"name"})
