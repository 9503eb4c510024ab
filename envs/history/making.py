"""A made-up shop's tables, from a season of a market, so that what is learnt can be held against the truth."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from envs.logs.private import private, private_folder
from envs.logs.rows import LogError
from simulator.market import Market
from simulator.scenario import Scenario

_FIRST_DAY = datetime.date(2024, 1, 1)  # a Monday, where the scenario names no date


def checked(folder: Path) -> None:
    """Before any work: whether `write` can write there.

    Raises:
        LogError: the folder holds other things than what `write` writes.
    """
    known = {"goods.csv", "behavior.csv", "invoices.csv", "truth.json"}
    if folder.exists() and (not folder.is_dir() or {file.name for file in folder.iterdir()} - known):
        raise LogError(f"out must be a folder that is not there yet, or of made tables, got {str(folder)!r}")


def write(folder: Path, market: Market, seed: int, policy: str) -> dict[str, int]:
    """The tables of a season that was played and recorded, with the truth beside them.

    Returns:
        name of each table's file -> its rows.
    """
    checked(folder)
    private_folder(folder)
    made = {f"{name}.csv": table for name, table in tables(market).items()}
    for name, table in made.items():
        with private(folder / name) as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows(table.itertuples(index=False, name=None))
    with private(folder / "truth.json") as file:
        json.dump(_truth(market, seed, policy), file, indent=1)
    return {name: len(table) for name, table in made.items()}


def tables(market: Market) -> dict[str, pd.DataFrame]:
    """Goods, behavior and invoices of a season that was played and recorded, as `History.read` takes them."""
    done = _done(market)
    return {"goods": _goods(market), "behavior": _behavior(done), "invoices": _invoices(done, market)}


def _dates(scenario: Scenario, days: Any) -> Any:
    """Days of the season as text, to the second."""
    given = scenario.calendar.start if scenario.calendar else None
    start = np.datetime64(given or _FIRST_DAY, "s")
    seconds = np.round(np.nan_to_num(days) * 86400).astype("timedelta64[s]")
    text = np.datetime_as_string(start + seconds).astype(object)
    return np.where(np.isnan(days), "", np.char.replace(text.astype(str), "T", " "))


def _ids(letter: str, numbers: Any) -> Any:
    return np.char.add(letter, np.char.zfill(np.asarray(numbers).astype(str), 6))


def _goods(market: Market) -> pd.DataFrame:
    catalogue, scenario, ledger = market.catalogue, market.scenario, market.ledger
    first = np.where(catalogue.incumbent, np.nan_to_num(catalogue.launches), ledger.launch_days())
    return pd.DataFrame(
        {
            "item_id": _ids("P", np.arange(len(catalogue))),
            "title": catalogue.titles,
            "category": [product.category for product in scenario.products],
            "price": catalogue.prices,
            "cost": catalogue.costs,
            "listed": _dates(scenario, first),
            "delisted": _dates(scenario, catalogue.delistings),
            "stock": [_stock(scenario, number) for number in range(len(catalogue))],
        }
    )


def _stock(scenario: Scenario, number: int) -> str:
    """Pieces that there were in all; empty where there is no limit, or more come."""
    product = scenario.products[number]
    again = product.restocking or scenario.restocking
    return "" if product.stock is None or again is not None else str(product.stock)


def _done(market: Market) -> pd.DataFrame:
    """Views, purchases and returns in order of time; a purchase belongs to its visit, whenever it comes."""
    ledger = market.ledger
    parts = [_views(market)]
    for name, action in (("purchases", "buy"), ("returns", "return")):
        table = ledger.table(name).assign(action=action)
        parts.append(table[list(parts[0].columns)])
    done = pd.concat([part for part in parts if len(part)] or parts[:1]).sort_values("time", kind="stable")
    return done.assign(
        stamp=_dates(market.scenario, done["time"].to_numpy(float)),
        who=_ids("U", done["user"].astype(int)),
        what=_ids("P", done["product"].astype(int)),
    )


def _views(market: Market) -> pd.DataFrame:
    """A row a product that a visit looks at: shown to it, or considered on the shelf."""
    offers, visits = market.ledger.table("offers"), market.ledger.table("visits")
    shown = offers.assign(product=offers["action"].astype(int) % len(market.catalogue))[["visit", "product"]]
    if market.scenario.shelf is not None and market.scenario.shelf.considered is not None:
        came, product = market.considered(visits["visit"].to_numpy(), visits["time"].to_numpy(float))
        shown = pd.concat([shown, pd.DataFrame({"visit": visits["visit"].to_numpy()[came], "product": product})])
    seen = shown.drop_duplicates().merge(visits[["visit", "time", "user"]], on="visit")
    return seen.assign(action="view", units=1, price=np.nan)[
        ["time", "visit", "user", "product", "action", "units", "price"]
    ]


def _behavior(done: pd.DataFrame) -> pd.DataFrame:
    renamed = {"who": "user_id", "what": "item_id", "action": "action", "stamp": "time", "units": "quantity"}
    return done[[*renamed, "price"]].rename(columns=renamed).assign(price=done["price"].map(_written))


def _written(price: float) -> str:
    return "" if np.isnan(price) else str(round(price, 4))


def _invoices(done: pd.DataFrame, market: Market) -> pd.DataFrame:
    """Purchases of a visit are an invoice, a return is one that cancels."""
    sold = done[done["action"] != "view"]
    back = (sold["action"] == "return").to_numpy()
    numbers = pd.factorize(pd.MultiIndex.from_arrays([sold["visit"], back, sold["time"].where(back, 0)]))[0]
    return pd.DataFrame(
        {
            "invoice": np.char.add(np.where(back, "C", ""), (100_000 + numbers).astype(str)),
            "item": sold["what"],
            "title": np.array(market.catalogue.titles, object)[sold["product"].astype(int)],
            "quantity": np.where(back, -1, 1) * sold["units"],
            "time": sold["stamp"],
            "price": sold["price"].map(_written),
            "customer": sold["who"],
        }
    )


def _truth(market: Market, seed: int, policy: str) -> Mapping[str, Any]:
    """What no shop knows."""
    scenario = market.scenario
    return {
        "seed": seed,
        "policy": policy,
        "scenario": scenario.model_dump(mode="json"),
        "totals": market.ledger.totals(),
        "qualities": market.catalogue.qualities.tolist(),
        "segments": [scenario.users.segments[i].name for i in market.users.segments],
    }
