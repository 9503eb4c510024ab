"""What every row of a shop's tables must do to be kept, in SQL."""

from __future__ import annotations

from collections.abc import Mapping

from envs.history.tables import Loaded
from envs.logs.rules import Rule
from envs.logs.source import literal

_MOST_PIECES = 2**31 - 1
_ZH = "运费|邮费|快递费|手续费|服务费|优惠券|代金券|礼品卡|补差价"
_FEE_CODE = (
    r"(dot|.*post(age)?|carriage|freight|shipping|delivery|.*[ _-]?fees?|.*[ _-]charges?|disc(ount)?|manual"
    rf"|adjust(ment)?\d*|samples?|test\d*|.*voucher.*|gift[ _-]?card.*|gift_.*|.*({_ZH}).*)"
)
_FEE_TITLE = (
    r"((dotcom )?postage|carriage|shipping|delivery|manual|discount|samples?|bank charges|.* fee|adjust(ment)? .*"
    rf"|.*gift voucher.*|.*gift card.*|.*test product.*|.*({_ZH}).*)"
)
DIGITS = "length(regexp_replace(key, '[^0-9]', '', 'g')) >= 3"
_NUMBERED = 0.95  # of the lines: where so many have a code with three digits or more, a word is no product's


def fee(fees: tuple[str, ...] | None, numbered: float) -> str:
    """SQL that is true of an item that is no product: postage, a fee, a discount, a correction.

    Args:
        fees: their codes; by their looks where not given.
        numbered: share of the lines whose code has three digits or more.
    """
    if fees is not None:
        return f"key IN ({', '.join(literal(code.upper()) for code in fees)})" if fees else "false"
    looks = f"regexp_full_match(lower(key), {literal(_FEE_CODE)})"
    looks += f" OR coalesce(regexp_full_match(lower(title), {literal(_FEE_TITLE)}), false)"
    odd = f"NOT {DIGITS} AND NOT regexp_full_match(key, '[0-9]+')"
    return f"{looks} OR ({odd})" if numbered >= _NUMBERED else looks


def of_lines(table: Loaded, missing: Mapping[str, str], *, goods: bool) -> list[Rule]:
    """In the order they are tried; `bought` is true of purchases and returns.

    Args:
        goods: whether there is a table of goods.
    """
    name = table.table.name
    found = [
        Rule("time", name("time"), "be a time", "time IS NULL"),
        Rule("item", name("item"), "be there", "key IS NULL"),
        Rule("item", name("item"), "be a product, no fee, postage or correction", "fee"),
    ]
    if goods:
        found.append(Rule("item", name("item"), "be one of the goods", "k IS NULL"))
    if "action" in table.table.roles:
        found.append(Rule("action", name("action"), "be a word for an action", "action IS NULL"))
    if missing.get("user") == "drop":
        found.append(Rule("user", name("user"), "not be missing", '"user" IS NULL'))
    if "quantity" in table.table.roles:
        whole = f"quantity != 0 AND quantity = floor(quantity) AND abs(quantity) <= {_MOST_PIECES}"
        empty = "quantity IS NULL AND (given_quantity IS NOT NULL OR NOT fill_quantity)"
        found.append(
            Rule("quantity", name("quantity"), "be a whole number, not 0", f"bought AND ({empty} OR NOT ({whole}))")
        )
    priced = table.table.priced
    if priced in table.table.roles:
        empty = "bought AND price IS NULL AND NOT fill_price"
        found.append(
            Rule(priced, name(priced), "be above 0", f"{empty} OR NOT coalesce(price > 0, given_price IS NULL)")
        )
    return found
