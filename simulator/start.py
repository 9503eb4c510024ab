"""A scenario to begin with: a small shop that plays at once, and every key with its default and its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from simulator import toml
from simulator.keys import Key, Table, tables

_HEAD = """\
# A season of your own. It plays as it is:
#   launchsim compare {name} --policy uniform --policy "linucb(alpha=0.1)" --seeds 5 --out reports/{stem}
#
# Every key stands here. A line such as "# slots = 1" holds a key's default: take the # away to change it. A table such
# as "# [calendar]" is something that a season can have or be without: to have it, take the # of its name away too.
# Days count from the beginning of the season, which is day 0. Money is in euros. Utility is what draws a visitor to a
# product: 0.7 more of it doubles the odds that it is bought rather than something else or nothing.
"""
_TOP = {
    "about": '''"""
A small shop launches three products beside two that everybody knows. Which should it show to whom?
"""''',
    "days": "42",
    "quality_spread": "0.8",
    "promotions": '[\n  { title = "Winter blend", start = 28, days = 7, discount = 0.2 },\n]',
    "products": """[
  { title = "House tea", category = "tea", price = 6.0, cost = 2.0, incumbent = true },
  { title = "House coffee", category = "coffee", price = 9.0, cost = 4.0, incumbent = true },
  { title = "Winter blend", category = "tea", price = 8.0, cost = 3.0, launch = 0 },
  { title = "Cold brew", category = "coffee", price = 7.0, cost = 2.5, launch = 7 },
  { title = "Tea tin", category = "gifts", price = 15.0, cost = 6.0, launch = 14, stock = 150 },
]""",
}
_GIVEN = {
    "arrivals": {"per_day": "500"},
    "users": {"price_sensitivity": "0.05"},
}  # what the small shop says of its tables
_KINDS = {"tea": (8.0, 3.0), "coffee": (9.0, 4.0), "gifts": (15.0, 6.0), "chocolate": (5.0, 2.0), "cups": (12.0, 5.0)}
_TASTES = (
    *("Almond", "Cherry", "Cinnamon", "Ginger", "Honey", "Lemon"),
    *("Mint", "Orange", "Peach", "Rose", "Vanilla", "Walnut"),
)
MOST = len(_KINDS) * len(_TASTES)  # launches
_EVERY = 7  # days between two
_YEARLONG = {  # of a shop with a history: visits are fewer and look at a few products of those there are, launches too
    "arrivals": {"per_day": "60"},
    "users": {"price_sensitivity": "0.15", "durable": "false"},
    "choice": {"leaving": "1.5"},
    "shelf": {"considered": "3", "listed": "true", "launches": "true"},
}
_WIDE = 46  # characters of "# key = value" before its words
_LINE = 118


def text(name: str = "my_shop.toml", title: str = "My shop", launches: int = 0) -> str:
    """The TOML of a shop that `Scenario.load` reads, with every key of every table.

    Args:
        name: of the file, for the commands in its head.
        title: of the season.
        launches: one a week, `MOST` at most, for a shop that has a past to learn from; 0 for a season of three.
    """
    top, *further = tables()
    given = _TOP | {"title": toml.written(title)} | (_launching(launches) if launches else {})
    said = _GIVEN | (_YEARLONG if launches else {})
    listed = {table.path: table for table in further if table.listed}
    inner = {f"{table.path}.{key.name}": key.about for table in further for key in table.keys if key.kind == "table"}
    lines = [_HEAD.format(name=name, stem=name.removesuffix(".toml"))]
    for key in top.keys:
        if key.kind != "table":
            lines += _key(key, given.get(key.name, ""), listed.get(key.name))
    for table in further:
        if not any(table.path == path or table.path.startswith(f"{path}.") for path in listed):
            lines += ["", *_table(table, listed, inner.get(table.path, ""), said.get(table.path, {}))]
    return "\n".join(lines) + "\n"


def _launching(n: int) -> dict[str, str]:
    """A year of so many launches, one a week, whose prices differ from kind to kind and within each."""
    rows = []
    for each in range(n):
        of_taste, of_kind = divmod(each, len(_KINDS))
        taste, kind = _TASTES[of_taste], list(_KINDS)[of_kind]
        price, cost = (euros * (0.8 + 0.1 * ((3 * of_taste + of_kind) % 5)) for euros in _KINDS[kind])
        rows.append(
            f'  {{ title = "{taste} {kind}", category = "{kind}", price = {price:.2f}, cost = {cost:.2f}, '
            f"launch = {_EVERY * (each + 1)} }},"
        )
    about = f'"""\nA small shop launches a product a week, {n} of them, beside two that everybody knows.\n"""'
    incumbents = [line for line in _TOP["products"].splitlines() if "incumbent" in line]
    products = "\n".join(["[", *incumbents, *rows, "]"])
    return {"about": about, "days": str(_EVERY * (n + 5)), "products": products, "promotions": ""}


def _table(table: Table, listed: dict[str, Table], role: str, given: dict[str, str]) -> Iterator[str]:
    """The table with its words; one inside another with its role there before them."""
    yield from (f"## {line}" for line in wrap(f"{role}. {table.about}" if role else table.about, _LINE - 3))
    yield f"# [{table.path}]" if table.optional and not given else f"[{table.path}]"
    for key in table.keys:
        if key.kind != "table":  # has a place of its own
            yield from _key(key, given.get(key.name, ""), listed.get(f"{table.path}.{key.name}"))


def _key(key: Key, given: str, inside: Table | None) -> Iterator[str]:
    """The key with its value or its default, its words beside it or, where it is long, above."""
    line = f"{key.name} = {given}" if given else f"# {key.name} = {key.default or ''}".rstrip()
    words = _words(key, shown=not given)
    if inside is None and len(line) <= _WIDE:
        first, *rest = wrap(words, _LINE - _WIDE - 2)
        yield f"{line:{_WIDE}}# {first}"
        yield from (f"{'#':{_WIDE}}# {one}" for one in rest)
        return
    yield from (f"## {one}" for one in wrap(words, _LINE - 3))
    if inside is not None:
        yield from _listed(inside)
    yield line


def _listed(table: Table) -> Iterator[str]:
    """The keys of each row of a list, as words: what stands between braces cannot be commented."""
    yield f"## {table.about} Keys of each:"
    for key in table.keys:
        first, *rest = wrap(_words(key), _LINE - 24)
        yield f"##   {key.name:18} {first}"
        yield from (f"##   {'':18} {one}" for one in rest)


def _words(key: Key, *, shown: bool = False) -> str:
    """Meaning, what may stand there and, where the line itself does not show it, the default."""
    default = {None: "; must be given", "": "; may be left out"}.get(key.default, "" if shown else f"; {key.default}")
    return f"{key.about} ({key.kind}{default})"
