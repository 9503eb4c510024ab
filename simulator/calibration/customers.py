"""Who comes: how often each customer does, who is new, who is lost; fitted together with the season."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from simulator.calibration import rest
from simulator.calibration.kept import Kept
from simulator.calibration.likelihood import Estimate, Posterior, padded
from simulator.calibration.part import Parameter, Part, Settings, default, parameter
from simulator.calibration.rest import Rest
from simulator.calibration.sales import Floats, Ints, Sales

_FEWEST = 7  # kinds of customers
_ALIKE = 0.5  # spread of the log odds by which who is there on day 0 differs from who is new
_DRIFT = 0.03  # spread of the log of the share of newcomers from one week to the next
_NEW = -2.5, 2.0  # prior of the log of the share of newcomers, and its spread: a shop may have none
_ALL = 1 - 1e-6  # of the visits, since some must be of those there on day 0
_THERE = 1.0  # spread of the log of how many there were on day 0, for each of those ever seen


@dataclass(frozen=True)
class Customers:
    """A shop's customers: those there on day 0, the new ones, and how often each kind of them comes."""

    rates: Floats  # (J,) visits in a week of average traffic
    old: Floats  # (J,) shares of the kinds among those there on day 0
    new: Floats  # (J,) and among newcomers
    population: float  # there on day 0, whether seen since or not
    newcomers: float  # share of visits (guests' among them) that are a named customer's first
    guests: float  # share of visits that are a guest's
    loss: float  # chance a week
    kinds: Floats  # (n_users, J) chance that each customer seen is of each kind; rows of unseen ones are 0
    rest: Rest | None = None  # after a visit
    twice: Floats | None = None  # (J,) chance that a visit of the history is two of the market, made on one day
    merged: float = 1.0  # visits of the market for each of the history

    @property
    def lifetime_days(self) -> float:
        """Mean days until a customer is lost."""
        return -7 / float(np.log1p(-self.loss))


@dataclass(frozen=True)
class Seen:
    """What the likelihood needs of the named customers: those with the same first week, last week and number of visits
    are told once.
    """

    first: Ints  # (G,)
    last: Ints  # (G,)
    visits: Ints  # (G,)
    count: Ints  # (G,) customers
    group: Ints  # (n_users,) -1 where not seen
    weekly: Ints  # (W,) visits of named customers
    traffic: Ints  # (W,) all visits


def seen(sales: Sales) -> Seen:
    """The named customers of these sales."""
    named = ~sales.guest
    users, weeks = sales.users[named], sales.visit_weeks[named]
    n = int(users.max(initial=-1)) + 1
    visits = np.bincount(users, minlength=n)
    first, last = np.full(n, sales.weeks), np.full(n, -1)
    np.minimum.at(first, users, weeks)
    np.maximum.at(last, users, weeks)
    came = np.flatnonzero(visits)
    groups, group, count = np.unique(
        np.column_stack([first, last, visits])[came], axis=0, return_inverse=True, return_counts=True
    )
    of_user = np.full(n, -1)
    of_user[came] = group.ravel()
    weekly = np.bincount(weeks, minlength=sales.weeks)
    traffic = np.bincount(sales.visit_weeks, minlength=sales.weeks)
    return Seen(groups[:, 0], groups[:, 1], groups[:, 2], count, of_user, weekly, traffic)


def fit(sales: Sales, kept: Kept = Kept(), by_day: bool = True) -> tuple[Customers, Part]:
    """Customers and season together, from each customer's first week, last week and number of visits.

    Customers there on day 0 are a Poisson number, of kinds that differ in their rate; newcomers are a share of each
    week's visits, and of kinds that resemble the old ones. The share drifts from week to week: where it fell and a
    constant one was fitted, newcomers would be taken for old customers that come rarely. All come as Poisson processes
    whose rate follows a free factor for each week, until they are lost (Pareto/NBD of Schmittlein, Morrison & Colombo
    1987, with a free mixture in place of the gamma, and the season as its clock). Whoever is first seen in week w is
    either somebody there from the start, or new: the likelihood sums over both, so that customers already there on
    day 0 are not counted as new ones.

    Args:
        by_day: what a customer buys on one day is one visit of these sales, however often he came.
    """
    if sales.guest.all():
        return _nobody()
    about = seen(sales)
    rates = _grid(about, sales.weeks)
    start = {
        "season": np.log(np.maximum(about.weekly, 0.5) / about.weekly.mean()),
        "loss": np.array(-5.0),
        "old": np.zeros(len(rates) - 1),
        "new": np.zeros(len(rates) - 1),
        "population": np.log(0.5 * about.count.sum() + 1),
        "newcomers": np.array(_NEW[0]),
        "drift": np.zeros(sales.weeks),
    }
    told = rates, *_columns(about)
    found = Estimate.of(kept.arrays("customers", lambda: _posterior().maximise(start, *told).arrays()))
    guests = float(sales.guest.mean())
    customers = read(found.values, about, rates, guests)
    customers = replace(customers, rest=rest.fit(sales, customers.kinds, rates))
    if by_day:
        customers = _come_twice(customers, sales)

    def draw(random: np.random.Generator) -> Settings:
        one = {name: value[0] for name, value in found.draws(1, random).items()}
        drawn = read(one, about, rates, guests, customers.kinds)
        return _settings(replace(drawn, rest=customers.rest, merged=customers.merged))

    return customers, Part(_settings(customers), _parameters(customers, found), draw)


def _nobody() -> tuple[Customers, Part]:
    """Where no user has a name: every visit is a guest's."""
    one = np.ones(1)
    customers = Customers(
        rates=one, old=one, new=one, population=1.0, newcomers=0.0, guests=_ALL, loss=0.5, kinds=np.zeros((1, 1))
    )
    why = "no user has a name, so that every visit is a guest's"
    return customers, Part(_settings(customers), [default("users.population", 1.0, "people", why)])


def _come_twice(customers: Customers, sales: Sales) -> Customers:
    """With what is not seen of customers who come twice on a day; who rests after a visit does not."""
    twice = _apart(customers.rates, _open_days(sales)) / customers.rates - 1
    twice = np.asarray(twice * (1 - (customers.rest.share if customers.rest else 0.0)))
    visits = np.bincount(sales.users[~sales.guest], minlength=len(customers.kinds)) @ customers.kinds
    more = float(visits @ twice) / max(float(visits.sum()), 1.0)
    return replace(customers, twice=twice, merged=1 + (1 - customers.guests) * more)


def _open_days(sales: Sales) -> float:
    """Days of a week on which somebody comes."""
    return 7 * len(np.unique(sales.visit_days)) / sales.days


def _settings(customers: Customers) -> Settings:
    """As the market counts, guests as the last segment."""
    newcomers = (customers.newcomers + customers.guests) / customers.merged  # a first visit is one in either
    named = customers.newcomers * customers.new
    active = customers.rest.active(customers.rates) if customers.rest else customers.rates
    return _rests(customers.rest) | {
        "users.population": max(round(customers.population), 1),
        "customers.newcomers": newcomers,
        "customers.lifetime_days": customers.lifetime_days,
        "users.segments.share": [*customers.old.tolist(), 0.0],
        "users.segments.newcomers": [*named.tolist(), customers.guests],
        "users.segments.activity": [*(active / (active @ customers.old)).tolist(), 1.0],
    }


def _rests(found: Rest | None) -> Settings:
    if found is None:
        return {}
    days = found.days.tolist()
    return {"customers.rest": found.share, "users.segments.rest_days": [*days, days[-1]]}  # guests come once


def _apart(rates: Floats, open_days: float) -> Floats:
    """(J,) rates of the market, in which two visits of a customer on one day are two: a Poisson number a day is not 0
    with the chance that the history's rate a day says.
    """
    return np.asarray(-np.log1p(-np.minimum(rates / open_days, 0.9)) * open_days)


def _grid(about: Seen, weeks: int) -> Floats:
    """Rates from that of somebody who comes once in three such histories to that of the most frequent one, each at most
    e times as often as the next.
    """
    frequent = np.repeat(about.visits, about.count)
    top = max(float(np.sort(frequent)[-max(len(frequent) // 2000, 1)]) / weeks, 2.0 / weeks)
    kinds = max(1 + math.ceil(math.log(top * 3 * weeks)), _FEWEST)
    return np.exp(np.linspace(np.log(1 / (3 * weeks)), np.log(top), kinds))


@cache
def _posterior() -> Posterior:
    """Compiled once for shops of one size."""
    return Posterior(_told)


def _columns(about: Seen) -> tuple[Ints, ...]:
    """What is seen as compiled functions take it; see `_of_columns`."""
    groups = about.first, about.last, about.visits, about.count
    return *(padded(column) for column in groups), about.weekly, about.traffic


def _of_columns(first: Any, last: Any, visits: Any, count: Any, weekly: Any, traffic: Any) -> Seen:
    return Seen(first, last, visits, count, first, weekly, traffic)


def _told(values: Any, rates: Any, *columns: Any) -> Any:
    return _log_density(values, _of_columns(*columns), rates)


@jax.jit
def _histories(values: Any, rates: Any, *columns: Any) -> tuple[Any, Any]:
    """Log intensities of `_terms`, compiled in one piece: one by one, its operations take longer."""
    old, new, _ = _terms(values, _of_columns(*columns), rates)
    return old, new


def _log_density(values: Any, about: Seen, rates: Floats) -> Any:
    old, new, never = _terms(values, about, rates)
    both = jnp.concatenate([old, new], axis=1)
    likelihood = jnp.sum(about.count * jax.scipy.special.logsumexp(both, axis=1))
    likelihood += jnp.sum(about.weekly * values["season"])
    share = jnp.sum(about.traffic * jnp.exp(values["drift"])) / about.traffic.sum()  # beside the mean: anchored to 1
    expected = jnp.exp(values["population"]) * (1 - never)
    expected += jnp.exp(values["newcomers"]) * about.traffic.sum() * share
    anchor = -0.5 * (jnp.mean(values["season"]) / 1e-3) ** 2
    spread = -0.5 * jnp.sum(values["season"] ** 2) / 100 - 0.5 * (values["loss"] + 5.0) ** 2 / 4
    apart = (values["old"] - values["new"]) / _ALIKE
    mixture = -0.5 * jnp.sum(values["new"] ** 2) / 9 - 0.5 * jnp.sum(apart**2)
    drift = -0.5 * jnp.sum((jnp.diff(values["drift"]) / _DRIFT) ** 2) - 0.5 * ((share - 1) / 1e-3) ** 2
    drift -= 0.5 * ((values["newcomers"] - _NEW[0]) / _NEW[1]) ** 2
    there = -0.5 * ((values["population"] - jnp.log(about.count.sum())) / _THERE) ** 2  # or nobody were, all being new
    return likelihood - expected + anchor + spread + mixture + drift + there


def _terms(values: Any, about: Seen, rates: Floats) -> tuple[Any, Any, Any]:
    """(G, J) log intensity of each history if there from day 0, and if new; chance that one of day 0 is never seen.

    The factors of the weeks of single visits are common to all and left out here.
    """
    factor = jnp.exp(values["season"])
    clock = jnp.concatenate([jnp.zeros(1), jnp.cumsum(factor)])  # operational time at the start of each week
    loss = jax.nn.sigmoid(values["loss"])
    quiet = _quiet(clock, loss, rates)  # (W, J)
    first, last, visits = about.first, about.last, about.visits[:, None]
    stays = (last - first)[:, None] * jnp.log1p(-loss) + jnp.log(quiet[last])
    old = values["population"] + _log_share(values["old"]) + visits * jnp.log(rates) + stays
    old += -clock[last + 1][:, None] * rates + first[:, None] * jnp.log1p(-loss)
    since = clock[last + 1] - clock[first] - 0.5 * factor[first]  # a newcomer of a week sees half of it
    shown = values["newcomers"] + values["drift"] + jnp.log(jnp.maximum(about.traffic, 1))  # new ones of each week
    new = shown[first][:, None] + _log_share(values["new"])
    new += (visits - 1) * jnp.log(rates) - since[:, None] * rates - values["season"][first][:, None] + stays
    never = jnp.sum(jnp.exp(_log_share(values["old"]) - factor[0] * rates) * quiet[0])
    return old, new, never


def _quiet(clock: Any, loss: Any, rates: Floats) -> Any:
    """(W, J) chance of no visit after week w, for somebody who was not lost before its end: lost with it, or there for
    the week after it without coming, and silent ever since; 1 after the last week.
    """

    def before(later: Any, gap: Any) -> tuple[Any, Any]:
        quiet = loss + (1 - loss) * jnp.exp(-rates * gap) * later
        return quiet, quiet

    last = jnp.ones_like(rates)
    _, earlier = jax.lax.scan(before, last, jnp.diff(clock)[1:], reverse=True)
    return jnp.concatenate([earlier, last[None]])


def _log_share(free: Any) -> Any:
    return jax.nn.log_softmax(jnp.concatenate([jnp.zeros(1), free]))


def read(
    values: dict[str, Floats], about: Seen, rates: Floats, guests: float, kinds: Floats | None = None
) -> Customers:
    """The customers that a point of the posterior speaks of; `kinds` where it is known, or does not matter."""
    return Customers(
        rates=rates,
        old=_shares(values["old"]),
        new=_shares(values["new"]),
        population=float(np.exp(values["population"])),
        newcomers=min(float(np.exp(values["newcomers"])), about.count.sum() / (about.traffic.sum() + 1)),
        guests=guests,
        loss=float(1 / (1 + np.exp(-values["loss"]))),
        kinds=_kinds(values, about, rates) if kinds is None else kinds,
    )


def _shares(free: Floats) -> Floats:
    weights = np.exp(np.append(0.0, free))
    return np.asarray(weights / weights.sum())


def _kinds(values: dict[str, Floats], about: Seen, rates: Floats) -> Floats:
    """(n_users, J) chance that each customer is of each kind; 0 where not seen."""
    with jax.enable_x64(True):
        old, new = (np.asarray(term)[: len(about.first)] for term in _histories(values, rates, *_columns(about)))
    weight = np.exp(np.logaddexp(old, new) - np.logaddexp(old, new).max(axis=1, keepdims=True))
    kinds = (weight / weight.sum(axis=1, keepdims=True))[about.group]
    kinds[about.group < 0] = 0.0
    return np.asarray(kinds)


def _parameters(customers: Customers, found: Estimate) -> list[Parameter]:
    errors = found.errors
    population, days = customers.population, customers.lifetime_days
    newcomers = customers.newcomers / customers.merged
    told = [
        parameter("users.population", population, _population_error(population, errors), "people"),
        parameter("customers.newcomers", newcomers, newcomers * float(errors["newcomers"]), "of visits"),
    ]
    if float(errors["loss"]) < 1.0:  # its prior has a spread of 2 in log odds
        told.append(parameter("customers.lifetime_days", days, days * float(errors["loss"]), "days"))
    else:
        why = "loss cannot be told from customers who come rarely"
        told.append(default("customers.lifetime_days", days, "days", why))
    if customers.rest is not None:
        told.append(parameter("customers.rest", customers.rest.share, customers.rest.error, "of visits"))
    for name, shares, key, unit in (
        ("old", customers.old, "share", "of those there on day 0"),
        ("new", customers.new, "newcomers", "of newcomers"),
    ):
        for j, share in enumerate(shares):
            told.append(parameter(f"users.segments[{j}].{key}", share, _share_error(found, name, shares, j), unit))
    return told


def _population_error(population: float, errors: dict[str, Floats]) -> float:
    """Of how many there were, not of how many to expect: of a Poisson number, each of whom is seen with some chance,
    the variance of the first is that of the second less the mean itself.
    """
    expected = (population * float(errors["population"])) ** 2
    return float(np.sqrt(max(expected - population, 0.1 * expected)))


def _share_error(found: Estimate, name: str, shares: Floats, kind: int) -> float:
    """Delta method through the softmax."""
    ends = np.cumsum([np.size(value) for value in found.values.values()])
    place = list(found.values).index(name)
    covariance = found.covariance[ends[place - 1] : ends[place], ends[place - 1] : ends[place]]
    slope = shares[kind] * ((np.arange(len(shares)) == kind).astype(float) - shares)[1:]
    return float(np.sqrt(slope @ covariance @ slope))
