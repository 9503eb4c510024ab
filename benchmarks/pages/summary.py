"""A scenario, and a season that was played, as text for a terminal."""

from __future__ import annotations

import shutil
import textwrap

import numpy as np
from rich.cells import cell_len, set_cell_size

from benchmarks.trace import Trace
from simulator.scenario import Product, Scenario

_WIDTH = 100
_TOLD = 20  # products of the shelf that are listed of a large shop, and new ones of a season: those that sold most
_ASKS = {"show": "which product to show at every visit", "launch": "which products to launch at every launch window"}


def line(scenario: Scenario) -> str:
    """Name, title and what is asked, on one line."""
    n, asks = len(scenario.products), scenario.question
    return f"{scenario.name:18}{scenario.title}: {n} products, {scenario.days:g} days, asks which to {asks}"


def describe(scenario: Scenario) -> str:
    """What the scenario teaches, what it asks, its key facts and its products."""
    width = min(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDTH)
    about = textwrap.fill(" ".join(scenario.about.split()), width, break_on_hyphens=False)
    facts = "\n".join(f"  {name:16}{value}" for name, value in _facts(scenario).items())
    warning = f"\n\n{textwrap.fill(scenario.calibration, width)}" if scenario.calibration else ""
    return f"{scenario.title} ({scenario.name})\n\n{about}{warning}\n\n{facts}\n\n{_products(scenario)}"


def results(scenario: Scenario, policy: str, seed: int, trace: Trace) -> str:
    """What a season came to, and which products sold how much."""
    total = trace.ledger.totals()
    lines = [
        f"{scenario.title}, played by {policy}, seed {seed}",
        *([f"  {scenario.calibration}"] if scenario.calibration else []),
        f"  visits          {total['visits']:,.0f}, of which {total['conversion']:.1%} bought",
        f"  net sales       {total['units']:,.0f} units, EUR {total['revenue']:,.0f} revenue, "
        f"EUR {total['margin']:,.0f} margin",
        f"  of incumbents   {total['incumbent_units']:,.0f} units",
        f"  came back       {total['returned']:,.0f} units",
        f"  sold out        {total['stock_outs']:,.0f} times, {total['lost_sales']:,.0f} buyers found it gone",
        f"  regret          {np.nansum(trace.regrets):,.0f} expected {_unit(scenario)} over {len(trace):,} decisions",
        f"  stock-outs cost {np.nansum(trace.shortfalls):,.0f} expected {_unit(scenario)}",
        "",
        f"  {_cell('product', 39)}{'launch':>8}{'sold':>8}{'back':>6}{'lost':>6}{'EUR':>11}",
    ]
    products = trace.ledger.products().sort_values("sold", ascending=False, kind="stable")
    told = products[products.groupby("incumbent").cumcount() < _TOLD] if len(products) > 2 * _TOLD else products
    for row in told.itertuples():
        day = "shelf" if row.incumbent else "-" if np.isnan(row.launch) else f"day {row.launch:g}"
        lines.append(f"  {_cell(row.title, 39)}{day:>8}{row.sold:8,}{row.returned:6,}{row.lost:6,}{row.revenue:11,.0f}")
    if len(told) < len(products):
        left = products.drop(told.index)
        lines.append(
            f"  and {len(left):,} products that sold less: {left['sold'].sum():,} units; --ledger has them all"
        )
    return "\n".join(lines)


def _facts(scenario: Scenario) -> dict[str, str]:
    users, choice, buying, arrivals = scenario.users, scenario.choice, scenario.buying, scenario.arrivals
    facts = {
        "asks": _ASKS[scenario.question],
        "reward": _unit(scenario),
        "slots": f"{scenario.slots}, looked at with chance {', '.join(f'{p:g}' for p in choice.examination)}",
        "learns": f"every {scenario.refresh_minutes:g} minutes" if scenario.refresh else "after every visit",
        "visits": f"about {arrivals.per_day:,g} a day over {scenario.days:g} days, launches and friends apart",
        "users": f"{users.population:,} in {len(users.segments)} segments; {users.features} features say "
        f"{users.information:.0%} of their taste",
    }
    further = {
        "launches": _windows(scenario),
        "buzz": f"+{arrivals.buzz:.0%} traffic on the day of a launch" if arrivals.buzz else "",
        "word of mouth": f"{arrivals.word_of_mouth:g} friends a sale" if arrivals.word_of_mouth else "",
        "novelty": f"{choice.novelty:g} fading over {choice.novelty_days:g} days" if choice.novelty else "",
        "social proof": f"{choice.social_proof:g} for each e-fold of sales" if choice.social_proof else "",
        "drift": f"{users.drift:.0%} of a quarter turn of tastes" if users.drift else "",
        "delay": f"{1 - buying.prompt:.0%} of buyers take {buying.slow_days:g} days",
        "no sale known": f"after {buying.settle_days:g} days" if buying.settle_days else "",
        "returns": f"{buying.returns:.0%} of purchases" if buying.returns else "",
        "discounts": ", ".join(f"{cut:.0%}" for cut in scenario.discounts),
        "promotions": "; ".join(
            f"{cut.discount:.0%} off {cut.title or cut.category or 'everything'} from day {cut.start:g}"
            for cut in scenario.promotions
        ),
    }
    return facts | {name: value for name, value in further.items() if value}


def _windows(scenario: Scenario) -> str:
    about = scenario.launching
    if about is None:
        return ""
    return (
        f"{about.capacity} of the candidates every {about.every:g} days, {about.windows} times, "
        f"judged by {about.horizon:g} days of sales"
    )


def _products(scenario: Scenario) -> str:
    head = f"  {_cell('product', 50)}{'category':14}{'EUR':>9}{'cost':>9}{'stock':>9}{'launch':>9}"
    shelf = [product for product in scenario.products if product.incumbent]
    left = len(shelf) - _TOLD if len(scenario.products) > 2 * _TOLD else 0
    told = [product for product in scenario.products if left <= 0 or not product.incumbent]
    told += shelf[:_TOLD] if left > 0 else []
    rest = [f"  and {left:,} more on the shelf"] if left > 0 else []
    return "\n".join([head, *(_product(product) for product in told), *rest])


def _product(product: Product) -> str:
    stock = "-" if product.stock is None else f"{product.stock:,}"
    launch = "shelf" if product.incumbent else "asked" if product.launch is None else f"day {product.launch:g}"
    about = f"  {_cell(product.title, 50)}{set_cell_size(product.category, 13)} "
    return f"{about}{product.price:9.2f}{product.cost:9.2f}{stock:>9}{launch:>9}"


def _cell(text: str, beside: int) -> str:
    """A title in a column as wide as the terminal leaves beside the others; what is cut off ends in an ellipsis."""
    width = min(max(shutil.get_terminal_size().columns - beside - 2, 10), 32)
    return set_cell_size(text if cell_len(text) < width else f"{set_cell_size(text, width - 2)}…", width)


def _unit(scenario: Scenario) -> str:
    return "units" if scenario.reward == "units" else f"EUR {scenario.reward}"
