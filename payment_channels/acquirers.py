"""Lists that acquirers and collecting services hand out, told by their headers: none of them is a channel's statement.

A shop that is paid through an acquirer (银联商务, 拉卡拉, 通联, 收钱吧, Ping++ and others) has their list of all channels
beside the statement of each. It has numbers and fees of the acquirer's own, and of refunds at most that there was one.

Sources: https://prodoc.allinpay.com/doc/1403 (通联, 对账单明细); the columns of 银联商务 (银商订单号, 检索号, 清算金额), 拉卡拉
(拉卡拉流水号) and 收钱吧 (收钱吧订单号) as public programs that read their exports name them.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

#: What only this one's lists say, in the header or above it.
_SIGNS: Mapping[str, Sequence[str]] = {
    "ums": ("银联商务", "银商订单号", "银商流水号", "全民付", "chinaums"),
    "lakala": ("拉卡拉", "lakala"),
    "shouqianba": ("收钱吧", "shouqianba", "wosai"),
    "allinpay": ("通联", "allinpay", "发卡行机构代码"),
    "pingxx": ("ping++", "pingxx", "pingplusplus"),
    "fuiou": ("富友", "fuiou"),
    "suixingfu": ("随行付",),
    "huifu": ("汇付", "adapay", "斗拱"),
    "yeepay": ("易宝", "yeepay"),
}
#: What an acquirer's header calls things: whose, how much, and what kind.
_WHOSE = ("终端号", "终端编号", "终端编码", "门店", "商户号", "商户编号", "商户编码", "商户名称")
_HOW_MUCH = ("交易金额", "清算金额", "结算金额", "实收金额", "入账金额", "到账金额", "收款金额")
_WHAT = (
    "交易类型",
    "手续费",
    "卡号",
    "卡类型",
    "参考号",
    "检索号",
    "流水号",
    "支付通道",
    "收款通道",
    "支付方式",
    "交易方式",
)
#: An account number of Ping++'s charges.
_CHARGE = re.compile(r"\bch_[0-9A-Za-z]{20,}\b")
#: A day, a number, an amount: no header has them.
_OF_A_ROW = re.compile(r"[0-9]{4}[-/].*|[-+¥0-9.,:]*[0-9]")
_FEWEST_WORDS = 4
_CELLS = re.compile(r"[,\t;|]")


def named_in(text: str) -> str:
    """Whose list begins with ``text``, by its header and what stands above: a key of ``_SIGNS``, ``other`` for one that we do not
    know by name, empty for what is none.
    """
    above = ""
    for line in unicodedata.normalize("NFKC", text).casefold().split("\n"):
        above += line
        cells = [cell.strip("\"' `\t") for cell in _CELLS.split(line)]
        if len(cells) < _FEWEST_WORDS or not _is_header(cells):
            continue
        return _named(above) or ("pingxx" if _CHARGE.search(text) else "other")
    return "pingxx" if _CHARGE.search(text) else ""


def _named(text: str) -> str:
    return next((name for name, signs in _SIGNS.items() if any(sign in text for sign in signs)), "")


def _is_header(cells: Sequence[str]) -> bool:
    if _named("\n".join(cells)):
        return not any(_OF_A_ROW.fullmatch(cell) for cell in cells)
    return all(any(word in cell for cell in cells for word in words) for words in (_WHOSE, _HOW_MUCH, _WHAT))


def named_in_workbook(content: bytes) -> str:
    """The same of an old workbook (.xls), by the texts that it holds; empty also where only its columns would tell."""
    for name, signs in _SIGNS.items():
        if any(sign.encode("utf-16-le") in content for sign in signs if not sign.isascii()):
            return name
    return ""
