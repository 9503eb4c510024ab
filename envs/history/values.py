"""What the cells of a table mean, as SQL: text, numbers and times as shops write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from envs.logs.cells import MISSING, within_years
from envs.logs.cells import name as trimmed_name
from envs.logs.columns import EPOCHS
from envs.logs.rows import LogError
from envs.logs.source import literal

Ask = Callable[[str], list[tuple[Any, ...]]]

_MISSING = f"{MISSING}|-|n/a|NaT|无|空"
_UNIT = (  # that stands before or behind a number
    r"(?:usd|eur|gbp|cny|rmb|jpy|chf|sek|nok|dkk|pln|czk|huf|brl|inr|idr|aud|cad|nzd|hkd|sgd|mxn|zar|try|rub|krw|aed|ils"
    r"|rs\.?|r|kr\.?|zł|kč|ft|руб\.?|元|圆|pcs|pc|stk\.?|kg|件|个)"
)
_MONEY = rf"(?i)[\s\p{{Sc}}￥]|^\s*{_UNIT}|{_UNIT}\s*$"
_OWED = r"^\((.*)\)$"  # as accountants write what is below 0
_MOSTLY = 0.9  # of the cells that say something
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %H:%M:%S,%g", " %I:%M %p", " %I:%M:%S %p")
EXCEL, _EXCEL_1970 = "excel days", 25_569
_YEAR_OR_DAY = "two digits of the year first"
_DATES = {  # formats that can be taken for one another stand apart
    "year first": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y %m %d", "%Y年%m月%d日", "%Y%m%d", "%Y%m%d%H%M%S"),
    "day first": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"),
    "month first": ("%m/%d/%Y", "%m-%d-%Y"),
    _YEAR_OR_DAY: ("%y/%m/%d", "%y.%m.%d", "%y-%m-%d"),
    "month by name": ("%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%B %d, %Y", "%d %B %Y"),
}
_EITHER = ("day first", "month first", _YEAR_OR_DAY)  # what 03/04/05 may be
_SHORT = ("day first", "month first", "month by name")  # may have years of two digits
_SHORT_YEAR = r"[0-9]{1,2}[/.-]([0-9]{1,2}|[A-Za-z]{3})[/.-][0-9]{2}([^0-9].*)?"  # such as 11/27/26 9:05


def text(cell: str) -> str:
    """A cell as trimmed text, null where it says that there is nothing; ids that became 7.0 on their way are whole."""
    trimmed = trimmed_name(cell)
    return f"CASE WHEN NOT regexp_full_match({trimmed}, '{_MISSING}') THEN {trimmed} END"


def number(cell: str, kind: str, decimal: str, thousands: str) -> str:
    """A cell as a number, null where it is none."""
    if kind == "number":
        return f"CASE WHEN isfinite({cell}::DOUBLE) THEN {cell}::DOUBLE END"
    bare = f"regexp_replace({cell}::VARCHAR, '{_MONEY}', '', 'g')"
    bare = f"regexp_replace({bare}, '{_OWED}', '-\\1')"
    if thousands:
        bare = f"replace({bare}, {literal(thousands)}, '')"
    if decimal == ",":
        bare = f"replace({bare}, ',', '.')"
    value = f"TRY_CAST({bare} AS DOUBLE)"
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def writing(ask: Ask, relation: str, cells: Mapping[str, str]) -> tuple[str, str]:
    """How numbers are written in columns of text: the decimal sign, and what stands between thousands.

    Args:
        cells: as SQL -> what the column is called.

    Raises:
        LogError: a comma could be either.
    """
    found = ("", "")
    for cell, name in cells.items():
        bare = f"SELECT regexp_replace({text(cell)}, '{_MONEY}', '', 'g') AS x FROM {relation}"
        ((n, plain, comma, grouped, unsure, example),) = ask(
            "SELECT count(x), count(TRY_CAST(x AS DOUBLE)), "
            "count(*) FILTER (regexp_full_match(x, '-?[0-9.]*,[0-9]+')), "
            "count(*) FILTER (regexp_full_match(x, '-?[0-9]{1,3}(,[0-9]{3})*(\\.[0-9]+)?')), "
            "count(*) FILTER (regexp_full_match(x, '-?[0-9]{1,3},[0-9]{3}')), "
            f"any_value(x) FILTER (regexp_full_match(x, '-?[0-9]{{1,3}},[0-9]{{3}}')) FROM ({bare})"
        )
        if not n or plain >= _MOSTLY * n:
            continue
        if unsure and max(comma, grouped) == unsure:
            raise LogError(f'decimal must be set to "," or thousands to ",", got {example!r} in {name!r}')
        if max(comma, grouped) > plain:
            found = (",", ".") if comma > grouped else (".", ",")
    return found


def micros(cell: str, kind: str, time_format: str) -> str:
    """A cell as microseconds since 1970 by the shop's clock, null where it is no time.

    Epochs and times with an offset are taken to the time zone of the connection.
    """
    return within_years(_micros(cell, kind, time_format))


def _micros(cell: str, kind: str, time_format: str) -> str:
    if kind == "time":
        return f"CASE WHEN isfinite({cell}) THEN epoch_us({cell}::TIMESTAMP) END"
    if time_format == EXCEL:
        return f"TRY_CAST((TRY_CAST({cell} AS DOUBLE) - {_EXCEL_1970}) * 86400e6 AS BIGINT)"
    if time_format.startswith("epoch "):
        since = f"TRY_CAST(TRY_CAST({cell} AS DOUBLE) * {EPOCHS[time_format]} AS BIGINT)"
        return f"epoch_us(make_timestamptz({since})::TIMESTAMP)"
    trimmed = f"trim({cell}::VARCHAR)"
    if time_format in ("", "iso"):
        return f"CASE WHEN isfinite({_offset(trimmed)}) THEN epoch_us({_offset(trimmed)}::TIMESTAMP) END"
    formats = _family(time_format) if time_format in _DATES else [time_format]
    if time_format not in _SHORT:
        return f"epoch_us({_parse(trimmed, formats)})"
    short = [shape.replace("%Y", "%y") for shape in formats]  # DuckDB's %Y takes 26 for the year 26
    is_short = f"regexp_full_match({trimmed}, '{_SHORT_YEAR}')"
    return f"epoch_us(CASE WHEN {is_short} THEN {_parse(trimmed, short)} ELSE {_parse(trimmed, formats)} END)"


def _parse(text: str, formats: list[str]) -> str:
    return f"try_strptime({text}, [{', '.join(map(literal, formats))}])"


def _offset(text: str) -> str:
    """A time with an offset, before which some shops' exports have a blank."""
    bare = f"regexp_replace({text}, '(:[0-9]{{2}}) ([+-][0-9]{{2}}:?[0-9]{{2}})$', '\\1\\2')"
    return f"TRY_CAST({bare} AS TIMESTAMPTZ)"


def dating(ask: Ask, relation: str, cell: str, kind: str, name: str) -> str:
    """How times are written in a column that is called `name`: "iso", "epoch ...", or which part of a date is first.

    Raises:
        LogError: days and months cannot be told apart.
    """
    if kind == "time":
        return ""
    given = f"FROM {relation} WHERE {text(cell)} IS NOT NULL"
    ((n, numbers, usual),) = ask(
        f"SELECT count(*), count(TRY_CAST({cell}::VARCHAR AS DOUBLE)), "
        f"median(TRY_CAST({cell}::VARCHAR AS DOUBLE)) {given}"
    )
    if n and numbers >= _MOSTLY * n:
        return _epoch(usual, name)
    parsed = {"iso": _parsed(ask, given, cell, "iso")}
    if parsed["iso"] < _MOSTLY * n:
        parsed |= {family: _parsed(ask, given, cell, family) for family in _DATES}
    best = max(parsed, key=lambda family: parsed[family])
    either = [family for family in _EITHER if n and parsed.get(family) == parsed[best]]
    if best not in either:
        return best
    if len(likely := _narrowest(ask, given, cell, either)) > 1:
        ((example,),) = ask(f"SELECT any_value({cell}::VARCHAR) {given}")
        could = " or ".join(f'"{family}"' for family in likely)
        raise LogError(f"time_format must be set ({could}), got {example!r} in {name!r}")
    return likely[0]


def _narrowest(ask: Ask, given: str, cell: str, families: list[str]) -> list[str]:
    """Where a year may stand first or last, those that make it the fewest years: read wrongly, days become years."""
    if len(families) == 1 or {"day first", "month first"} <= set(families):
        return families
    times = [micros(cell, "text", family) for family in families]
    ((*spans,),) = ask(f"SELECT {', '.join(f'max({time}) - min({time})' for time in times)} {given}")
    return [family for family, span in zip(families, spans, strict=True) if span == min(spans)]


def _parsed(ask: Ask, given: str, cell: str, family: str) -> int:
    return int(ask(f"SELECT count({micros(cell, 'text', family)}) {given}")[0][0])


def _epoch(usual: float, name: str) -> str:
    """What numbers of this size count: 1973 in seconds is 1e8; 20240301 is a date."""
    if 20_000 <= usual <= 80_000:
        return EXCEL
    if 19000101 <= usual <= 21001231 or 19000101e6 <= usual <= 21001231e6:
        return "year first"
    for unit, least in (("nanoseconds", 1e17), ("microseconds", 1e14), ("milliseconds", 1e11)):
        if usual > least:
            return f"epoch {unit}"
    if usual < 1e8:
        raise LogError(f"{name} must be dates, got numbers such as {usual:g}: set time_format")
    return "epoch seconds"


def _family(name: str) -> list[str]:
    return [date + clock for date in _DATES[name] for clock in _CLOCKS]
