"""The page: the answer first and honest, nothing fetched from elsewhere, nothing typed by a user taken for markup."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from shop import SIX, fixed

from benchmarks.comparison.guardrails import DEFAULTS
from benchmarks.pages import figures, plots, report
from benchmarks.pages.real_logs import RealLogs

COMMAND = 'launchsim compare corner_shop --policy "linucb(alpha=0.5)"'
ONE = {policy: seasons[:1] for policy, seasons in SIX.items()}
FOUR = {policy: seasons[:4] for policy, seasons in SIX.items()}


def text_of(page: str) -> str:
    """What a reader sees."""

    words: list[str] = []
    reader = HTMLParser()
    reader.handle_data = words.append  # type: ignore[method-assign]
    reader.feed(page)
    return " ".join(" ".join(words).split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a page about six seasons, one policy with a name that looks like markup."""
    made = tmp_path_factory.mktemp("page")
    report.write(made, fixed(SIX | {"m:<b>Bad</b>": SIX["vowpal"]}), COMMAND, "Real logs are missing: no network")
    return made


@pytest.fixture
def page(folder: Path) -> str:
    return (folder / "index.html").read_text()


def test_the_answer_says_who_by_how_much_and_how_sure() -> None:
    first, *further = report.answer(fixed(SIX))
    assert first.startswith("linucb sells the most: 120 units sold a season, 20 more than uniform (+20.0%)")
    assert "95% interval +14 to +22, over 6 seasons with the same visitors" in first
    assert further == ["A policy that knew every visitor's mind would gain more: linucb reaches 67% of it."]


def test_a_tie_is_told_as_a_tie() -> None:
    first, second, *_ = report.answer(fixed(SIX | {"vowpal": [119.0, 129, 110, 127, 113, 121]}))
    assert first.startswith("linucb sells more than uniform")
    assert second == "These 6 seasons cannot tell linucb from vowpal."


@pytest.mark.parametrize(
    ("sales", "words"),
    [
        (ONE, "One simulated season cannot say how sure that is"),
        (FOUR, "4 seasons are too few for a verdict"),
        ({"uniform": [100.0, 90, 80, 90, 100], "linucb": [140.0, 70, 100, 80, 110]}, "reaches across 0"),
        ({"uniform": [100.0, 90, 80, 90, 100], "linucb": [90.0, 80, 70, 85, 95]}, "No policy sold more than uniform"),
        ({"uniform": [100.0, 90, 80, 90, 100]}, "uniform: 92 units sold a season; there is no other policy"),
    ],
)
def test_doubt_is_told_as_doubt(sales: dict[str, list[float]], words: str) -> None:
    answer = " ".join(report.answer(fixed(sales)))
    assert words in answer
    assert "sells" not in answer.split("who sells more")[0]


def test_the_page_fetches_nothing(page: str) -> None:
    assert all(
        address.startswith("data:image/svg+xml;base64,") for address in re.findall(r'(?:src|href)="([^"]*)"', page)
    )
    assert not re.search(r"<script|<link|@import|url\(", page)
    assert page.count("<img") == 5


def test_the_page_holds_scenario_table_and_the_way_to_make_it_again(page: str) -> None:
    seen = text_of(page)
    for words in (
        "Corner shop",
        "Three drinks <for> everyone.",
        COMMAND,
        "Seeds 0, 1, 2, 3, 4, 5.",
        "numpy 2",
        "better",
    ):
        assert words in seen
    assert seen.index("linucb sells the most") < seen.index("The table") < seen.index("How to make this page again")


def test_names_are_not_taken_for_markup(page: str) -> None:
    assert "<b>Bad" not in page
    assert "m:&lt;b&gt;Bad" in page


def test_a_page_of_another_command_is_kept_and_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_images", lambda comparison, folder: (defaultdict(str), defaultdict(str)))
    report.write(tmp_path, fixed(SIX), "launchsim compare 'corner shop' --seeds 6")
    report.write(tmp_path, fixed(SIX), "launchsim compare 'corner shop' --seeds 6")
    assert not capsys.readouterr().err
    report.write(tmp_path, fixed(FOUR), "launchsim compare 'corner shop' --seeds 4")
    assert "over 6 seasons" in (tmp_path / "index_before_1.html").read_text()
    assert "index_before_1.html" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "number", "percent"), [(-0.0004, "+0", "+0.0%"), (0.0, "+0", "+0.0%"), (-1_234.0, "-1,234", "-123400.0%")]
)
def test_what_is_told_as_nothing_has_no_minus(value: float, number: str, percent: str) -> None:
    assert (report.signed(value), report.share(value)) == (number, percent)


def test_missing_logs_are_said_to_be_missing(page: str) -> None:
    assert "Real logs are missing: no network" in text_of(page)


def test_pictures_are_kept_as_png_and_svg(folder: Path) -> None:
    for name in ("gain", "verdicts", "sales", "regret", "season"):
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (folder / "figures" / f"{name}.svg").read_bytes()


def test_what_must_be_known_beside_the_finding_stands_on_the_page() -> None:
    said = "No costs are given: each is taken to be <50%> of the price."
    seen = report.html(fixed(SIX), defaultdict(str), "launchsim", notes=[said])
    assert said in text_of(seen)
    assert "<50%>" not in seen


def test_one_season_has_a_page_that_says_what_it_lacks() -> None:
    seen = text_of(report.html(fixed(ONE), defaultdict(str), "launchsim"))
    assert "One season: no intervals and no verdicts." in seen
    assert " nan " not in seen


def test_real_logs_stand_beside_what_happened() -> None:
    rate = {"rate": 0.01, "lower": 0.004, "upper": 0.02}
    observed = {
        "campaign": "men",
        "items": 34,
        "difference": 0.0,
        "lower": -0.01,
        "upper": 0.01,
        "verdict": "cannot tell",
    }
    for log in ("random", "thompson"):
        observed |= {f"{log}_clicks": 12, f"{log}_rows": 1200} | {
            f"{log}_{what}": value for what, value in rate.items()
        }
    judged = {"campaign": "men", "policy": "linucb", "rows": 600, "effective": 20.0, "worth": 0.2}
    judged |= {f"{name}{end}": 0.02 for name in ("ips", "snips") for end in ("", "_lower", "_upper")}
    replayed = {"campaign": "men", "policy": "linucb", "rows": 31, "clicks": 3} | rate
    logs = RealLogs(pd.DataFrame([observed]), pd.DataFrame([replayed]), pd.DataFrame([judged]))
    assert figures.render(plots.real_logs(logs)[0], "png").startswith(b"\x89PNG")
    seen = text_of(report.html(fixed(SIX), defaultdict(str), "launchsim", logs))
    assert "These logs cannot rank learning policies." in seen
    assert "12 of 1,200 1.00% 0.40% to 2.00%" in seen
    assert "linucb men 0.2 2.00% 2.00% to 2.00% 2.00% 2.00% to 2.00% 31 3 1.00%" in seen


def test_the_command_makes_the_same_comparison() -> None:
    found = replace(fixed(SIX | {"linucb(alpha=0.5)": SIX["vowpal"]}), guardrails=DEFAULTS)
    command = report.command_of(found, "corner shop.toml", Path("out"))
    assert command.startswith("launchsim compare 'corner shop.toml' --policy uniform --policy linucb --policy vowpal")
    assert "--policy 'linucb(alpha=0.5)' --seeds 6 --baseline uniform --measure units --out out" in command


def test_the_terminal_shows_answer_and_table(capsys: pytest.CaptureFixture[str]) -> None:
    report.tell(fixed(SIX))
    shown = " ".join(capsys.readouterr().out.split())
    assert "linucb sells the most" in shown
    assert "linucb 120 +20 +14 to +22 +20.0 better 120" in shown


def test_a_page_says_when_policies_learn_one_thing_and_are_judged_by_another() -> None:
    told = " ".join(report.answer(replace(fixed(SIX), measure="margin")))
    assert "taught by units and are judged here by margin" in told


def test_a_page_names_who_could_not_play() -> None:
    found = replace(fixed(SIX), failed={"mine:Last": "mine:Last: learn failed in the season of seed 3"})
    assert "mine:Last could not be judged: mine:Last: learn failed" in " ".join(report.answer(found))


def test_against_the_oracle_the_best_is_said_to_earn_less() -> None:
    told = report.answer(fixed(SIX, "oracle"))[0]
    assert told.startswith("No policy sold more than oracle. Of the others linucb sold the most")
    assert "less than oracle" in told
    assert "reaches across 0" not in told


@pytest.mark.parametrize("columns", [40, 50, 60, 80])
def test_a_narrow_terminal_keeps_names_and_verdicts_whole(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    report.tell(fixed(SIX))
    told = capsys.readouterr().out
    assert "…" not in told
    assert all(len(line) <= columns for line in told.splitlines())
    row = next(line for line in told.split("policy ", 1)[1].splitlines() if line.startswith("linucb "))
    assert "better" in row
    assert "+20" in row
