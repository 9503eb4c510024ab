"""The app in a real browser: what a person does with it, and what it asks of whom."""

from __future__ import annotations

import csv
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.app.keeping import Kept
from benchmarks.app.setup import Setup

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
SHOP = """
title = "Corner shop"
about = "Three drinks."
days = 6
arrivals.per_day = 30
users.population = 400
refresh_minutes = 1440
products = [
    { title = "Tea", category = "hot", price = 10.0, incumbent = true },
    { title = "Mate", category = "hot", price = 10.0, stock = 40, launch = 0.0 },
    { title = "Cola", category = "cold", price = 8.0, launch = 2.0 },
]
"""


def _absent() -> str:
    if not CHROMIUM.exists():
        return f"{CHROMIUM} is absent: install chromium, or say where it is with CHROMIUM"
    lacking = [name for name in ("playwright", "shiny") if find_spec(name) is None]
    return f"{lacking[0]} is not installed" if lacking else ""


pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(_absent()), reason=_absent())]


@dataclass
class Opened:
    """An app that is served, and a tab that shows it."""

    folder: Path
    process: subprocess.Popen[str]
    address: str
    said: Path  # what it says on stderr
    page: Any = None
    asked: list[str] = field(default_factory=list)  # all that the browser asked for

    def does(self, what: Any, seconds: float = 60.0) -> Any:
        """Wait until it answers something true."""
        until = time.monotonic() + seconds
        while not (answer := what()):
            assert time.monotonic() < until, f"not within {seconds} s; the page says: {self.page.inner_text('main')}"
            self.page.wait_for_timeout(50)
        return answer

    def open(self) -> None:
        """Open the address, or open it again."""
        self.page.goto(self.address)
        self.page.wait_for_selector("#products table")
        self.idle()

    def idle(self) -> None:
        self.page.wait_for_selector("html:not(.shiny-busy)")

    def says(self, selector: str) -> str:
        """What stands there now; nothing while the page is built anew."""
        from playwright.sync_api import Error

        try:
            return str(self.page.locator(selector).first.inner_text(timeout=500))
        except Error:
            return ""

    def anew(self, selector: str) -> None:
        """Press what builds the page anew, and wait for it."""
        with self.page.expect_navigation():
            self.page.click(selector)
        self.page.wait_for_selector("#products table")
        self.idle()

    def run(self) -> None:
        """Press Run, and wait for the answer of all seasons."""
        self.page.click("#run")
        self.does(lambda: self.says("#remark").startswith("All "))

    def slide(self, knob: str, value: float) -> None:
        slider = self.page.locator(f"#knob_{knob}")
        slider.evaluate("(slider, value) => { slider.value = value }", value)
        slider.dispatch_event("input")
        slider.dispatch_event("change")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("app")
    shop = folder / "shop.toml"
    shop.write_text(SHOP)
    Kept(folder / "out").hold(Setup(base=str(shop), policies=["uniform", "popularity"], seeds=5))
    words = [sys.executable, "-m", "launchsim", "app", str(shop), "--port", "0", "--no-browser"]
    surroundings = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | {"HOST": "0.0.0.0", "PORT": "80"}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs tests in the background has it ignored
    said = folder / "said.txt"
    with said.open("w") as stderr:
        process = subprocess.Popen(
            [*words, "--out", str(folder / "out"), "-j", "1"],
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=folder,
        )
    assert process.stdout is not None
    address = re.search(r"http://\S+", process.stdout.readline())
    assert address
    yield Opened(folder, process, address[0], said)
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def tab(served: Opened, browser: Any) -> Iterator[Opened]:
    """A tab that shows it."""
    context = browser.new_context(accept_downloads=True, viewport={"width": 1280, "height": 900})
    served.page = context.new_page()
    served.page.on("request", lambda request: served.asked.append(request.url))
    served.page.on("websocket", lambda socket: served.asked.append(socket.url))
    served.open()
    yield served
    context.close()


@pytest.fixture
def app(tab: Opened) -> Opened:
    """The tab with the shop as it is, whatever was done there before."""
    if tab.page.locator(".fault:not(:empty)").count():
        tab.open()
    if "Nothing differs" not in tab.does(lambda: tab.says("#differs")):
        tab.anew("#reset")
    return tab


def test_a_slider_leads_to_a_new_answer(app: Opened) -> None:
    app.run()
    before = app.says("#finding h2")
    app.slide("traffic", 2)
    app.does(lambda: "press Run" in app.says("#remark"))
    app.does(lambda: "60" in app.says("#differs"))
    app.run()
    app.does(lambda: app.says("#finding h2") != before)
    assert len(app.page.query_selector_all("#finding img[alt]:not([alt=''])")) == 2


def test_a_tab_that_is_closed_and_opened_again_has_lost_nothing(app: Opened) -> None:
    app.slide("prices", 1.1)
    app.does(lambda: "11" in app.says("#differs"))
    app.run()
    finding = app.says("#finding")
    app.open()
    app.does(lambda: app.says("#finding") == finding)
    assert app.page.input_value("#knob_prices") == "1.1"


def test_a_csv_with_a_fault_is_one_line_and_changes_nothing(app: Opened) -> None:
    before = app.says("#products")
    (app.folder / "bad.csv").write_text("title,price\nTea,cheap\n")
    app.page.set_input_files("#csv", app.folder / "bad.csv")
    said = app.does(lambda: app.says("#fault_line"))
    assert said == "row 2, column price must be a number above 0, got 'cheap'"
    assert app.says("#products") == before


def test_a_file_that_is_too_large_is_not_even_sent(app: Opened) -> None:
    (app.folder / "large.csv").write_bytes(b"x" * 2_000_001)
    app.asked.clear()
    app.page.set_input_files("#csv", app.folder / "large.csv")
    said = app.does(lambda: app.says("#fault_line"))
    assert said == "file must have at most 2,000,000 bytes, got 2,000,001 in 'large.csv'"
    assert not any("upload" in url for url in app.asked)


def test_products_go_out_as_csv_and_come_back_edited(app: Opened) -> None:
    with app.page.expect_download() as waiting:
        app.page.click("#products_csv")
    rows = list(csv.DictReader(Path(waiting.value.path()).read_text().splitlines()))
    assert [row["title"] for row in rows] == ["Tea", "Mate", "Cola"]
    rows[1]["stock"] = "77"
    with (app.folder / "edited.csv").open("w") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    app.page.set_input_files("#csv", app.folder / "edited.csv")
    app.does(lambda: "77" in app.says("#products") and "77" in app.says("#differs"))
    app.anew("#reset")
    app.does(lambda: "Nothing differs" in app.says("#differs"))


def test_a_cell_that_is_typed_anew_changes_the_scenario(app: Opened) -> None:
    cell = app.page.locator("#products tbody tr:nth-child(2) td:nth-child(3)")
    cell.dblclick()
    typed = cell.locator("textarea")  # it has the keyboard's focus a moment after it is there
    typed.fill("12.5")
    typed.press("Enter")
    app.does(lambda: "12.5" in app.says("#differs"))
    app.anew("#reset")
    app.does(lambda: "Nothing differs" in app.says("#differs"))


def test_the_page_and_the_toml_can_be_taken_along(app: Opened) -> None:
    app.run()
    for button, ending, holds in (
        ("#scenario", ".toml", "Corner shop"),
        ("#page", ".html", "How to make this page again"),
    ):
        with app.page.expect_download(timeout=30_000) as waiting:
            app.page.click(f"{button}[href*=download]")  # a button is there before its link is
        assert waiting.value.suggested_filename.endswith(ending)
        assert holds in Path(waiting.value.path()).read_text(encoding="utf-8")


def test_kept_scenarios_stand_side_by_side(app: Opened) -> None:
    app.slide("traffic", 3)
    app.does(lambda: "90" in app.says("#differs"))
    app.page.fill("#name", "three times")
    app.anew("#keep")
    app.does(lambda: "three times" in app.says("#side_by_side"))
    assert "arrivals.per_day" in app.says("#side_by_side")
    app.anew("button[aria-label='Forget three times']")
    app.does(lambda: "Nothing is kept yet" in app.says("#kept"))


def test_nothing_is_asked_of_anybody_else(app: Opened) -> None:
    app.asked.clear()
    app.open()
    app.run()
    assert len(app.asked) > 5
    local = re.compile(r"(http|ws)://127\.0\.0\.1:\d+/|data:|blob:")
    assert [url for url in app.asked if not local.match(url)] == []


def test_it_listens_on_this_machine_alone(app: Opened) -> None:
    held = psutil.Process(app.process.pid)
    family = [held, *held.children(recursive=True)]
    listening = {each.laddr.ip for one in family for each in one.net_connections("inet") if each.status == "LISTEN"}
    assert "127.0.0.1" in listening
    assert listening <= {"127.0.0.1", "::1"}


def test_it_fits_a_phone_and_a_desk_by_day_and_by_night(app: Opened) -> None:
    for width, scheme in itertools.product((390, 1280), ("light", "dark")):
        app.page.set_viewport_size({"width": width, "height": 844})
        app.page.emulate_media(color_scheme=scheme)
        app.idle()
        assert app.page.evaluate("document.documentElement.scrollWidth") <= width
        app.does(lambda scheme=scheme: app.page.get_attribute("html", "data-bs-theme") == scheme)
    app.page.emulate_media(color_scheme="light")


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(app: Opened) -> None:
    nameless = app.page.eval_on_selector_all(
        "main input:not([type=hidden]), main select, main button",
        "all => all.filter(e => !e.closest('shiny-data-frame'))"
        ".filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map(e => e.outerHTML)",
    )
    assert nameless == []
    app.page.focus("#knob_traffic")
    app.page.keyboard.press("ArrowRight")
    app.does(lambda: "31.5" in app.says("#differs"))


def test_stop_ends_the_child_processes_within_a_second(app: Opened) -> None:
    app.slide("traffic", 4)
    app.page.fill("#seeds", "200")
    app.page.locator("#seeds").blur()
    app.idle()
    app.page.click("#run")
    app.does(lambda: re.search(r"playing: [1-9]", app.says("#words")))
    children = [each for each in psutil.Process(app.process.pid).children() if "spawn_main" in " ".join(each.cmdline())]
    assert children
    began = time.monotonic()
    app.page.click("#stop")
    _, alive = psutil.wait_procs(children, timeout=1.0)
    assert not alive
    assert time.monotonic() - began < 1.0
    app.does(lambda: app.says("#words").startswith("stopped"), 2.0)
    app.does(lambda: "press Run to go on" in app.says("#remark"))
    app.page.fill("#seeds", "5")
    app.page.locator("#seeds").blur()
    app.idle()


def test_ctrl_c_with_a_tab_open_is_one_line_and_leaves_no_process(app: Opened) -> None:
    """The last: nothing is served from here on."""
    children = psutil.Process(app.process.pid).children(recursive=True)
    before = app.said.read_text()
    app.process.send_signal(signal.SIGINT)
    assert app.process.wait(10) == 130
    assert app.said.read_text().removeprefix(before) == "launchsim: stopped\n"
    assert psutil.wait_procs(children, timeout=2)[1] == []
