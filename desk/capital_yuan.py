"""Amounts as Chinese vouchers spell them (人民币大写).

Source: the rules for filling in bills and settlement vouchers, annex 1 of 支付结算办法.
"""

from __future__ import annotations

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


def capital_yuan(*, fen: int) -> str:
    """``26800`` -> ``贰佰陆拾捌元整``; ``1205`` -> ``壹拾贰元零伍分``. Raises ``ValueError`` below zero."""
    if fen < 0:
        raise ValueError("a voucher has no negative amount")
    yuan, rest = divmod(fen, 100)
    jiao, cents = divmod(rest, 10)
    if not fen:
        return "零元整"
    text = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif cents and yuan:
        text += "零"
    if cents:
        return text + f"{_DIGITS[cents]}分"
    return text + "整"


def _whole(number: int) -> str:
    groups = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text = ""
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        if not group:
            continue
        # One 零 wherever places between two figures are empty.
        if text and (group < 1000 or not groups[index + 1] % 10):
            text += "零"
        text += _group(group) + _GROUPS[index]
    return text


def _group(group: int) -> str:
    text = ""
    gap = False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if not digit:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[digit] + _PLACES[place]
        gap = False
    return text
