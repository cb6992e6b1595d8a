"""Money as integer fen. No float ever touches an amount."""

from __future__ import annotations

import re

#: The largest amount that is believed: a billion yuan. Anything above is a typing or parsing error.
MAX_FEN = 100_000_000_000

_YUAN = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]{0,12})(?:\.([0-9]{0,2})0*)?", re.ASCII)


def yuan(fen: int) -> str:
    """``26800`` -> ``268.00``; no separators, for machines and explanations."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


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
