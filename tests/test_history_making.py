"""Made tables say what the market did: read back, they are its books."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.runner import run
from envs.history import History, making
from envs.logs.rows import LogError
from envs.simulated import Simulated
from policies import load
from simulator.ledger import Ledger
from simulator.scenario import Scenario

SHOP = """
title = "My shop"
about = "Three drinks."
days = 20
arrivals.per_day = 60
choice.leaving = 0.5
users.population = 200
buying.returns = 0.3
products = [
    { title = "Tea", category = "hot", price = 10.0, cost = 4.0, incumbent = true },
    { title = "Mate", category = "hot", price = 9.5, launch = 0.0 },
    { title = "Cola", category = "cold", price = 8.0, launch = 10.0 },
]
"""


WHOLESALE = """
users.durable = false
buying.returns_part = 0.5
baskets.products = 2.0
pieces = { sizes = [1, 2, 6], shares = [0.5, 0.3, 0.2], breaks = [{ at = 6, off = 0.125 }] }
customers = { newcomers = 0.2, once = 0.5 }
calendar = { start = 2024-01-01, closed = ["saturday"] }
"""


@pytest.fixture(scope="module", params=[SHOP, SHOP.replace("products = [", WHOLESALE + "products = [")])
def season(request: pytest.FixtureRequest) -> Simulated:
    season = Simulated(Scenario.parse(request.param), 3, record=True)
    run(load("uniform", season.problem), season, seed=3)
    return season


@pytest.fixture(scope="module")
def ledger(season: Simulated) -> Ledger:
    return season.ledger


@pytest.fixture(scope="module")
def folder(season: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "shop"
    making.write(folder, season.market, 3, "uniform")
    return folder


@pytest.fixture(params=["behavior", "invoices"])
def history(request: pytest.FixtureRequest, folder: Path) -> History:
    return History.read(goods=folder / "goods.csv", **{request.param: folder / f"{request.param}.csv"})


def test_every_row_made_is_kept(history: History) -> None:
    assert "set aside" not in set(history.cleaning["happened"])


def test_purchases_are_those_of_the_ledger(history: History, ledger: Ledger) -> None:
    sold = ledger.table("purchases")
    pieces = np.bincount(history.buys["item"], history.buys["quantity"], 3)
    assert pieces.tolist() == np.bincount(sold["product"], sold["units"], 3).tolist()
    assert (history.buys["quantity"] * history.buys["price"]).sum() == pytest.approx(
        (sold["price"] * sold["units"]).sum()
    )


def test_returns_undo_what_the_ledger_took_back(history: History, ledger: Ledger) -> None:
    assert history.buys["returned"].sum() == ledger.table("returns")["units"].sum()


def test_net_sales_are_those_of_the_ledger(history: History, ledger: Ledger) -> None:
    buys = history.buys
    net = ((buys["quantity"] - buys["returned"]) * buys["price"]).sum()
    assert net == pytest.approx(ledger.totals()["revenue"])


def test_days_are_those_of_the_season(history: History, ledger: Ledger) -> None:
    days = (history.buys["time"] - pd.Timestamp("2024-01-01")).dt.total_seconds() / 86400
    assert np.sort(days) == pytest.approx(np.sort(ledger.table("purchases")["time"]), abs=1 / 86400)


def test_launches_are_given(history: History) -> None:
    assert history.listed_given
    assert history.goods["listed"].tolist() == [pd.Timestamp(f"2024-01-{day}") for day in ("01", "01", "11")]


def test_a_view_is_a_slot_of_an_offer(folder: Path, ledger: Ledger) -> None:
    history = History.read(behavior=folder / "behavior.csv")
    assert (history.lines["action"] == "view").sum() == len(ledger.table("offers"))


def test_nobody_buys_from_the_shelf_what_was_not_looked_at() -> None:
    shelf = "shelf.considered = 2\nusers.durable = false\nproducts = ["
    season = Simulated(Scenario.parse(SHOP.replace("products = [", shelf)), 3, record=True)
    run(load("uniform", season.problem), season, seed=3)
    done = making.tables(season.market)["behavior"]
    looks = done[done["action"] == "view"].groupby(["user_id", "item_id"])["time"].min()
    buys = done[done["action"] == "buy"].groupby(["user_id", "item_id"])["time"].min()
    assert len(buys) > 100
    assert (looks.reindex(buys.index) <= buys).all()


def test_the_truth_lies_beside(folder: Path, season: Simulated) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    assert Scenario.model_validate(truth["scenario"]) == season.scenario
    assert truth["totals"] == season.ledger.totals()


def test_nothing_else_is_written_over(season: Simulated, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(LogError, match="must be a folder that is not there yet"):
        making.write(tmp_path, season.market, 3, "uniform")
