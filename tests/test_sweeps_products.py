"""What became of each product, worked out by hand and held to the books of a season."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from benchmarks.runner import run
from benchmarks.sweeps.products import by_product
from benchmarks.trace import Trace
from envs.environment import Rounds
from envs.simulated import Simulated
from policies import load
from policies.policy import Decisions, Feedback

EVENTS = {
    "purchases": {"time": [0.2, 2.5, 3.4], "product": [1, 1, 0], "units": [2, 1, 1]},
    "returns": {"time": [2.6], "product": [1], "units": [1]},
    "lost_sales": {"time": [1.5], "product": [0], "units": [3]},
    "stock_outs": {"time": [1.4], "product": [0]},
    "launches": {"time": [0.0, 0.0], "product": [0, 1]},
}


def trace(n_products: int = 2) -> Trace:
    made = Trace()
    decisions = Decisions(np.array([0.0, 0.5, 1.2, 2.9]), np.ones((4, 1)), np.empty((4, 0)), np.ones((4, 4), bool))
    made.add(Rounds(Feedback(decisions, np.array([0, 1, 2, 3]), np.full(4, 0.25), np.ones(4)), None))
    made.ledger = SimpleNamespace(catalogue=range(n_products), table=lambda name: pd.DataFrame(EVENTS[name]))
    return made


def test_every_day_and_product_has_its_counts() -> None:
    found = by_product(trace(), days=3).set_index(["day", "product"])
    assert found.loc[(1, 0)].to_dict() == {"chosen": 1, "sold": 0, "lost": 0, "launched": 1, "run_out": 0}
    assert found.loc[(1, 1)].to_dict() == {"chosen": 1, "sold": 2, "lost": 0, "launched": 1, "run_out": 0}
    assert found.loc[(2, 0)].to_dict() == {"chosen": 1, "sold": 0, "lost": 3, "launched": 0, "run_out": 1}
    assert found.loc[(3, 1)].to_dict() == {"chosen": 1, "sold": 0, "lost": 0, "launched": 0, "run_out": 0}
    assert found.loc[(3, 0)].sold == 1  # what happens after the season counts on its last day
    assert len(found) == 5


def test_very_many_products_are_counted_by_several_days_at_a_time() -> None:
    found = by_product(trace(n_products=15_000), days=3)
    assert set(found.day) == {3}
    assert found.chosen.sum() == 4


def test_what_was_in_no_shop_has_no_products() -> None:
    alone = Trace()
    assert by_product(alone, days=3).empty


def test_counts_add_up_to_the_books_of_a_season() -> None:
    season = Simulated("tight_stock", 3)
    played = run(load("uniform", season.problem, seed=3), season, seed=3)
    found = by_product(played, days=int(np.ceil(season.scenario.days)))
    books = season.ledger.products()
    sold = found.groupby("product").sold.sum().reindex(range(len(books)), fill_value=0)
    assert sold.to_list() == (books.sold - books.returned).to_list()
    assert found.lost.sum() == books.lost.sum() > 0
    assert found.chosen.sum() == len(played)
    assert found.run_out.sum() == season.ledger.totals()["stock_outs"] > 0
