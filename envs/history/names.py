"""What the columns and the words of a shop's tables are usually called, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from simulator.history import ACTIONS

_ID = r"[\s_-]*((pseudo|unique)[\s_-]*)?(id|no|nr|number|code|key|编号|编码|代码|号码|号)\.?"
_WHO = r"(user|customer|client|member|buyer|visitor|household|用户|客户|会员|买家|顾客)"
_WHAT = r"(item|product|goods|article|stock|sku|商品|产品|货品|宝贝|物品)"
_WHEN = (
    r"(invoice|order|created?|placed|ordered|purchased|event|behaviou?r|action|purchase|transaction"
    r"|下单|购买|行为|操作|交易|订单|发生|支付|付款|创建|成交)"
)
_DATE = r"(date[\s_-]*time|time[\s_-]*stamp|time|date|dt|at|时间|日期)"
_LINE = r"(line([\s_-]?item)?[\s_-]*)?"

LINES: Mapping[str, tuple[str, ...]] = {  # role -> what columns of it are called, the likeliest first
    "order": (rf"(invoice|order|receipt|basket|transaction|订单|发票|小票|单据){_ID}", r"invoice|order|订单|单号|小票"),
    "user": (
        rf"{_WHO}{_ID}",
        _WHO,
        rf"(session|会话){_ID}",
        r"卡号|uid",
        r"(买家)?会员名|买家昵称|用户名",
        rf"({_WHO}[\s_-]*)?e-?mail",
    ),
    "item": (rf"{_WHAT}{_ID}", _WHAT, r"line[\s_-]?item[\s_-]*sku", r"货号|款号"),
    "time": (rf"({_WHEN}[\s_-]*)*{_DATE}", r"日期时间|时间戳", r"ts|t|when|day|t_dat"),
    "action": (r"(behaviou?r|action|event|行为|操作|动作|事件)[\s_-]*(type|name|kind|类型|名称|种类)?",),
    "quantity": (rf"{_LINE}(quantity|qty|pieces|units)|数量|件数|购买数量|购买件数", r"amount|count|销量"),
    "price": (rf"{_LINE}(unit|sale|sales|item|net)?[\s_-]*price|单价|价格|售价|成交价",),
    "total": (
        r"(line|(line[\s_-]?)?item|product)[\s_-]*(total|amount)|(total|sales)[\s_-]*(price|value|amount)|net[\s_-]*sales"
        r"|revenue|turnover",
        r"amount|小计|金额|总价|销售额|成交金额",
    ),
    "title": (
        r"(line[\s_-]?item|item|product|goods)[\s_-]*(name|title|description)|(商品|产品|宝贝)?(名称|标题|描述)",
        r"description|title|name",
    ),
    "category": (
        rf"({_WHAT}[\s_-]*)?category([\s_-]*name)?",
        rf"({_WHAT}[\s_-]*)?category[\s_-]*id",
        rf"{_WHAT}[\s_-]*(sub[\s_-]*)?(class|group|family|type)([\s_-]*(id|name|code))?|department([\s_-]*(id|name))?",
        r"(商品|产品)?(类目|类别|分类|品类)(编号|名称)?",
    ),
}
GOODS: Mapping[str, tuple[str, ...]] = {
    "id": (rf"{_WHAT}{_ID}", r"id|编号|货号|款号", _WHAT),
    "title": LINES["title"],
    "category": LINES["category"],
    "price": (r"(unit|list|sale|sales|retail)?[\s_-]*price|单价|价格|售价|标价|吊牌价",),
    "cost": (r"(unit)?[\s_-]*cost([\s_-]*price)?|成本|成本价|进价",),
    "listed": (
        r"(listed|launched|launch|listing|release)([\s_-]*(at|on|date|day|time))?|(上架|上市|上新|发布)(时间|日期)?",
    ),
    "delisted": (r"(delisted|discontinued|removed)([\s_-]*(at|on|date|day|time))?|(下架|停售|退市)(时间|日期)?",),
    "stock": (r"stock|inventory|on[\s_-]*hand|库存|库存量|库存数量",),
}
_WORDS = {
    "view": "view views viewed pv browse click clicked pageview detailview viewitem visit 浏览 点击 查看 访问",
    "search": "search searched query 搜索 检索 查询",
    "cart": "cart addtocart carted basket addtobasket 加购 加购物车 加入购物车 购物车",
    "favourite": "favourite favorite fav wish wishlist addtowishlist like collect 收藏 加收藏 喜欢 关注",
    "buy": "buy bought purchase purchased order ordered transaction pay paid sale sold 购买 下单 支付 付款 成交 买",
    "return": "return returned refund refunded cancel cancelled canceled 退货 退款 取消 退单",
}
WORDS: Mapping[str, str] = {word: action for action in ACTIONS for word in _WORDS[action].split()}

NOBODY = (  # what tills call a customer who gave no name
    r"(walk[\s_-]*in|cash|guest|anonymous|unknown|unnamed|no[\s_-]*name)([\s_-]*(customer|client|user|buyer|sale)s?)?"
    r"|(no|default|public)[\s_-]*(customer|client|user|buyer)|(散客|零散|游客|匿名|未知|默认)(客户|用户|顾客|买家)?"
)


def recognised(names: Iterable[str], table: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Role -> column, of the roles for which some column has a usual name."""
    columns = list(names)
    found: dict[str, str] = {}
    for role, patterns in table.items():
        if match := alike((c for c in columns if c not in found.values()), patterns):
            found[role] = match[0]
    return found


def alike(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The columns with such names, the likeliest first."""
    columns = list(names)
    return list(dict.fromkeys(c for p in patterns for c in columns if re.fullmatch(p, c.strip(), re.IGNORECASE)))
