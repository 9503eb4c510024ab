"""The scenario to begin with: it plays, and its comments are the model's own keys and defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import cli
from simulator import start
from simulator.keys import Table, tables
from simulator.market import Market
from simulator.scenario import Scenario

KEYS = [pytest.param(table, id=table.path or "top") for table in tables()]


def test_it_is_a_season_that_launches_something() -> None:
    scenario = Scenario.parse(start.text())
    assert any(product.launch for product in scenario.products)
    assert scenario.title == "My shop"


@pytest.mark.parametrize("launches", [1, 40, start.MOST])
def test_a_shop_with_a_past_launches_a_product_a_week_for_as_many_weeks_and_some_more_to_sell_it(launches: int) -> None:
    scenario = Scenario.parse(start.text(launches=launches))
    days = [product.launch for product in scenario.products if not product.incumbent]
    assert days == [7.0 * week for week in range(1, launches + 1)]
    assert scenario.days - days[-1] >= 28
    assert len({(product.category, product.price) for product in scenario.products}) >= min(launches, 25)


def test_a_shop_with_a_past_sells_as_much_with_its_first_products_as_with_all() -> None:
    scenario = Scenario.parse(start.text(launches=20)).changed(arrivals={"per_day": 300})
    ledger = Market(scenario, lambda visits, rows: np.full((rows.stop - rows.start, scenario.slots), -1), seed=0).run()
    sold, visits = (np.histogram(ledger.table(name)["time"], [0, 28, 140, 168])[0] for name in ("purchases", "visits"))
    share = sold / visits
    assert share[0] > 0.7 * share[2]


def test_it_plays_with_something_sold_of_every_product() -> None:
    scenario = Scenario.parse(start.text()).changed(arrivals={"per_day": 60})
    market = Market(scenario, lambda visits, rows: visits.ids[rows, None].astype(int) % 2, seed=0)
    ledger = market.run()
    assert ledger.totals()["units"] > 0


def test_a_title_with_quotes_and_another_alphabet_stays_a_title() -> None:
    assert Scenario.parse(start.text(title='Café "Zur 茶"')).title == 'Café "Zur 茶"'


@pytest.mark.parametrize("table", KEYS)
def test_every_key_stands_in_it(table: Table) -> None:
    text = start.text()
    for key in table.keys:
        if key.kind == "table":
            assert f"[{table.path}.{key.name}]".replace("[.", "[") in text or f"##   {key.name} " in text
        else:
            assert re.search(rf"^(# |##   )?{key.name} ", text, re.MULTILINE), key.name


def test_uncommented_it_says_the_models_defaults_and_so_changes_nothing() -> None:
    """Every `# key = value` and `# [table]` without its #, but for tables that need more than defaults."""
    incomplete = {table.path for table in tables() if any(key.default is None for key in table.keys)}
    lines = []
    for line in start.text().splitlines():
        opened = re.fullmatch(r"# \[(.+)\]", line)
        if opened and opened[1] in incomplete:
            break  # these stand behind all others that matter here, or are checked key by key below
        lines.append(re.sub(r"^# (?=\w+ = [^#\s]|\[)", "", line))
    text = "\n".join(lines)
    assert "calendar" in tomllib.loads(text)
    played, plain = Scenario.parse(text).model_dump(), Scenario.parse(start.text()).model_dump()
    parts = {name: plain.pop(name) is None and played.pop(name) for name in ("calendar", "customers", "life", "shelf")}
    assert parts == {name: defaults(name) for name in parts}
    assert played == plain


def defaults(path: str) -> dict[str, object]:
    (table,) = (table for table in tables() if table.path == path)
    return {key.name: tomllib.loads(f"x = {key.default}")["x"] if key.default else None for key in table.keys}


@pytest.mark.parametrize("table", KEYS)
def test_every_key_has_words(table: Table) -> None:
    assert [key.name for key in table.keys if not key.about] == []


def test_the_command_writes_it_once_and_over_nothing(tmp_path: Path) -> None:
    cli._add_commands()
    file = tmp_path / "shops" / "mine.toml"
    told = CliRunner().invoke(cli.app, ["scenarios", "new", str(file), "--title", "Mine"])
    assert told.exit_code == 0, told.output
    assert f"launchsim compare {file}" in told.output
    assert Scenario.load(file).title == "Mine"
    again = CliRunner().invoke(cli.app, ["scenarios", "new", str(file)])
    assert "must be a new file" in str(again.exception)
    assert "must end in .toml" in str(CliRunner().invoke(cli.app, ["scenarios", "new", "mine.txt"]).exception)
