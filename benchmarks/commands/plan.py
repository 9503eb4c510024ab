"""`launchsim plan`: what to launch, to discount or to show, and what is that worth?"""

from __future__ import annotations

import os
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Processes

if TYPE_CHECKING:
    from benchmarks.planning.kept import Kept
    from envs.history import History
    from simulator.calibration import Calibrated


class Question(StrEnum):
    """What is asked of the shop's market."""

    launch = "launch"
    promotion = "promotion"
    recommend = "recommend"


def plan(
    candidates: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet: title, and where known id, category, price, cost; of products on the shelf where the "
            "question is promotion or recommend",
            show_default="all, or the new ones",
        ),
    ] = None,
    question: Annotated[
        Question, typer.Option(help="what to launch when; what to discount when; or what to show whom")
    ] = Question.launch,
    invoices: Annotated[str | None, typer.Option(help="invoice lines: CSV, Parquet, DuckDB, SQL, or a history")] = None,
    goods: Annotated[str | None, typer.Option(help="table of products, beside behavior or invoices")] = None,
    behavior: Annotated[str | None, typer.Option(help="table of what users did: view, cart, buy, return ...")] = None,
    columns: Annotated[Path | None, typer.Option(help="TOML that says what the columns mean")] = None,
    key_file: Annotated[Path | None, typer.Option(help="file (0600) with the pseudonym key")] = None,
    market: Annotated[
        Path | None, typer.Option(help="folder that `launchsim calibrate` wrote", show_default="calibrated now")
    ] = None,
    windows: Annotated[int, typer.Option(help="launch windows, or weeks of promotions")] = 8,
    every: Annotated[int, typer.Option(help="days between windows")] = 7,
    capacity: Annotated[int, typer.Option(help="launches, or products discounted, a window")] = 5,
    horizon: Annotated[
        int, typer.Option(min=1, help="days over which a launch is judged and stocked; of a season of showing")
    ] = 56,
    measure: Annotated[str, typer.Option(help="units, revenue or margin")] = "margin",
    predictor: Annotated[
        str | None, typer.Option(help="a name or module:Class", show_default="the one that a backtest finds best")
    ] = None,
    lead_days: Annotated[float, typer.Option(min=0, help="until what is ordered again arrives; 0: never")] = 14.0,
    salvage: Annotated[float, typer.Option(min=0, max=1, help="share of cost that a piece left over brings")] = 0.5,
    seeds: Annotated[int, typer.Option(min=2, help="seasons, each with its own draw of the market")] = 20,
    rival: Annotated[
        list[str] | None,
        typer.Option(
            help="policies asked what to launch, or what to show; several",
            show_default="linucb, or uniform, popularity, linucb",
        ),
    ] = None,
    plays: Annotated[int, typer.Option(min=0, help="plans played in search of a better one; 0: no search")] = 0,
    stages: Annotated[int, typer.Option(min=1, max=2, help="2: also launch all small, look a week, then rank")] = 1,
    strands: Annotated[
        float, typer.Option(min=0, help="share of what is bought above which more leftovers make better 'discuss'")
    ] = 0.02,
    discount: Annotated[
        list[float] | None, typer.Option(help="cuts that promotions may choose from", show_default="0.1, 0.2, 0.3")
    ] = None,
    elasticity: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="percent more bought where a price is 1% lower, as you know it",
            show_default="what the data tell",
        ),
    ] = None,
    floor: Annotated[
        float, typer.Option(min=0, help="share of margin that promotions may cost before better is 'discuss'")
    ] = 0.0,
    processes: Processes = os.cpu_count() or 1,
    out: Annotated[
        Path, typer.Option(help="folder to write; finished seasons there are not played again", callback=outputs.folder)
    ] = Path("reports/plan"),
) -> None:
    """What to launch when with how much stock, what to discount when, or what to show: played in the shop's own market.

    Example: launchsim plan --invoices invoices.csv --candidates candidates.csv --windows 4 --out reports/plan
    """
    import policies
    from benchmarks.planning.asked import check_measure, check_windows
    from benchmarks.planning.candidates import read
    from benchmarks.planning.kept import Kept
    from benchmarks.planning.predictors import maker
    from envs.history import History
    from policies.calls import parse
    from simulator.scenario import ScenarioError

    if candidates is None and question == Question.launch:
        raise ScenarioError("candidates must be given where the question is launch, got none")
    if question != Question.recommend:
        check_windows(windows, every, capacity)
    check_measure(measure)
    for name in rival or ():
        policies.find(parse(name)[0])
    if predictor is not None:
        maker(predictor)
    if market is not None and not (market / "scenario.toml").is_file():
        raise ScenarioError(f"market must be a folder that calibrate wrote, got {str(market)!r}")
    listed = read(candidates) if candidates is not None else None
    history = History.read(invoices=invoices, goods=goods, behavior=behavior, columns=columns, key_file=key_file)
    kept = Kept(out / "runs")
    if question == Question.launch:
        about = {"windows": windows, "every": every, "capacity": capacity, "measure": measure, "lead_days": lead_days,
                 "salvage": salvage, "seeds": seeds, "plays": plays, "look_first": stages == 2, "strands": strands,
                 "rivals": rival if rival is not None else ["linucb"], "processes": processes}  # fmt: skip
        _launch(history, market, listed, horizon, predictor, kept, out, about)
    elif question == Question.promotion:
        about = {"windows": windows, "every": every, "capacity": capacity, "measure": measure, "seeds": seeds,
                 "discounts": discount or (0.1, 0.2, 0.3), "elasticity": elasticity, "floor": floor}  # fmt: skip
        _promotion(history, market, listed, kept, out, about)
    else:
        _recommend(history, market, listed, out, horizon, measure, rival, seeds, processes)


def _launch(
    history: History, market: Path | None, listed: Any, horizon: int, predictor: str | None, kept: Kept, out: Path,
    about: dict[str, Any],
) -> None:  # fmt: skip
    from benchmarks.pages import plan_page
    from benchmarks.planning import backtest
    from benchmarks.planning import plan as make
    from benchmarks.planning.backtesting import FewLaunchesError
    from benchmarks.sweeps.counted import counted

    judged, few = None, ""
    if predictor is None:
        try:
            with counted("backtest") as progress:
                judged = backtest(
                    history, horizon, predictors=plan_page.TRIED, days_seen=(0,), kept=kept, progress=progress
                )
            predictor = judged.best(0)
        except FewLaunchesError as refused:
            predictor = "unconditional"
            few = f"Too few launches for a backtest, so each candidate is told what they usually sold: {refused}."
    told = _market(history, market, out / "runs")
    with counted("seasons") as progress:
        found = make(
            told,
            listed,
            history=history,
            horizon=horizon,
            predictor=predictor,
            kept=kept,
            progress=progress,
            **about,
        )
    if few:
        found.notes.append(few)
    _say([*plan_page.answer(found), *found.notes], plan_page.write(out, found, judged))


def _promotion(
    history: History, market: Path | None, listed: Any, kept: Kept, out: Path, about: dict[str, Any]
) -> None:
    from benchmarks.pages import promotion_page
    from benchmarks.planning.promotion import promote
    from benchmarks.sweeps.counted import counted

    told = _market(history, market, out / "runs")
    with counted("seasons") as progress:
        found = promote(told, history=history, titles=_titles(listed), kept=kept, progress=progress, **about)
    stated = [f"What a cut sells rests on a setting: {found.stated}."] if found.stated else []
    _say([*promotion_page.answer(found), *stated, *found.notes], promotion_page.write(out, found))


def _recommend(
    history: History, market: Path | None, listed: Any, out: Path, days: int, measure: str,
    rivals: list[str] | None, seeds: int, processes: int,
) -> None:  # fmt: skip
    from benchmarks.compare import compare
    from benchmarks.pages import report
    from benchmarks.planning.recommend import recommended

    told, notes = recommended(
        _market(history, market, out / "runs"), history, titles=_titles(listed), days=float(days), measure=measure
    )
    told.write(out / "market")
    found = compare(
        told,
        rivals or ["uniform", "popularity", "linucb"],
        seeds,
        folder=out / "runs",
        processes=processes,
        progress=True,
    )
    page = report.write(out, found, shlex.join(["launchsim", *sys.argv[1:]]), notes=notes)
    report.tell(found)
    _say(notes, page)


def _market(history: History, folder: Path | None, runs: Path) -> Calibrated:
    """The market of that folder, or one that is calibrated now."""
    from benchmarks.sweeps.counted import counted
    from simulator.calibration import Calibrated, calibrate

    if folder is not None:
        return Calibrated.read(folder)
    with counted("market") as step:
        return calibrate(history, seeds=0, folder=runs, progress=lambda what, share: step(round(100 * share), 100))


def _titles(listed: Any) -> list[str]:
    return [] if listed is None else [str(title) for title in listed["title"]]


def _say(sentences: list[str], page: Path) -> None:
    for sentence in sentences:
        typer.echo(sentence)
    typer.echo(f"\n{page}")
