"""Money as integer fen. No float ever touches an amount."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

#: The largest amount that is believed: a billion yuan. Anything above is a typing or parsing error.
MAX_FEN = 100_000_000_000


def yuan(fen: int) -> str:
    """``26800`` -> ``268.00``; no separators, for machines and explanations."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def yuan_grouped(fen: int) -> str:
    """``123456700`` -> ``1,234,567.00``, for people."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def fen_from_yuan(text: str) -> int:
    """Exact fen of a decimal text in yuan. Raises ``ValueError`` for anything that is not whole fen."""
    if not text.isascii():
        raise ValueError(f"not an amount: {text!r}")
    try:
        fen = Decimal(text.strip()) * 100
    except InvalidOperation as error:
        raise ValueError(f"not an amount: {text!r}") from error
    if not fen.is_finite() or fen != fen.to_integral_value() or abs(fen) > MAX_FEN:
        raise ValueError(f"not an amount in whole fen: {text!r}")
    return int(fen)
