"""Foreign JSON and amounts in yuan become typed values here, at the edge; whatever does not fit is ``Unreadable``."""

import json
import re
from collections.abc import Mapping
from datetime import datetime

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


class Unreadable(ValueError):
    """A channel's message is not of the form its documentation promises; names the field, never its value."""


def each_once(members: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object's members. Raises ``ValueError`` where a name stands twice: which of the two is meant, nobody can say."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a name stands twice")
    return found


def json_object(raw: bytes) -> Mapping[str, object]:
    """Read a JSON object from UTF-8 bytes. Raises ``Unreadable``."""
    try:
        value = json.loads(raw, object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:  # ValueError covers bad JSON and bad UTF-8
        raise Unreadable("not JSON") from error
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object")
    return value


def member(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    """The object under ``name``."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is not an object")
    return value


def text(body: Mapping[str, object], name: str) -> str:
    """The non-empty string under ``name``."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name} is not a text")
    return value


def text_or_empty(body: Mapping[str, object], name: str) -> str:
    """The string under ``name``, or an empty one where it is absent or null."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{name} is not a text")
    return value


def whole(body: Mapping[str, object], name: str) -> int:
    """The integer under ``name``; ``true`` and ``1.0`` are none."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(f"{name} is not a whole number")
    return value


def instant(body: Mapping[str, object], name: str) -> datetime:
    """The RFC 3339 instant under ``name``, with its offset."""
    try:
        value = datetime.fromisoformat(text(body, name))
    except ValueError as error:
        raise Unreadable(f"{name} is not an instant") from error
    if value.tzinfo is None:
        raise Unreadable(f"{name} has no offset")
    return value
