"""What people typed, without the characters that make text look like something else; and in the form that is compared."""

from __future__ import annotations

import re
import unicodedata

from django.utils.translation import get_language

#: Marks that turn the direction of writing: with them `gpj.exe` reads as `exe.jpg`, and 1200 as 0021.
_DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_MARKS = re.compile(f"[{_DIRECTION}]")
_MARKS_IN_BYTES = re.compile(b"|".join(mark.encode() for mark in _DIRECTION))
_GONE = {ord(mark): None for mark in f"{_DIRECTION}\ufeff\ufffe"}


def without_direction(text: str) -> str:
    """``text`` without the marks that turn the direction of writing, otherwise as it is: for every edge where text comes in or
    goes out, a page, a message, a file.
    """
    return _MARKS.sub("", text)


def without_direction_in_bytes(content: bytes) -> bytes:
    """The same of text in UTF-8."""
    return _MARKS_IN_BYTES.sub(b"", content)


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


def sentences(*parts: str) -> str:
    """Whole sentences one after another; Chinese puts no space between them."""
    return ("" if (get_language() or "").startswith("zh") else " ").join(part for part in parts if part)


def name_key(text: str) -> str:
    """A code or name in the form that is compared: ``c001``, ``C001`` and full-width ``Ｃ００１`` are one cashier."""
    return " ".join(_folded(text).split())


def reference_key(text: str) -> str:
    """A number from paper or a screen in the form that is compared: case, width, blanks, hyphens and marks that nobody sees make
    no other number of it.
    """
    return "".join(
        character
        for character in _folded(text)
        if not character.isspace() and character != _MINUS and unicodedata.category(character) not in {"Pd", "Cc"}
    )


#: To Unicode no dash, to an input method the key beside the zero.
_MINUS = "\N{MINUS SIGN}"


def _folded(text: str) -> str:
    """Case and width folded, without marks that nobody sees (zero-width, direction, variation)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(
        character
        for character in folded
        if unicodedata.category(character) != "Cf" and not "\ufe00" <= character <= "\ufe0f"
    )
