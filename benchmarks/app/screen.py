"""The screen: what the browser shows of a desk, and what it tells it; nothing is decided here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pandas as pd
from htmltools import Tag, TagList
from shiny import App, Inputs, Session, reactive, render, ui

import policies
from benchmarks.app import goods, showing
from benchmarks.app.desk import Desk, Faults
from benchmarks.app.knobs import Knob
from simulator.scenario import Scenario

_HERE = Path(__file__).parent
_STYLE = [_HERE.parent / "pages" / "templates" / "style.css", _HERE / "screen.css"]
_NEED_SETTINGS = ("rule",)  # such policies are typed
_HELD = ("base", "policies", "seeds", "measure", "baseline")  # inputs that hold something when the page opens
_EVERY = 0.25  # seconds between two looks at the desk
_MEASURES = {"": "as in the scenario", "units": "units", "revenue": "revenue (EUR)", "margin": "margin (EUR)"}


def screen(desk: Desk) -> App:
    """The application; every tab shows the same desk."""
    return App(lambda request: _page(desk), lambda input, output, session: _Tab(desk, input, session).serve())


def _page(desk: Desk) -> Tag:
    return ui.page_fluid(
        ui.head_content(ui.tags.link(rel="icon", href="data:,")),
        ui.tags.style("\n".join(file.read_text(encoding="utf-8") for file in _STYLE)),
        ui.tags.script((_HERE / "screen.js").read_text(encoding="utf-8")),
        ui.tags.main(
            ui.p("launchsim", class_="kicker"),
            ui.h1("What if?"),
            ui.div(
                ui.tags.section(*_choices(desk), class_="choices", aria_label="Choices"),
                ui.tags.section(*_answers(), class_="answers", aria_label="Answer"),
                class_="desk",
            ),
            class_="app",
        ),
        title="What if? launchsim",
        lang="en",
    )


def _choices(desk: Desk) -> list[Any]:
    return [*_season(desk), *_turned(desk), *_products(), *_contenders(desk)]


def _season(desk: Desk) -> list[Any]:
    return [
        ui.h2("The season"),
        ui.input_select("base", "Scenario", _sources(desk), selected=desk.setup.base),
        ui.p(_about(desk), class_="small"),
        ui.tags.details(
            ui.tags.summary("A scenario of your own"),
            ui.div(
                ui.input_text("path", "TOML, or folder that calibrate wrote", placeholder="my_shop.toml"),
                ui.input_action_button("open", "Open"),
                class_="add",
            ),
            ui.input_file("toml", "Or hand a TOML over", accept=[".toml"]),
        ),
    ]


def _about(desk: Desk) -> str:
    try:
        return " ".join(desk.base.about.split())
    except Faults as fault:
        return str(fault)


def _sources(desk: Desk) -> dict[str, Any]:
    """The scenarios that one chooses from, by kind."""
    kept = {f"kept:{name}": name for name in desk.kept.names()}
    own = {} if desk.setup.base in Scenario.names() else {desk.setup.base: Path(desk.setup.base).name}
    groups = {"In the package": {name: name for name in Scenario.names()}, "Yours": own, "Kept here": kept}
    return {title: group for title, group in groups.items() if group}


def _turned(desk: Desk) -> list[Any]:
    return [
        ui.h2("What is turned"),
        *(_slider(knob, desk.setup.turned.get(knob.name, knob.start)) for knob in desk.knobs),
    ]


def _slider(knob: Knob, value: float) -> Tag:
    name = f"knob_{knob.name}"
    bounds = {"min": min(knob.low, value), "max": max(knob.high, value), "step": knob.step, "value": value}
    slider = ui.tags.input(type="range", id=name, data_knob=knob.name, data_unit=knob.unit, **bounds)
    return ui.div(
        ui.tags.label(knob.label, ui.tags.output(id=f"{name}_value", for_=name), for_=name), slider, class_="knob"
    )


def _products() -> list[Any]:
    return [
        ui.h2("Products"),
        ui.p("Double-click a cell (or press Enter on it) to type. Stock empty: never sold out.", class_="small"),
        ui.output_data_frame("products"),
        ui.input_file("csv", "Products from a CSV", accept=[".csv", "text/csv"]),
        ui.div(
            ui.download_button("products_csv", "Products as CSV", class_="btn-sm"),
            ui.input_action_button("reset", "All as in the scenario", class_="btn-sm"),
            class_="buttons",
        ),
    ]


def _contenders(desk: Desk) -> list[Any]:
    chosen = desk.setup.policies
    names = [name for name in [*policies.names(), "oracle"] if name not in _NEED_SETTINGS]
    calls = list(dict.fromkeys([*names, *desk.foreign, *chosen]))
    return [
        ui.h2("Policies"),
        ui.input_checkbox_group("policies", "Who plays", {call: call for call in calls}, selected=chosen),
        ui.div(
            ui.input_text("call", "With settings", placeholder="linucb(alpha=0.5)"),
            ui.input_action_button("add", "Add"),
            class_="add",
        ),
        ui.div(
            ui.input_numeric("seeds", "Seasons", desk.setup.seeds, min=1, max=200),
            ui.input_select("measure", "Judged by", _MEASURES, selected=desk.setup.measure or ""),
            class_="two",
        ),
        ui.input_select(
            "baseline", "Compared with", {"": "uniform, or the first"} | {call: call for call in chosen},
            selected=desk.setup.baseline or "",
        ),
    ]  # fmt: skip


def _answers() -> list[Any]:
    return [
        ui.div(
            ui.input_action_button("run", "Run", class_="btn-primary"),
            ui.input_action_button("stop", "Stop"),
            ui.div(ui.output_ui("progress"), class_="line", role="status", aria_live="polite"),
            class_="runbar",
        ),
        ui.div(ui.output_ui("fault"), role="alert"),
        ui.output_ui("answer"),
        ui.h2("What differs"),
        ui.output_ui("differs"),
        ui.h2("Keep and hand on"),
        ui.div(
            ui.input_text("name", "Name", placeholder="double traffic"),
            ui.input_action_button("keep", "Keep"),
            class_="add",
        ),
        ui.div(
            ui.output_ui("page_button"),
            ui.download_button("scenario", "The scenario as TOML", class_="btn-sm"),
            class_="buttons",
        ),
        ui.h2("Side by side"),
        ui.output_ui("kept"),
        ui.output_ui("side_by_side", class_="cards-kept"),
    ]


class _Tab:
    """One tab of the browser."""

    def __init__(self, desk: Desk, input: Inputs, session: Session) -> None:
        self._desk, self._input, self._session = desk, input, session
        # Named, for else Shiny searches all of the stack's files for a name.
        self._fault = reactive.value("", name="fault")
        self._looks: list[tuple[Callable[[], Any], Any]] = []

    def serve(self) -> None:
        """Connect what is typed to the desk, and the desk to what is shown."""
        self._listen()
        self._show_progress()
        self._show_answer()
        self._show_products()
        self._show_kept()
        self._hand_on()
        watching = asyncio.get_running_loop().create_task(self._watch())
        self._session.on_ended(watching.cancel)

    async def _do(self, act: Callable[..., Any], *what: Any, anew: bool = False, **named: Any) -> Any:
        """Tell the desk; a fault is one line, and nothing has changed."""
        try:
            answer = await asyncio.to_thread(act, *what, **named)
        except Faults as fault:
            self._fault.set(str(fault))
            return None
        self._fault.set("")
        if anew:
            await self._session.send_custom_message("reload", {})
        return answer

    def _on(self, name: str, act: Callable[[Any], Any]) -> None:
        """Do something whenever an input changes; not when the page opens, and those that hold something tell it."""

        @reactive.effect
        @reactive.event(self._input[name], ignore_init=name in _HELD)
        async def _() -> None:
            await act(self._input[name]())

    def _listen(self) -> None:
        desk, do = self._desk, self._do
        self._on("base", lambda value: do(desk.open, value, anew=True))
        self._on("open", lambda _: do(desk.open, self._input.path().strip(), anew=True))
        self._on("toml", lambda files: self._handed(files, desk.open_file, anew=True))
        self._on("csv", lambda files: self._handed(files, lambda _, content: desk.read_products(content)))
        self._on("too_large", lambda file: self._too_large(**file))
        self._on("knob", lambda knob: do(desk.turn, knob["name"], float(knob["value"])))
        self._on("reset", lambda _: do(desk.as_in_scenario, anew=True))
        self._on("policies", lambda calls: do(desk.choose, list(calls or [])))
        self._on("add", lambda _: do(desk.add, self._input.call(), anew=True))
        self._on("seeds", lambda seeds: do(desk.change, seeds=seeds))
        self._on("measure", lambda measure: do(desk.change, measure=measure or None))
        self._on("baseline", lambda baseline: do(desk.change, baseline=baseline or None))
        self._on("run", lambda _: do(desk.run))
        self._on("stop", lambda _: do(desk.stop))
        self._on("keep", lambda _: self._keep())
        self._on("act", lambda act: self._act(**act))

    async def _handed(self, files: Any, act: Callable[[str, bytes], Any], anew: bool = False) -> None:
        if files:
            await self._do(act, files[0]["name"], Path(files[0]["datapath"]).read_bytes(), anew=anew)

    async def _too_large(self, name: str, size: int) -> None:
        self._fault.set(f"file must have at most {goods.MOST_BYTES:,} bytes, got {size:,} in {name!r}")

    async def _keep(self) -> None:
        await self._do(self._desk.keep, self._input.name(), anew=True)

    async def _act(self, act: str, name: str) -> None:
        if act == "open":
            await self._do(self._desk.open, f"kept:{name}", anew=True)
        elif act == "forget":
            await self._do(self._desk.forget, name, anew=True)

    def _watched(self, what: Callable[[], Any]) -> Any:
        """A reactive value of the desk's, looked at again and again."""
        value = reactive.value(what(), name="watched")
        self._looks.append((what, value))
        return value

    async def _watch(self) -> None:
        """Look at the desk until the tab is closed: one timer for all, which ends without a word."""
        seen = [what() for what, _ in self._looks]
        while True:
            await asyncio.sleep(_EVERY)
            now = [what() for what, _ in self._looks]
            if now != seen:
                async with reactive.lock():
                    for (_, value), one in zip(self._looks, now, strict=True):
                        value.set(one)
                    await reactive.flush()
                seen = now

    def _show_progress(self) -> None:
        desk = self._desk
        line = self._watched(desk.progress)
        fault = self._watched(lambda: desk.fault)

        @render.ui
        def progress() -> TagList:
            done, total, words = line()
            bar = ui.tags.progress(value=done, max=max(total, 1), aria_label="Seasons played")
            return TagList(ui.span(words, id="words"), bar if total else None)

        @render.ui
        def fault_() -> Tag:
            return ui.p(self._fault() or fault(), class_="fault", id="fault_line")

        self._session.output(fault_, id="fault")

    def _show_answer(self) -> None:
        desk = self._desk
        shown = self._watched(lambda: (desk.answer, desk.remark(), desk.stale))
        there = self._watched(lambda: bool(desk.answer) and not desk.stale)
        setup = self._watched(lambda: desk.setup)

        @render.ui
        def answer() -> Tag | None:
            told, remark, stale = shown()
            note = "This is the answer to other choices than those at hand: press Run." if stale else remark
            notes = ui.p(note, class_="note", id="remark") if note else None
            if not told:
                return ui.div(notes, None if note else ui.p("Choose, then press Run.", class_="note"))
            return ui.div(notes, ui.div(ui.HTML(told), id="finding"))

        @render.ui
        def page_button() -> Any:
            return ui.download_button("page", "The page", class_="btn-sm") if there() else None

        @render.ui
        def differs() -> Any:
            setup()
            try:
                return ui.HTML(showing.differs(desk.case()))
            except Faults:
                return ui.p("See above what is wrong.")

    def _show_products(self) -> None:
        desk = self._desk
        table = self._watched(lambda: desk.table)

        @render.data_frame
        def products() -> Any:
            table()
            rows = [{column: str(goods.shown(row[column])) for column in goods.COLUMNS} for row in desk.rows]
            return render.DataGrid(pd.DataFrame(rows), editable=True, height="19rem", width="100%")

        @products.set_patch_fn
        async def _(*, patch: Any) -> Any:
            row, column = patch["row_index"], list(goods.COLUMNS)[patch["column_index"]]
            value = await self._do(desk.edit, row, column, patch["value"])
            return str(goods.shown(desk.rows[row][column] if value is None else value))

    def _show_kept(self) -> None:
        desk = self._desk
        names = self._watched(desk.kept.names)
        through = self._watched(lambda: (desk.kept.names(), desk.through))

        @render.ui
        def kept() -> Any:
            if not names():
                return ui.p("Nothing is kept yet: give what you see a name.", class_="small")
            return TagList(*(_kept_row(name) for name in names()))

        @render.ui
        async def side_by_side() -> Any:
            through()
            return ui.HTML(await asyncio.to_thread(desk.side_by_side))

    def _hand_on(self) -> None:
        desk = self._desk

        def called(ending: str) -> Callable[[], str]:
            return lambda: f"{showing.called(desk.case())}{ending}"

        @render.download_button(filename=called(".html"), media_type="text/html")
        async def page() -> AsyncIterator[bytes]:
            yield (await asyncio.to_thread(desk.page)).read_bytes()

        @render.download_button(filename=called(".toml"), media_type="application/toml")
        async def scenario() -> AsyncIterator[bytes]:
            yield desk.toml().read_bytes()

        @render.download_button(filename=called(".csv"), media_type="text/csv")
        async def products_csv() -> AsyncIterator[str]:
            yield goods.written(desk.rows)


def _kept_row(name: str) -> Tag:
    return ui.div(
        ui.span(name),
        ui.tags.button("Open", type="button", class_="btn btn-sm btn-default", data_act="open", data_name=name,
                       aria_label=f"Open {name}"),
        ui.tags.button("Forget", type="button", class_="btn btn-sm btn-default", data_act="forget", data_name=name,
                       aria_label=f"Forget {name}"),
        class_="kept-row",
    )  # fmt: skip
