"""What the columns and the words of a shop's tables are usually called, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_ID = r"[\s_-]*(id|no|nr|number|code|编号|编码|代码|号)"
_WHO = r"(user|customer|client|member|buyer|visitor|用户|客户|会员|买家|顾客)"
_WHAT = r"(item|product|goods|article|stock|sku|商品|产品|货品|宝贝|物品)"

LINES: Mapping[str, tuple[str, ...]] = {  # role -> what columns of it are called, the likeliest first
    "order": (rf"(invoice|order|receipt|basket|transaction|订单|发票|小票|单据){_ID}?", r"订单号|单号|发票号"),
    "user": (rf"{_WHO}{_ID}", _WHO, rf"session{_ID}?|会话{_ID}?", r"卡号"),
    "item": (rf"{_WHAT}{_ID}", rf"{_WHAT}", r"货号|款号"),
    "time": (
        rf"({_WHAT[1:-1]}|invoice|order|event|behaviou?r|action|purchase|created|下单|购买|行为|操作|交易|订单)?"
        r"[\s_]*(date[\s_]*time|time[\s_]*stamp|time|date|at|时间|日期)",
        r"ts|t|when|日期时间|时间戳",
    ),
    "action": (r"(behaviou?r|action|event|行为|操作|动作|事件)[\s_-]*(type|name|kind|类型|名称|种类)?",),
    "quantity": (r"quantity|qty|pieces|units|amount|count|数量|件数|购买数量|销量",),
    "price": (r"(unit|sale|sales|item|net)?[\s_]*price|单价|价格|售价|成交价",),
    "title": (
        r"description|title|name|(item|product|goods)[\s_]*(name|title|description)|(商品|产品)?(名称|标题|描述|名)",
    ),
    "category": (
        r"category|(item|product|goods)[\s_]*category|category[\s_-]*(id|name)|类目|类别|分类|品类|商品类目|商品类别|商品分类",
    ),
}


def recognised(names: Iterable[str], table: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Role -> column, of the roles for which some column has a usual name."""
    columns = list(names)
    found: dict[str, str] = {}
    for role, patterns in table.items():
        for pattern in patterns:
            match = [c for c in columns if c not in found.values() and re.fullmatch(pattern, c.strip(), re.IGNORECASE)]
            if match and role not in found:
                found[role] = match[0]
    return found
