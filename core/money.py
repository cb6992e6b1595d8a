"""Money as integer fen. No float ever touches an amount."""

import re
import unicodedata
from functools import lru_cache

from core.amounts_in_words import fen_in_words
from core.plain_text import ascii_digits, folded

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


#: The largest amount that is believed: a billion yuan. Anything above is a typing or parsing error.
MAX_FEN = 100_000_000_000

_YUAN = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]{0,12})(?:\.([0-9]{0,2})0*)?", re.ASCII)


# A policy says the same limits again and again.
@lru_cache(maxsize=4_096)
def yuan(fen: int) -> str:
    """``26800`` -> ``268.00``; no separators, for machines and explanations."""
    whole, cents = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{cents:02d}"


def yuan_grouped(fen: int) -> str:
    """``123456700`` -> ``1,234,567.00``, for people."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def fen_from_yuan(text: str) -> int:
    """Exact fen of a decimal text in yuan that a machine wrote. Raises ``ValueError`` for anything that is not whole fen."""
    found = _YUAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not an amount in whole fen: {text!r}")
    sign, whole, cents = found.groups()
    fen = int(whole or 0) * 100 + int((cents or "").ljust(2, "0"))
    if fen > MAX_FEN:
        raise ValueError(f"not an amount that is believed: {text!r}")
    return -fen if sign == "-" else fen


#: Nobody types a longer one.
_LONGEST = 100
_CURRENCY = r"(?:(?:¥|rmb|cny|人民币)\s*)?"
_UNIT = r"(?:\s*(?:元整|元|圆整|圆|圓|块|塊|¥|rmb|cny))?"
#: Digits, grouped by thousands or not, and at most two decimals that say something.
_AMOUNT = re.compile(
    rf"{_CURRENCY}(?:([-+])\s*)?{_CURRENCY}([0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]{{1,3}}(?: [0-9]{{3}})+|[0-9]*)"
    rf"(?:\.([0-9]{{0,2}})0*)?{_UNIT}"
)
#: What is below zero, as bookkeepers write it.
_BOOKED = re.compile(rf"({_CURRENCY})\(([^()]+)\)|([^()]+[0-9.])\s*-")
#: What keyboards and word processors write for a minus.
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
_BARCODE = re.compile(r"[0-9]{8}|[0-9]{12,14}")


class NotAnAmount(ValueError):
    """``code``: amount_invalid, amount_comma, amount_exponent, amount_finer, amount_barcode or amount_too_large."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def fen_typed(text: str) -> int:
    """Exact fen of ``1,234.00``, ``￥268.00``, ``268元``, ``２６８．００``, of ``(12.00)`` and ``12.00-`` as bookkeepers
    write what is below zero, and of amounts in words. Raises ``NotAnAmount``.
    """
    if len(text) > _LONGEST:
        raise NotAnAmount("amount_invalid")
    plain = folded(ascii_digits(text)).replace("。", ".").replace("｡", ".").translate(_DASHES).strip()
    if is_barcode(plain):
        raise NotAnAmount("amount_barcode")
    # Digits above, below or in a circle are folded into others, and then say something else: 12² is not 122.
    if any(one.isnumeric() and not one.isdecimal() and unicodedata.normalize("NFKC", one) != one for one in text):
        raise NotAnAmount(_why(plain))
    fen = _fen_in_digits(plain)
    if fen is None:
        fen = fen_in_words(plain)
    if fen is None:
        raise NotAnAmount(_why(plain))
    if abs(fen) > MAX_FEN:
        raise NotAnAmount("amount_too_large")
    return fen


def _fen_in_digits(plain: str) -> int | None:
    booked = _BOOKED.fullmatch(plain)
    found = _AMOUNT.fullmatch(f"{booked[1] or ''}{booked[2] or booked[3]}" if booked else plain)
    if found is None or not (found[2] or found[3]) or (booked and found[1]):
        return None
    sign, whole, cents = found.groups()
    fen = int(re.sub(r"[, ]", "", whole) or 0) * 100 + int((cents or "").ljust(2, "0"))
    return -fen if sign == "-" or booked else fen


def is_barcode(text: str) -> bool:
    """Whether digits are an article's number, by length and check digit (GS1: EAN-8, UPC-A, EAN-13, GTIN-14), or 13 of them."""
    if not _BARCODE.fullmatch(text):
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text)))
    return weighted % 10 == 0 or len(text) == 13


def _why(plain: str) -> str:
    if re.search(r"[0-9]e[+-]?[0-9]", plain):
        return "amount_exponent"
    if "," in plain and re.fullmatch(r"[^0-9]*[0-9][0-9., '’]*[^0-9]*", plain):
        return "amount_comma"
    return "amount_finer" if re.fullmatch(r"[^0-9.]*[0-9]*\.[0-9]{3,}[^0-9.]*", plain) else "amount_invalid"
