"""Ways in which people write dates down, for DuckDB's `strptime`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import product

from envs.logs.cells import FIRST_YEAR, LAST_YEAR

_MARKS = re.compile(r"%\w")
COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}  # digits -> format

_DAY_FIRST = [f"%d{mark}%m{mark}{year}" for mark in "/.- " for year in ("%Y", "%y")]
_MONTH_FIRST = [f"%m{mark}%d{mark}{year}" for mark in "/-" for year in ("%Y", "%y")]  # nobody puts dots so
_YEAR_FIRST = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%y-%m-%d", "%y/%m/%d", "%y.%m.%d"]
_NAMED = ["%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%a, %d %b %Y", "%a %b %d %Y"]
_CLOCKS = ["", "%H:%M", "%H:%M:%S", "%H:%M:%S.%g", "%H:%M:%S,%g", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S %z"]


def formats() -> list[str]:
    """All of them; some texts are dates in several."""
    dates = [*_DAY_FIRST, *_MONTH_FIRST, *_YEAR_FIRST, *_NAMED]
    return [
        f"{date}{mark}{clock}"
        for date, clock in product(dates, _CLOCKS)
        for mark in ((" ", ", ", "T") if clock else ("",))
    ]


def fits(shape: str, texts: Sequence[str], most: float = 0.9) -> bool:
    """Whether most of the texts are dates in this format."""
    if not any(_marks(text) == _MARKS.sub("", shape) for text in texts):
        return False
    return sum(_is_date(text, shape.replace("%g", "%f")) for text in texts) >= most * len(texts)


def _marks(text: str) -> str:
    """What stands between letters and digits: most formats fail by it at once."""
    return re.sub(r"[\w+]", "", text)


def _is_date(text: str, shape: str) -> bool:
    try:
        return FIRST_YEAR <= datetime.strptime(text, shape).year < LAST_YEAR
    except ValueError:
        return False
