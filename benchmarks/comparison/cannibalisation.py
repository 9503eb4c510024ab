"""Cannibalisation: what launches sell is worth less to the shop by what its incumbents no longer sell."""

from __future__ import annotations

import numpy as np

from simulator.ledger import Ledger
from simulator.market import Market
from simulator.scenario import Scenario
from simulator.visits import Indices, Visits


def without_offers(scenario: Scenario, seed: int) -> Ledger:
    """The same season, same visitors and same luck, with nothing offered beside the shelf."""

    def nothing(_: Visits, rows: slice) -> Indices:
        return np.full((rows.stop - rows.start, scenario.slots), -1)

    return Market(scenario.changed(question="show", **_no_windows(scenario)), nothing, seed, record=False).run()


def cannibalisation(ledger: Ledger, alone: Ledger) -> dict[str, float]:
    """What a season's launches did to the shop, against `alone`, the same season without offers, in units.

    `candidates` is what the launched products sold, `incumbents_lost` what the incumbents sold less, and `added` what
    is left: the shop's sales above those it would have had anyway.
    """
    ours, theirs = ledger.totals(), alone.totals()
    lost = theirs["incumbent_units"] - ours["incumbent_units"]
    candidates = ours["units"] - ours["incumbent_units"]
    return {"candidates": candidates, "incumbents_lost": lost, "added": ours["units"] - theirs["units"]}


def _no_windows(scenario: Scenario) -> dict[str, object]:
    """Without offers nothing needs a launch day; candidates without one wait until the last moment of the season."""
    products = [product.model_dump() for product in scenario.products]
    for product in products:
        if not product["incumbent"] and product["launch"] is None:
            product["launch"] = scenario.days * (1 - 1e-9)
    return {"launching": None, "products": products}
