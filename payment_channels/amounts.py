"""Yuan on the channels' side, fen on ours, exactly."""

from __future__ import annotations

import re

_YUAN = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2})0*)?\Z", re.ASCII)


def fen_from_yuan(text: str) -> int:
    """Turn ``"12.30"``, ``"12.3"``, ``"-12"`` into fen. Raises ``ValueError`` for anything else.

    Text to whole numbers without a step in between: a third decimal other than 0 is an error, never rounded.
    """
    match = _YUAN.match(text)
    if match is None:
        raise ValueError("not an amount in yuan")
    sign, yuan, cents = match.groups()
    fen = int(yuan) * 100 + int((cents or "").ljust(2, "0"))
    return -fen if sign else fen


def yuan_from_fen(amount_fen: int) -> str:
    """Turn 1230 into ``"12.30"``. Negative amounts keep their sign."""
    sign = "-" if amount_fen < 0 else ""
    yuan, cents = divmod(abs(amount_fen), 100)
    return f"{sign}{yuan}.{cents:02d}"
