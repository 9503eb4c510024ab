"""The market as a bandit, asking "which to show?" at every visit or "which to launch?" at launch windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.environment import Choices, Rounds
from envs.prospects import Prospects
from envs.slates import Slates, Waiting
from policies.policy import ContextFeature, Decisions, Feedback, Floats, Integers, Problem
from simulator.ledger import Ledger
from simulator.market import Market
from simulator.scenario import Scenario
from simulator.visits import Interval, Visits, Window

Choose = Callable[[Decisions], Choices]


class Simulated:
    """A season of a scenario. Plays once; `ledger` holds the shop's books.

    Asking what to show, an action is a product at a level of discount (one level unless the scenario has more), a
    decision is a slot of a visit, and its reward what that slot sold, net of returns. A slate is the same question
    asked again with what is already on it unavailable. The truth of a decision is the expected reward of each action in
    that slot were the other slots empty; 0 for what is not launched, owned by this user, or already on the slate.

    Asking what to launch, an action is a product, a decision is a place in a launch window, and its reward the
    product's net sales over the scenario's horizon. The truth is each candidate's expected sales in closed form, see
    `envs/prospects.py`.

    Args:
        scenario: a Scenario, or what `Scenario.load` takes.
        seed: of the world: who comes, what they like, their luck.
        record: keep single visits in the ledger.
        one_at_a_time: ask for each visit alone; changes nothing but speed.
        product_features: (K, m) what else a policy shall see of the products, such as their titles' embeddings.
        foresee: tell the truth of launches; where candidates are many that takes longer than the season.
    """

    def __init__(
        self,
        scenario: Scenario | str,
        seed: int = 0,
        *,
        record: bool = False,
        one_at_a_time: bool = False,
        product_features: Floats | None = None,
        foresee: bool = True,
    ) -> None:
        self._foresee = foresee
        self.scenario = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
        self._showing = showing = self.scenario.question == "show"
        offer: Any = self._offer if showing else self._launch
        self.market = Market(self.scenario, offer, seed, record=record, one_at_a_time=one_at_a_time)
        self._truth: Floats = np.empty((0, 0))  # of the decisions just asked: what the oracle sees
        self._reach = _reach(self.scenario)  # (S,) chance that a slot is looked at
        self._waiting = Waiting(self._reach)
        n_offered = self.market.catalogue.n_offered
        self._product_features = np.empty((n_offered, 0)) if product_features is None else product_features[:n_offered]
        self._see_prices()
        self._launches: dict[tuple[float, int], tuple[Feedback, Floats | None]] = {}
        self.problem = Problem(
            n_actions=len(self._actions),
            n_context_features=self.market.users.features.shape[1] if showing else 5,
            n_action_features=self._actions.shape[1],
            history_length=self.scenario.users.history if showing else 0,
            action_names=tuple(self.action_names),
            context=_named(self.market.users.features.shape[1]) if showing else _WINDOW,
        )

    @property
    def ledger(self) -> Ledger:
        """What has happened so far."""
        return self.market.ledger

    @property
    def action_names(self) -> list[str]:
        """A name for each action: the product's title, with its discount where there is one."""
        titles = self.market.catalogue.titles[: self.market.catalogue.n_offered]
        if self.scenario.question == "launch":
            return titles
        return [title if cut == 0 else f"{title} -{cut:.0%}" for cut in self.market.shop.levels for title in titles]

    def oracle(self) -> Oracle:
        """The policy that knows the truth of this environment."""
        return Oracle(self)

    def play(self, choose: Choose) -> Iterator[Rounds]:
        """Every decision of the season, each in exactly one round, when its reward is known."""
        self._choose = choose
        for interval in self.market.play():
            if interval.judged:
                yield from self._judged(interval)
            if self._showing:
                yield from self._settled(interval)

    # -- which to show?

    def _offer(self, visits: Visits, rows: slice) -> Integers:
        """Ask for the slates of these visits, slot by slot."""
        shop, slots = self.market.shop, self.scenario.slots
        if self.market.appeal.prices is not self._seen_prices:
            self._see_prices()
        slates: Slates | None = visits.note
        if slates is None:
            slates = visits.note = Slates(visits, shop.eligible, self._actions, self._reach)
        slates.ask(rows, shop.eligible, self._actions)
        self._truth = self._expected(slates, visits, rows)
        filled = min(slots, shop.n_in_stock)
        slates.full &= filled == slots
        for slot in range(filled):
            if slot:
                slates.next_slot(slot, rows, self.market.catalogue.n_offered)
                self._truth = slates.truth[slot, rows]
            asked = slates.question(slot, rows)
            slates.put(slot, rows, asked, self._choose(asked))
        offered: Integers = slates.chosen[:, rows].T
        return offered

    def _see_prices(self) -> None:
        """What products look like at today's prices."""
        self._seen_prices = self.market.appeal.prices
        self._actions = self._look(self._seen_prices)

    def _expected(self, slates: Slates, visits: Visits, rows: slice) -> Floats:
        """(n, A) expected rewards of these visits from a slot that is looked at.

        They are worked out ahead for those met together, for twice as many each time that nothing has changed since.
        """
        moves = self.market.moves
        if moves != slates.expected_at or rows.stop > slates.expected_until:
            ahead = 2 * slates.ahead if moves == slates.expected_at else 1
            until = min(max(rows.stop, rows.start + ahead), len(visits.times))
            some = slice(rows.start, until)
            self.market.expect(slates.truth[0, some], visits, some)
            slates.expected_at, slates.expected_until, slates.ahead = moves, until, ahead
        return slates.truth[0, rows]

    def _settled(self, interval: Interval) -> list[Rounds]:
        """Rounds of this interval's visits that are settled, and of earlier ones that have become so."""
        settled: list[Rounds] = []
        for visits, rows in interval.visits:
            slates: Slates = visits.note
            if visits.buying:
                waiting = rows.start + visits.pending[rows].nonzero()[0]
                if len(waiting):
                    self._waiting.keep(slates, waiting, visits.ids[waiting].tolist())
            settled += slates.rounds(rows)
            if rows.stop == len(visits.times):
                visits.note = None  # all that waits is copied
        if interval.settled:
            ids = [int(visits.ids[row]) for visits, row in interval.settled]
            settled += self._waiting.release(ids, np.array([visits.rewards[row] for visits, row in interval.settled]))
        return settled

    def _look(self, prices: npt.NDArray[np.float64]) -> Floats:
        """(A, a) what each action looks like at these prices; and the size of its discount, where there are any."""
        offered = self.market.catalogue.n_offered
        features = np.column_stack([self.market.catalogue.features(prices)[:offered], self._product_features])
        if self.scenario.question == "launch" or len(self.market.shop.levels) == 1:
            return features
        cuts = self.market.shop.levels
        parts = [np.column_stack([features, np.full(len(features), cut)]) for cut in cuts]
        return np.concatenate(parts)

    # -- which to launch?

    def _launch(self, window: Window) -> list[int]:
        """Ask for the launches of a window, one place after the other."""
        available = window.candidates[: len(self._actions)].copy()
        prospects = Prospects(self.market, self._reach, window) if self._foresee else None
        chosen: list[int] = []
        for _ in range(window.capacity):
            decisions = Decisions(np.array([window.time]), window.context[None], self._actions, available[None].copy())
            if prospects is not None:
                self._truth = np.where(available, prospects.sales(chosen), 0.0)[None]
            choices = self._choose(decisions)
            product = int(choices.chosen[0])
            feedback = Feedback(decisions, choices.chosen, choices.propensities, np.zeros(1))
            self._launches[window.time, product] = feedback, self._truth if self._foresee else None
            available[product] = False
            chosen.append(product)
        return chosen

    def _judged(self, interval: Interval) -> Iterator[Rounds]:
        for day, product, reward in interval.judged:
            feedback, truth = self._launches.pop((day, product))
            feedback.rewards = np.array([reward])
            yield Rounds(feedback, truth)


def _named(d: int) -> tuple[ContextFeature, ...]:
    return tuple(ContextFeature(f"feature {j}" if j else "constant") for j in range(d))


_WINDOW = tuple(
    map(ContextFeature, ("constant", "share of the season gone", "share launched", "visits a week", "sales a week"))
)


class Oracle:
    """Takes the best available action, knowing the truth of its environment."""

    def __init__(self, environment: Simulated) -> None:
        self._environment = environment

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) all on the best expected reward."""
        truth = np.where(decisions.available, self._environment._truth, -np.inf)
        chosen = np.zeros(truth.shape)
        chosen[np.arange(len(truth)), truth.argmax(axis=1)] = 1.0
        return chosen

    def learn(self, feedback: Feedback) -> None:
        """Nothing to learn."""


def _reach(scenario: Scenario) -> Floats:
    """(S,) chance that each slot is looked at; in a cascade, by a user whom nothing convinces."""
    chances = np.array(scenario.choice.examination[: scenario.slots])
    reach: Floats = chances.cumprod() if scenario.choice.model == "cascade" else chances
    return reach
