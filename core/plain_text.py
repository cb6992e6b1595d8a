"""What people typed, without the characters that make text look like something else."""

from __future__ import annotations

import unicodedata

#: Marks that turn the direction of writing: with them `gpj.exe` reads as `exe.jpg`.
_DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_GONE = {ord(mark): None for mark in f"{_DIRECTION}\ufeff\ufffe"}


def plain_text(text: str, *, limit: int | None = None) -> str:
    """``text`` without control and direction marks, line breaks kept, trimmed, at most ``limit`` characters."""
    kept = "".join(
        character
        for character in text.replace("\r\n", "\n").replace("\r", "\n").translate(_GONE)
        if character == "\n" or unicodedata.category(character) not in {"Cc", "Cs"}
    )
    return kept.strip()[:limit]


def one_line(text: str, *, limit: int | None = None) -> str:
    """The same on one line, for subjects, names and short messages."""
    return " ".join(plain_text(text).split())[:limit]
