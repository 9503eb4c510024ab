"""Scenario: everything that defines a season, read from TOML, checked on the way in."""

from __future__ import annotations

import codecs
import datetime
import difflib
import re
import tomllib
from collections import Counter
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from simulator import toml

_PACKAGED = resources.files("simulator") / "scenarios"

# A shop's day and week, relative to their means: quiet nights, a lunch bump, a long evening; strong weekends.
_HOURS = [3.0, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 15, 14, 13, 13, 14, 15, 17, 20, 22, 21, 15, 8]
_WEEKDAYS = [9.0, 9, 9, 10, 11, 13, 12]

MOST_PRODUCTS = 200_000  # of a scenario
_TABLED = 200_000_000  # users x products whose utilities and ownership, 5 bytes each, are kept as a table

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class ScenarioError(ValueError):
    """A scenario that cannot be played; the message is one line: name, rule, value."""


class Part(BaseModel):
    """A part of a scenario: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, values: Any) -> Any:
        for name, value in values.items() if isinstance(values, dict) else ():
            for one in value if isinstance(value, list) else (value,):
                if isinstance(one, bool) and cls._is_number(name):
                    raise ValueError(f"{name} must not be true or false, got {one}")
        return values

    @classmethod
    def _is_number(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return field is not None and "bool" not in str(field.annotation)


class Arrivals(Part):
    """When users come: per_day x hour x weekday x season, lifted by launches and by friends of buyers."""

    per_day: float = Field(gt=0)  # visits a day, on average, before launches and friends
    hours: list[float] = Field(default=_HOURS, min_length=24, max_length=24)  # relative traffic of each hour
    weekdays: list[float] = Field(default=_WEEKDAYS, min_length=7, max_length=7)  # Monday first; day 0 is a Monday
    season: float = Field(default=0.0, ge=0, lt=1)  # amplitude of a yearly wave
    season_peak: float = 0.0  # day of the wave's peak
    buzz: float = Field(default=0.0, ge=0)  # lift of traffic on the day of a launch, as a share of it
    buzz_days: float = Field(default=3.0, gt=0)  # how long a launch is talked about
    word_of_mouth: float = Field(default=0.0, ge=0, lt=1)  # friends who come for each sale
    friend_days: float = Field(default=2.0, gt=0)  # mean days until a friend comes

    @model_validator(mode="after")
    def _some_traffic(self) -> Self:
        for name in ("hours", "weekdays"):
            values = getattr(self, name)
            if min(values) < 0 or max(values) <= 0:
                raise ValueError(f"{name} must be non-negative and not all 0, got {values}")
        return self


class Calendar(Part):
    """The season's place in the year: closed days, and traffic from week to week."""

    start: datetime.date | None = None  # of day 0; none: a Monday, the first of January
    closed: list[str | datetime.date] = []  # weekdays by name, and dates, without visits
    dates: dict[datetime.date, Annotated[float, Field(ge=0)]] = {}  # factor of single dates, such as 2026-11-27 = 3.0
    weeks: list[float] = Field(default=[], max_length=53)  # factor of week (day of year - 1) // 7; else 1
    trend: float = 0.0  # growth of the log of traffic in a year

    @field_validator("closed", mode="before")
    @classmethod
    def _dates(cls, closed: Any) -> Any:
        """Dates may stand in quotes."""
        return [_date(day) for day in closed] if isinstance(closed, list) else closed

    @model_validator(mode="after")
    def _days(self) -> Self:
        for day in self.closed:
            if isinstance(day, str) and day.lower() not in WEEKDAYS:
                raise ValueError(f"closed must hold dates and names of weekdays such as 'saturday', got {day!r}")
            if isinstance(day, datetime.date) and self.start is None:
                raise ValueError(f"start must be given where closed holds dates, got none with {day}")
        if self.dates and self.start is None:
            raise ValueError(f"start must be given where there are dates, got none with {min(self.dates)}")
        if min(self.weeks, default=1.0) < 0:
            raise ValueError(f"weeks must be non-negative, got {min(self.weeks)}")
        return self


class Customers(Part):
    """Customers who come and go: `users.population` are there on day 0, newcomers come on top of them."""

    newcomers: float = Field(default=0.0, ge=0, lt=1)  # share of visits that are somebody's very first
    once: float = Field(default=0.0, ge=0, le=1)  # share of newcomers who never come again
    lifetime_days: float | None = Field(default=None, gt=0)  # mean days until a customer is lost; none = never
    heterogeneity: float | None = Field(default=None, gt=0)  # Gamma shape of visit rates; none = by `users.zipf`
    rest: float = Field(default=0.0, ge=0, lt=1)  # share of visits after which a customer does not come for a while
    rest_days: float = Field(default=7.0, gt=0)  # mean days of that (Exponential)


class Segment(Part):
    """A kind of user."""

    name: str  # what it is called
    share: float = Field(ge=0)  # of the population; shares are taken relative to their sum
    activity: float = Field(default=1.0, gt=0)  # visits relative to other segments
    price_sensitivity: float = Field(default=1.0, ge=0)  # relative to the population's
    newcomers: float | None = Field(default=None, ge=0)  # share of newcomers; none = as of the population
    rest_days: float | None = Field(default=None, gt=0)  # mean days of a rest; none = `customers.rest_days`
    once: float | None = Field(default=None, ge=0, le=1)  # its newcomers who never come again; none = `customers.once`
    products: float = Field(default=1.0, ge=0)  # further wants of a visit relative to other segments
    shape: float | None = Field(default=None, gt=0)  # of the number of further wants; none = `baskets.shape`
    pieces: float = 0.0  # shift of the pieces of a line, in standard deviations
    price: float = Field(default=1.0, gt=0)  # what it pays relative to the list


class Users(Part):
    """Who comes."""

    population: int = Field(default=20_000, gt=0, le=5_000_000)  # users there are
    zipf: float = Field(default=0.6, ge=0)  # visit rate of the r-th most active user is r^-zipf
    features: int = Field(default=7, ge=1)  # user features that a policy sees, beside a constant 1
    information: float = Field(default=0.7, ge=0, le=1)  # correlation of tastes with features: 0 useless, 1 sufficient
    taste: float = Field(default=1.0, ge=0)  # spread of tastes, in utility
    price_sensitivity: float = Field(default=0.03, ge=0)  # utility lost for each euro, median
    price_spread: float = Field(default=0.4, ge=0)  # of log price sensitivity
    drift: float = Field(default=0.0, ge=0, le=1)  # share of a quarter turn that tastes make over the season
    history: int = Field(default=0, ge=0, le=50)  # items last seen that the shop remembers of a user
    durable: bool = True  # nobody buys the same product twice
    segments: list[Segment] = Field(default=[Segment(name="everyone", share=1.0)], min_length=1)  # kinds of users


class Shelf(Part):
    """What a visit considers of the shelf, and who stands on it."""

    considered: float | None = Field(default=None, ge=1, le=1000)  # products drawn by popularity; none = all
    shape: float | None = Field(
        default=None, gt=0
    )  # draws differ: 1 + negative binomial, mean `considered`, which else is whole; none = not
    focus: float = Field(default=0.0, ge=0, le=1)  # chance that a draw stays in the category of the first
    listed: bool = False  # what is drawn and not listed at the time is drawn again; else it is passed over
    launches: bool = False  # launched candidates stand on the shelf too
    offers: Literal["all", "candidates"] = "all"  # what may be offered in slots

    @model_validator(mode="after")
    def _so_many(self) -> Self:
        if self.shape is None and self.considered is not None and self.considered % 1:
            raise ValueError(f"considered must be whole where no shape is given, got {self.considered}")
        return self


class Baskets(Part):
    """Several products a visit: one want that what is offered competes for, and further ones met from the shelf."""

    share: float = Field(default=1.0, ge=0, le=1)  # of visits that come with further wants
    products: float = Field(ge=0, le=1000)  # mean number of further wants of such a visit
    shape: float = Field(default=1.0, gt=0)  # negative binomial: variance = mean + mean^2 / shape
    spread: float = Field(default=0.0, ge=0)  # of the log of their mean between users
    leaving: float | None = None  # utility of leaving a further want unmet; none = `choice.leaving`
    weeks: list[float] = Field(default=[], max_length=53)  # factor on the mean in week (day of year - 1) // 7; else 1

    @field_validator("weeks")
    @classmethod
    def _not_negative(cls, weeks: list[float]) -> list[float]:
        if min(weeks, default=1.0) < 0:
            raise ValueError(f"weeks must be non-negative, got {min(weeks)}")
        return weeks


class Break(Part):
    """A quantity break: a lower price for many pieces."""

    at: int = Field(gt=1)  # pieces of a line, from which on
    off: float = Field(gt=0, lt=1)  # share of the price


class Tail(Part):
    """Some who are far from the others: a normal distribution with heavier tails (Tukey 1960)."""

    share: float = Field(gt=0, lt=1)  # of all
    times: float = Field(gt=1)  # how much wider they spread than the others


class Pieces(Part):
    """Several pieces of a product: usual sizes, larger or smaller by segment, user, visit and product."""

    sizes: list[int] = Field(min_length=1, max_length=200)  # pieces, increasing
    shares: list[float]  # of lines of each size, relative to their sum
    spread: float = Field(default=0.0, ge=0)  # of the shift between users; a line's own noise is 1
    visits: float = Field(default=0.0, ge=0)  # of the shift between visits
    basket: float = 0.0  # shift with the user's own log of the mean number of further wants
    spread_tail: Tail | None = None  # users who take far more or far fewer than others; none = all spread alike
    visits_tail: Tail | None = None  # visits that are unlike their user's others
    fill: float = 0.0  # shift for each e-fold of a visit's wants beyond what is usual for its user
    breaks: list[Break] = []  # quantity breaks

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.sizes[0] < 1 or any(later <= size for size, later in pairwise(self.sizes)):
            raise ValueError(f"sizes must be positive and increase, got {self.sizes}")
        if len(self.shares) != len(self.sizes) or min(self.shares) < 0 or sum(self.shares) <= 0:
            raise ValueError(f"shares must be {len(self.sizes)} non-negative numbers, not all 0, got {self.shares}")
        return self


class Again(Part):
    """Goods that are bought again and again, in place of durable ones."""

    refill_days: float = Field(gt=0)  # mean days until a buyer wants a product again, where it says nothing else


class Life(Part):
    """How a product's appeal changes with its age, beside its novelty."""

    ramp: float = Field(default=0.0, ge=0)  # utility that is missing on the first day
    ramp_days: float = Field(default=14.0, gt=0)  # how slowly it comes
    decline: float = 0.0  # utility lost in a year, where a product says nothing else


class Choice(Part):
    """What they answer."""

    examination: list[float] = Field(default=[1.0], min_length=1)  # chance that each slot is looked at
    model: Literal["position", "cascade"] = "position"  # cascade: whom a slot has convinced looks no further
    leaving: float = 3.0  # utility of buying nothing
    nesting: float = Field(default=1.0, ge=0.01, le=1)  # dissimilarity within a category; 1 = multinomial logit
    novelty: float = Field(default=0.0, ge=0)  # extra utility on the day of launch
    novelty_days: float = Field(default=7.0, gt=0)  # how long it stays new
    social_proof: float = Field(default=0.0, ge=0)  # utility for each e-fold of sales so far

    @model_validator(mode="after")
    def _chances(self) -> Self:
        for chance in self.examination:
            if not 0 <= chance <= 1:
                raise ValueError(f"examination must be between 0 and 1, got {chance}")
        return self


class Buying(Part):
    """From choosing to keeping."""

    prompt: float = Field(default=0.8, ge=0, le=1)  # share of buyers who decide within minutes
    prompt_minutes: float = Field(default=10.0, gt=0)  # their mean
    slow_days: float = Field(default=1.0, gt=0)  # mean of the others
    settle_days: float = Field(default=0.0, ge=0)  # a visit without purchase counts as none after so many days
    substitution: bool = True  # sold out at the till: take the next best of what was considered
    returns: float = Field(
        default=0.0, ge=0, le=1
    )  # share of buyers who would send it back; past the window they keep it
    return_days: float = Field(default=4.0, gt=0)  # mean days until they do, were there no window
    return_window: float = Field(default=10.0, gt=0)  # no return is taken after so many days
    returns_part: float = Field(default=0.0, ge=0, le=1)  # of what comes back of several pieces: share that is a part


class Restocking(Part):
    """(s, S) replenishment: at s or below, order up to S."""

    at: int = Field(ge=0)  # s, units on hand and on order
    up_to: int = Field(gt=0)  # S, units
    lead_days: float = Field(gt=0)  # days until an order arrives
    lasts: float | None = Field(default=None, gt=0)  # days that S is for: at the end no more than is still sold

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.up_to <= self.at:
            raise ValueError(f"up_to must be greater than at = {self.at}, got {self.up_to}")
        return self


class Product(Part):
    """One product: an incumbent on the shelf, or a candidate with a launch day."""

    title: str  # what it is called; no two alike
    category: str  # what kind of product it is
    price: float = Field(gt=0)  # euros
    cost: float = Field(default=0.0, ge=0)  # euros
    stock: int | None = Field(default=None, ge=0)  # units at the start; none = never sold out
    incumbent: bool = False  # on the shelf from day 0, seen at every visit
    launch: float | None = Field(default=None, ge=0)  # day of a candidate's launch; none where the policy decides
    quality: float = 0.0  # utility that no feature shows
    restocking: Restocking | None = None  # its own; none = as of the shop
    age: float = Field(default=0.0, ge=0)  # days on sale before day 0
    listed: float | None = Field(default=None, ge=0)  # day an incumbent comes onto the shelf; none = day 0
    delisted: float | None = Field(default=None, gt=0)  # day from which it is sold no more
    decline: float | None = None  # utility lost in a year; none = as `life.decline`
    popularity: float = Field(default=1.0, gt=0)  # how often it is considered, relative to others
    pieces: float = 0.0  # shift of the pieces of a line, in standard deviations
    refill_days: float | None = Field(default=None, gt=0)  # mean days until it is wanted again; none = `again`
    season: float = 0.0  # amplitude of a yearly wave, in utility
    season_peak: float = 0.0  # the wave's peak, days after the first of January

    @model_validator(mode="after")
    def _days(self) -> Self:
        first = self.listed or 0.0 if self.incumbent else self.launch
        if self.delisted is not None and first is not None and self.delisted <= first:
            raise ValueError(f"delisted must be after day {first}, got {self.delisted} for {self.title!r}")
        if self.listed is not None and not self.incumbent:
            raise ValueError(f"listed must be absent for the candidate {self.title!r}, got {self.listed}")
        later = self.listed is not None or not (self.incumbent or self.launch == 0)
        if self.age > 0 and later:
            raise ValueError(f"age must be 0 for what comes later, got {self.age} for {self.title!r}")
        return self


class Promotion(Part):
    """A price cut over a window."""

    category: str | None = None  # of these products; none = of all
    title: str | None = None  # of this one
    start: float = Field(ge=0)  # day it begins
    days: float = Field(gt=0)  # how long it lasts
    discount: float = Field(gt=0, lt=1)  # share of the price


class Launching(Part):
    """Launch windows, where the question is what to launch."""

    first: float = Field(default=0.0, ge=0)  # day of the first window
    every: float = Field(gt=0)  # days between windows
    windows: int = Field(gt=0)  # how many
    capacity: int = Field(gt=0)  # launches a window
    horizon: float = Field(gt=0)  # days over which a launch is judged


class Scenario(Part):
    """A season: what is sold, who comes, how they answer, and what is asked of a policy."""

    name: str = ""
    title: str  # what the season is called
    about: str  # a paragraph: what this season teaches
    calibration: str = ""  # of one that is fitted to a shop: how far it resembles it; every report repeats it
    days: float = Field(gt=0, le=3650)  # length of the season
    question: Literal["show", "launch"] = "show"  # what policies decide: what to show at a visit, or what to launch
    reward: Literal["units", "revenue", "margin"] = "units"  # what a policy is paid in; revenue and margin in euros
    slots: int = Field(default=1, ge=1)  # places that are filled at a visit
    plan: Literal["newest", "shuffled"] = "shuffled"  # what is shown where the question is what to launch
    refresh_minutes: float = Field(default=60.0, ge=0)  # a policy learns this often; 0 = after every visit
    styles: int = Field(default=4, ge=1)  # dimensions of taste
    quality_spread: float = Field(default=0.0, ge=0)  # of a candidate's quality around its stated value, in utility
    discounts: list[float] = []  # price cuts that a policy may offer with a product, beside none
    arrivals: Arrivals  # when users come
    calendar: Calendar | None = None  # the season's place in the year
    users: Users = Users()  # who comes
    customers: Customers | None = None  # who come and go
    choice: Choice = Choice()  # what they answer
    life: Life | None = None  # appeal by age
    shelf: Shelf | None = None  # what a visit considers
    baskets: Baskets | None = None  # several products a visit
    pieces: Pieces | None = None  # several pieces of a product
    again: Again | None = None  # goods bought again
    buying: Buying = Buying()  # from choosing to keeping
    products: list[Product] = Field(min_length=1, max_length=MOST_PRODUCTS)  # what is sold
    restocking: Restocking | None = None  # for products that name none of their own
    promotions: list[Promotion] = []  # price cuts
    launching: Launching | None = None  # where the question is what to launch

    @property
    def refresh(self) -> float:
        """Days between two refreshes of the policy."""
        return self.refresh_minutes / 1440

    @property
    def categories(self) -> list[str]:
        """Categories in the order of their first product."""
        return list(dict.fromkeys(product.category for product in self.products))

    @property
    def by_visit(self) -> bool:
        """Whether utilities are worked out for what a visit considers, not tabled for all users and products."""
        parts = self.shelf, self.baskets, self.pieces, self.again
        priced = any(segment.price != 1 for segment in self.users.segments)
        return priced or any(part is not None for part in parts) or self.users.population * len(self.products) > _TABLED

    @property
    def n_offered(self) -> int:
        """How many products may be offered in slots: all, or the candidates, which then come first."""
        if self.shelf is None or self.shelf.offers == "all":
            return len(self.products)
        return sum(not product.incumbent for product in self.products)

    @model_validator(mode="before")
    @classmethod
    def _candidates_first(cls, values: dict[str, Any]) -> dict[str, Any]:
        shelf, products = values.get("shelf"), values.get("products")
        offers = shelf.get("offers") if isinstance(shelf, dict) else getattr(shelf, "offers", "all")
        if offers != "candidates" or not isinstance(products, list):
            return values
        return values | {"products": sorted(products, key=_incumbent)}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._check_slots()
        self._check_segments()
        self._check_products()
        self._check_promotions()
        self._check_question()
        return self

    def _check_slots(self) -> None:
        if self.slots > self.n_offered:
            raise ValueError(f"slots must be at most the {self.n_offered} products, got {self.slots}")
        if len(self.choice.examination) < self.slots:
            chances = f"got {len(self.choice.examination)}"
            raise ValueError(f"choice.examination must have a chance for each of the {self.slots} slots, {chances}")

    def _check_segments(self) -> None:
        segments = self.users.segments
        if not any(segment.share for segment in segments):
            raise ValueError("users.segments must have a share that is not 0, got none")
        if not any(segment.share if segment.newcomers is None else segment.newcomers for segment in segments):
            raise ValueError("users.segments must have a share of newcomers that is not 0, got none")

    def _check_products(self) -> None:
        (title, times), *_ = Counter(product.title for product in self.products).most_common(1)
        if times > 1:
            raise ValueError(f"products.title must be unique, got {title!r} twice")
        for product in self.products:
            if product.launch is not None and product.launch >= self.days:
                raise ValueError(f"products.launch must be before day {self.days}, got {product.launch}")
            if product.incumbent and product.launch:
                raise ValueError(f"products.launch must be absent for an incumbent, got {product.launch}")
            if self.question == "show" and not product.incumbent and product.launch is None:
                raise ValueError(f"products.launch must be given for the candidate {product.title!r}, got none")

        for product in self.products:
            if (product.listed or 0.0) >= self.days:
                raise ValueError(f"products.listed must be before day {self.days}, got {product.listed}")

    def _check_promotions(self) -> None:
        titles = {product.title for product in self.products}
        for promotion in self.promotions:
            if promotion.category is not None and promotion.category not in self.categories:
                known = ", ".join(self.categories)
                raise ValueError(f"promotions.category must be one of {known}, got {promotion.category!r}")
            if promotion.title is not None and promotion.title not in titles:
                raise ValueError(f"promotions.title must be a product's title, got {promotion.title!r}")
            if promotion.start >= self.days:
                raise ValueError(f"promotions.start must be before day {self.days}, got {promotion.start}")
        for discount in self.discounts:
            if not 0 < discount < 1:
                raise ValueError(f"discounts must be between 0 and 1, got {discount}")

    def _check_question(self) -> None:
        if (self.question == "launch") != (self.launching is not None):
            given = "none" if self.launching is None else "one"
            raise ValueError(f"launching must be given exactly where question is 'launch', got {given}")
        if self.launching is None:
            return
        if self.discounts:
            raise ValueError(f"discounts must be empty where question is 'launch', got {self.discounts}")
        last = self.launching.first + (self.launching.windows - 1) * self.launching.every
        if last >= self.days:
            raise ValueError(f"launching.windows must all open before day {self.days}, got one on day {last}")
        candidates = sum(not product.incumbent for product in self.products)
        if self.launching.windows * self.launching.capacity > candidates:
            places = self.launching.windows * self.launching.capacity
            raise ValueError(f"launching must have at most {candidates} places for the candidates, got {places}")

    @classmethod
    def load(cls, source: str | Path) -> Scenario:
        """A packaged scenario by name, or a TOML file by path.

        Raises:
            ScenarioError: there is none, or it says something that cannot be; the message names key, rule and value.
        """
        path = Path(source)
        if path.suffix == ".toml":
            if not path.is_file():
                raise ScenarioError(f"scenario must be a file that exists, got {str(source)!r}")
            text, name = _text(path), path.stem
        elif str(source) in cls.names():
            text, name = (_PACKAGED / f"{source}.toml").read_text(encoding="utf-8"), str(source)
        else:
            close = difflib.get_close_matches(str(source), cls.names(), n=1)
            meant = f", did you mean {close[0]!r}?" if close else ""
            raise ScenarioError(
                f"scenario must be one of {', '.join(cls.names())} or a .toml file, got {str(source)!r}{meant}"
            )
        return cls.parse(text, name)

    @classmethod
    def parse(cls, text: str, name: str = "") -> Scenario:
        """A scenario from TOML text. Raises ScenarioError as `load` does."""
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ScenarioError(f"scenario {name or 'text'}: {_where(text, error)}") from None
        try:
            return cls.model_validate({"name": name, **values})
        except ValidationError as error:
            raise ScenarioError(f"scenario {name or 'text'}: {_first(error)}") from None

    def changed(self, **values: Any) -> Scenario:
        """This scenario with some fields replaced, checked anew."""
        try:
            return type(self).model_validate(self.model_dump() | values)
        except ValidationError as error:
            raise ScenarioError(f"scenario {self.name}: {_first(error)}") from None

    def write(self, path: str | Path) -> None:
        """As a TOML file that `load` reads back to the same scenario, named for the file; defaults are left out."""
        values = self.model_dump(exclude_defaults=True, exclude={"name"})
        Path(path).write_text(toml.dumps(values), encoding="utf-8")

    @staticmethod
    def names() -> list[str]:
        """The packaged scenarios."""
        return sorted(Path(str(file)).stem for file in _PACKAGED.iterdir() if str(file).endswith(".toml"))


def _date(day: Any) -> Any:
    try:
        return datetime.date.fromisoformat(day)
    except (TypeError, ValueError):
        return day


def _incumbent(product: Any) -> bool:
    return bool(product.get("incumbent", False) if isinstance(product, dict) else getattr(product, "incumbent", False))


def _text(path: Path) -> str:
    """What an editor wrote: UTF-8, with or without a mark at its start, or UTF-16 with one.

    Raises:
        ScenarioError: it is in another encoding, which nobody can tell from its bytes.
    """
    written = path.read_bytes()
    if written.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return written.decode("utf-16")
    try:
        return written.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = written[: error.start].count(b"\n") + 1
        raise ScenarioError(
            f"scenario {path.stem}: line {line} must be UTF-8, got byte {written[error.start]:#04x}: save it as UTF-8"
        ) from None


def _where(text: str, error: tomllib.TOMLDecodeError) -> str:
    """The line that is no TOML: its key and value, and what is wrong with it."""
    lines = text.splitlines()
    found = re.search(r"at line (\d+)", str(error))
    number = int(found[1]) if found else len(lines)  # without a line, it is the end that is wrong
    written = lines[number - 1].strip() if lines else ""
    return f"line {number} must be TOML, got {written!r} ({error})"


def _first(error: ValidationError) -> str:
    """The first broken rule as `name must rule, got value`."""
    first = error.errors(include_url=False)[0]
    where = ".".join(f"{part}" for part in first["loc"])
    if first["type"] == "value_error":
        inner = str(first["ctx"]["error"])
        return f"{where}.{inner}" if where else inner
    if first["type"] == "missing":
        return f"{where} must be given, got none"
    if first["type"] == "extra_forbidden":
        return f"{where} must be a known key, got {first['input']!r}"
    rule = re.sub(r"^(Input|List|String) should ", "", first["msg"])
    return f"{where} must {rule[0].lower()}{rule[1:]}, got {first['input']!r}"
