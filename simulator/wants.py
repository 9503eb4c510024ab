"""Wants: what a visit comes for, what it considers for each want, and what it takes.

A visit has one want that what is offered competes for, beside its sample of the shelf, and maybe further ones, each
with a sample of its own. Every want is met by the best of what it considers, or not at all: (nested) logit, with noise
that belongs to (visit, want, product). Utilities are worked out for what is considered alone, so that neither memory
nor time grows with users x products.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from simulator import choice, logit, streams
from simulator.answers import Everyone
from simulator.baskets import Baskets
from simulator.catalogue import Catalogue
from simulator.consideration import Listing, Sample, chances
from simulator.logit import Fate, Goods, Habits, Owned, People
from simulator.ownership import Ownership
from simulator.pieces import Pieces
from simulator.scenario import Product, Scenario
from simulator.shop import Shop
from simulator.users import Users
from simulator.visits import Floats, Indices, Visits

_IMAGINED = 20_000  # visits


class Untabled(choice.Appeal):
    """How products appeal, with nothing kept for each user and product."""

    def _shape(self) -> tuple[int, int]:
        return 0, 0

    def _weigh(self) -> None:
        self.tastes = self._users.tastes(7.0 * self._week)  # (N, q)
        self.moves += 1


class Wants:
    """The answers of visits, from what each considers."""

    def __init__(self, scenario: Scenario, catalogue: Catalogue, users: Users, appeal: Untabled, seed: int) -> None:
        self.ownership = Ownership(len(users), len(catalogue))
        self._shelf = scenario.shelf
        self._appeal, self._catalogue, self._users = appeal, catalogue, users
        self._baskets = Baskets(scenario, users, seed)
        self.pieces = Pieces(scenario, users, self._baskets, seed)
        self._sample = Sample.of(scenario, catalogue)
        about = scenario.choice
        unmet = None if scenario.baskets is None else scenario.baskets.leaving
        self._habits = Habits(
            np.array(about.examination),
            about.leaving,
            about.leaving if unmet is None else unmet,
            about.nesting,
            choice.stable_table(about.nesting),
            self._baskets.share,
            self._baskets.days,
            self.pieces.of_visits,
            self.pieces.odd,
            self.pieces.times,
            self.pieces.fill,
            self.pieces.thresholds,
            catalogue.n_offered,
        )
        buying = scenario.buying
        self._fate = Fate(buying.returns, buying.return_days, buying.return_window, buying.returns_part)
        self._refills = np.array([_refill(scenario, product) for product in scenario.products])
        self._styles = catalogue.styles.astype(np.float32)  # small, for the cache, like categories
        self._categories = catalogue.categories.astype(np.int32)
        self._sensitivities = users.sensitivities.astype(np.float32)

    @property
    def people(self) -> People:
        """The users now."""
        tastes, users, baskets = self._appeal.tastes, self._users, self._baskets
        return People(tastes, self._sensitivities, users.pays, baskets.means, baskets.shapes, self.pieces.of_users)

    def goods(self, appeal: choice.Appeal) -> Goods:
        """The products as they appeal."""
        levels = self._catalogue.qualities / appeal.about.nesting + appeal.lift
        return Goods(self._styles, levels, appeal.prices, self._categories, self.pieces.of_products, self._refills)

    @property
    def owned(self) -> Owned:
        """Who has what, as pages know it."""
        ownership = self.ownership
        return Owned(ownership.owners, ownership.pairs, ownership.until, ownership.n_products)

    @property
    def touched(self) -> tuple[Any, Any]:
        """What is read of each user."""
        return self._appeal.tastes, self.ownership.owners[:, None]

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
        """As `Tabled.respond`; fills in further wants, too, and counts those who come with some among the buyers."""
        shelf = shop.shelf, shop.on_shelf, shop.stock.on_hand
        found = visits.product, visits.slot, visits.reached, visits.pending, visits.wants
        drawn = self._drawn(key, visits, shop)
        about = *drawn, self.people, self.goods(self._appeal), self.owned, self._habits
        asked = visits.ids, visits.users, visits.times, offered, eligible
        buyers: int = logit.respond(key, rows.start, rows.stop, *asked, *shelf, shop.relief, *found, *about, cascade)
        return buyers

    def _drawn(self, key: Any, visits: Visits, shop: Shop) -> tuple[Indices, Indices, Indices]:
        """What the first wants of all these visits draw of the shelf; it is theirs, so it is drawn once."""
        if self._sample.draws == 0:
            return self.sampled(key, visits.ids, visits.times, shop)
        if visits.drawn is None or visits.drawn[0] is not shop.listing:
            visits.drawn = shop.listing, self.sampled(key, visits.ids, visits.times, shop)
        products, begins, ends = visits.drawn[1]
        return products, begins, ends

    def sampled(self, key: Any, ids: streams.Ids, times: Floats, shop: Shop) -> tuple[Indices, Indices, Indices]:
        """What first wants of visits (n,) draw of the shelf: products (m,), and where those of each begin and end."""
        if self._sample.draws == 0:
            return shop.shelf, np.zeros(len(ids), np.int64), np.full(len(ids), len(shop.shelf))
        products, begins, ends = logit.sampled(key, ids, times, self._sample, self._categories, shop.listing)
        return products, begins, ends

    def coming(self, visits: Visits, rows: slice) -> Indices:
        """Those of these rows who come to the till."""
        return np.asarray(rows.start + (visits.pending[rows] | (visits.wants[rows] > 0)).nonzero()[0])

    def fill(self, key: Any, visits: Visits, rows: Indices, first: Floats, shop: Shop) -> tuple[Indices, Any]:
        """The baskets of these rows (n,), whose first want costs `first` (n,) euros, if it is met.

        Answers where the lines of each end (n,), and the lines of all as columns (m,): product; pieces wanted; euros
        for each; days until it comes back, or infinity; luck in (0, 1) of how much of it does, 0 for all; days until
        the buyer wants it again.
        """
        products, want = visits.product[rows], visits.wants[rows]
        who = visits.ids[rows], visits.users[rows], visits.times[rows]
        about = self.people, self.goods(self._appeal), self._sample, shop.listing, self.owned, self._habits, self._fate
        ends, lines, sizes, *fates = logit.fill(key, *who, products, want, shop.shelf, shop.on_shelf, *about)
        prices = self._appeal.prices[lines]
        starts = ends - np.diff(ends, prepend=0)
        prices[starts[products >= 0]] = first[products >= 0]
        buyers = np.repeat(who[1], np.diff(ends, prepend=0))
        prices *= self._users.pays[buyers] * (1.0 - self.pieces.off[sizes])
        return ends, (lines, self.pieces.sizes[sizes], prices, *fates)

    def chances(
        self,
        key: Any,
        truth: npt.NDArray[np.float32],
        visits: Visits,
        rows: slice,
        shop: Shop,
    ) -> None:
        """Fill truth (n, A): expected reward of each live action that is looked at, by these rows of visits, now.

        (Nested) logit as in `choice.chances`, times the expected pieces of a line, net of returns, and what they bring;
        in closed form, for all but the luck of what the visit considers, which is known.
        """
        products, begins, ends = self._drawn(key, visits, shop)
        about = self.people, self.goods(self._appeal), self.owned, self._habits
        shelf = shop.live, shop.on_shelf, shop.relief, shop.per_piece
        who = visits.ids[rows], visits.users[rows], visits.times[rows]
        drawn = products, begins[rows], ends[rows]
        logit.chances(key, truth, *who, *shelf, self.pieces.units, self.pieces.paid, *drawn, *about)

    def everyone(self, key: Any, day: float, shop: Shop, appeal: choice.Appeal) -> Everyone:
        """Some visitors, drawn as often as they visit, and what each considers, the same whenever this is asked."""
        ids = np.arange(_IMAGINED, dtype=np.uint64)
        shares = self._users.shares(day)
        users = shares.cumsum().searchsorted(streams.uniforms(key ^ logit.WANTS, ids) * shares.sum())
        times, live = np.full(len(ids), day), np.arange(len(shop.value))
        about = *self.sampled(key, ids, times, shop), self.people, self.goods(appeal), self.owned, self._habits
        shelf = live, shop.on_shelf, shop.relief, np.outer([1.0, 0.0], np.ones(len(live)))
        chances, pieces = (np.zeros((len(ids), len(live)), np.float32) for _ in range(2))
        for bought, table in ((chances, np.ones_like(self.pieces.wanted)), (pieces, self.pieces.wanted)):
            logit.chances(key, bought, ids, users, times, *shelf, table, table, *about)
        mean = pieces.sum(axis=0) / np.maximum(chances.sum(axis=0), 1e-30)
        own = shares[users].astype(np.float32), 1 / (len(ids) * shares[users])
        busy = self._baskets.days[min(int(day), len(self._baskets.days) - 1)]
        wants = self._baskets.share * busy * float(shares @ self._baskets.means) / shares.sum()
        return Everyone(chances, *own, mean, self._stands(len(live), shop.listing, day), wants)

    def _stands(self, n_actions: int, listing: Listing, day: float) -> Floats:
        """(A,) chance that a want considers each product that may be offered, were it launched."""
        if self._shelf is None or not self._shelf.launches:
            return np.zeros(n_actions)
        shares = np.diff(self._sample.ends, prepend=0)[np.argsort(self._sample.order)]
        there = (listing.since <= day) & (day < listing.until)
        shares /= shares @ there + shares * ~there  # of what is drawn then, were it among that
        found = chances(shares, self._shelf.considered or 0, self._sample.shape)
        return np.resize(found[: self._catalogue.n_offered], n_actions)


def _refill(scenario: Scenario, product: Product) -> float:
    if scenario.again is None:
        return np.inf if scenario.users.durable else 0.0
    return scenario.again.refill_days if product.refill_days is None else product.refill_days
