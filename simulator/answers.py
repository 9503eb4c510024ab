"""Answers: how visits answer offers, from a table of the utilities of all users and products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator import choice
from simulator.catalogue import Catalogue
from simulator.ownership import Durables
from simulator.scenario import Scenario
from simulator.shop import Shop
from simulator.users import Users
from simulator.visits import Floats, Indices, Visits


@dataclass(frozen=True)
class Everyone:
    """Visitors who stand for all of a day."""

    chances: Any  # (n, A) that a look at an action ends in a purchase
    shares: Any  # (n,) of visits
    users: Any  # (n,) how many users each stands for
    pieces: Any  # (A,) of a purchase
    shelf: Any  # (A,) chance that a want considers it once it is launched, without its being offered
    wants: float  # mean further wants of a visit


class Tabled:
    """One want a visit, of one piece, for which all that stands on the shelf is considered."""

    def __init__(self, scenario: Scenario, catalogue: Catalogue, users: Users, appeal: choice.Appeal) -> None:
        about = scenario.choice
        self.ownership = Durables(len(users), len(catalogue))
        self.touched = appeal.utilities, self.ownership.owned  # what is read of each user
        self._appeal = appeal
        self._catalogue = catalogue
        self._users = users
        self._look = users.sensitivities, catalogue.categories, np.array(about.examination)
        self._leave = about.leaving, about.nesting, choice.stable_table(about.nesting)
        buying = scenario.buying
        self._kept = 1 - buying.returns * (1 - np.exp(-buying.return_window / buying.return_days))

    def respond(
        self,
        key: Any,
        visits: Visits,
        rows: slice,
        offered: Indices,
        eligible: npt.NDArray[np.bool_],
        shop: Shop,
        cascade: bool,
    ) -> int:
        """Choices of these rows; answers how many have chosen something, or, of a wrong offer, -1 less its row."""
        look, leave = self._look, self._leave
        buyers: int = choice.respond(
            key,
            rows.start,
            rows.stop,
            visits.ids,
            visits.users,
            offered,
            eligible,
            shop.shelf,
            shop.stock.on_hand,
            self.ownership.owned,
            self._appeal.utilities,
            self._appeal.lift,
            shop.relief,
            visits.product,
            visits.slot,
            visits.reached,
            visits.pending,
            *look,
            cascade,
            *leave,
        )
        return buyers

    def coming(self, visits: Visits, rows: slice) -> Indices:
        """Those of these rows who come to the till."""
        return np.asarray(rows.start + visits.pending[rows].nonzero()[0])

    def chances(self, key: Any, truth: npt.NDArray[np.float32], visits: Visits, rows: slice, shop: Shop) -> None:
        """Fill truth (n, A): expected reward of each live action that is looked at, by these rows of visits, now."""
        self._expect(truth, visits.users[rows], shop.live, shop, self._appeal, shop.value * self._kept)

    def everyone(self, key: Any, day: float, shop: Shop, appeal: choice.Appeal) -> Everyone:
        """All users."""
        chances = np.zeros((len(self._users), len(shop.value)), np.float32)
        actions = np.arange(len(shop.value))
        self._expect(chances, np.arange(len(chances)), actions, shop, appeal, np.ones(len(actions)))
        shares = self._users.shares(day).astype(np.float32)
        return Everyone(chances, shares, np.ones(len(shares)), np.ones(len(actions)), np.zeros(len(actions)), 0.0)

    def _expect(
        self,
        truth: npt.NDArray[np.float32],
        users: Indices,
        live: Indices,
        shop: Shop,
        appeal: choice.Appeal,
        value: Floats,
    ) -> None:
        choice.chances(
            truth,
            users,
            live,
            shop.on_shelf,
            shop.shelf,
            self.ownership.owned,
            appeal,
            self._catalogue,
            shop.relief,
            self._look[0],
            value,
        )
