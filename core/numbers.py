"""Numbers of refunds, orders and channels as people read them out, type and paste them, in the form that is looked up."""

from __future__ import annotations

import re
import unicodedata

from core.plain_text import without_marks
from core.spreadsheets import from_cell

#: What Chinese and Japanese input methods write on the hyphen's key, between letters or digits.
_TYPED_HYPHEN = re.compile(r"(?<=[0-9A-Za-z])(?:——|[ー一─])(?=[0-9A-Za-z])")
_QUOTED_REFUND = re.compile(r"(?<![0-9A-Za-z/_-])RF-?([0-9]{6})-?([0-9]{4,})(?![0-9A-Za-z/_-])", re.IGNORECASE)
_REFUND = re.compile(r"(?:RF-?)?([0-9]{6})-([0-9]{4,})|RF([0-9]{6})([0-9]{4,})", re.IGNORECASE)


def ascii_form(text: str) -> str:
    """Full-width letters and digits and every kind of hyphen as ASCII's; without marks that nobody sees. Case stays."""
    if text.isascii():
        return text
    plain = _TYPED_HYPHEN.sub("-", without_marks(unicodedata.normalize("NFKC", text)))
    return "".join(
        "-" if unicodedata.category(character) == "Pd" or character == "\N{MINUS SIGN}" else character
        for character in plain
    )


def reference(text: str) -> str:
    """A number without blanks and invisible marks, its digits and hyphens those of ASCII; its case as it is."""
    return "".join(
        character
        for character in ascii_form(from_cell(text))
        if not character.isspace() and unicodedata.category(character) != "Cc"
    )


def spellings(number: str) -> tuple[str, ...]:
    """A number or code in the cases that tills write: as it is, in capitals, in small letters. Channels tell them apart, so that
    it is stored as it came; people and programs ask for it in any.
    """
    return tuple(dict.fromkeys((number, number.upper(), number.lower())))


#: What a shop's software puts behind an order's number for each try to pay it: -02, _3, #1, .2, -R1, -PAY2, (2), T2 behind a
#: digit, or the time: -1764230400, _20261127101500.
_ATTEMPT = re.compile(
    r"(?P<order>.*[0-9A-Za-z])(?:[-_#.@/*|:~+][A-Za-z]{0,3}[0-9]{1,3}|\([0-9]{1,3}\)|(?<=[0-9])[TRP][0-9]{1,2}"
    r"|[-_#.@/*|:~+][TRP]?(?:1[0-9]{9}(?:[0-9]{3})?|20[0-9]{12}(?:[0-9]{3})?))"
)


def order_of_attempt(number: str) -> str:
    """The order's number behind one that a channel was sent for a single try to pay it; empty where it is none. A guess."""
    found = _ATTEMPT.fullmatch(number)
    return found["order"] if found and len(found["order"]) > 2 else ""


def refund_number(text: str) -> str:
    """``rf－261122－0187``, ``RF2611220187``, ``261122-0187`` and ``单号：RF-261122-0187。`` are ``RF-261122-0187``; empty for
    what is no refund's number, or several.
    """
    plain = reference(text)
    found = _REFUND.fullmatch(plain)
    if found is None:
        quoted = {f"RF-{day}-{count}" for day, count in _QUOTED_REFUND.findall(plain)}
        return quoted.pop() if len(quoted) == 1 else ""
    return f"RF-{found[1] or found[3]}-{found[2] or found[4]}"
