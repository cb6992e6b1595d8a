"""Amounts in yuan as people type them: what can only mean one thing is read, everything else is refused with what is wrong."""

from __future__ import annotations

import re

from core.money import MAX_FEN
from core.plain_text import folded

_CURRENCY = r"(?:¥|rmb|cny|人民币)?"
_UNIT = r"(?:元整|元|圆|块|rmb|cny)?"
#: Digits, grouped by thousands or not, and at most two decimals that say something.
_AMOUNT = re.compile(
    rf"{_CURRENCY}\s*(-?)\s*{_CURRENCY}\s*([0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]{{1,3}}(?: [0-9]{{3}})+|[0-9]*)"
    rf"(?:\.([0-9]{{0,2}})0*)?\s*{_UNIT}"
)
_BARCODE = re.compile(r"[0-9]{8}|[0-9]{12,14}")


class NotAnAmount(ValueError):
    """``code``: amount_invalid, amount_comma, amount_exponent, amount_finer, amount_barcode or amount_too_large."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def fen_typed(text: str) -> int:
    """Exact fen of ``1,234.00``, ``￥268.00``, ``268元``, ``２６８．００``. Raises ``NotAnAmount``."""
    plain = folded(text).replace("。", ".").replace("｡", ".").replace("\N{MINUS SIGN}", "-").strip()
    if is_barcode(plain):
        raise NotAnAmount("amount_barcode")
    found = _AMOUNT.fullmatch(plain)
    # Digits above, below or in a circle are folded into others, and then say something else: 12² is not 122.
    is_folded = any(character.isdigit() and not character.isdecimal() for character in text)
    if found is None or is_folded or not (found[2] or found[3]):
        raise NotAnAmount(_why(plain))
    sign, whole, cents = found.groups()
    fen = int(re.sub(r"[, ]", "", whole) or 0) * 100 + int((cents or "").ljust(2, "0"))
    if fen > MAX_FEN:
        raise NotAnAmount("amount_too_large")
    return -fen if sign else fen


def is_barcode(text: str) -> bool:
    """Whether digits are an article's number, by length and check digit (GS1: EAN-8, UPC-A, EAN-13, GTIN-14), or 13 of them."""
    if not _BARCODE.fullmatch(text):
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text)))
    return weighted % 10 == 0 or len(text) == 13


def _why(plain: str) -> str:
    if re.search(r"[0-9]e[+-]?[0-9]", plain):
        return "amount_exponent"
    if "," in plain and re.fullmatch(r"[^0-9]*[0-9.,]+[^0-9]*", plain):
        return "amount_comma"
    return "amount_finer" if re.search(r"[0-9]*\.[0-9]{3,}", plain) else "amount_invalid"
