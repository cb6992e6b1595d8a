"""What a key may do of what its scopes allow: how much, why, which way, when, and for whom.

Kept with the key as JSON; a name that is left out limits nothing. Amounts in fen, times of Shanghai::

    {"max_fen": 20000, "max_fen_day": 100000, "max_fen_customer_30d": 50000, "reasons": ["quality"], "routes": ["original"],
     "stores": ["S001"], "hours": {"from": "09:00", "to": "21:00"}, "always_review": true, "on_behalf_of_required": true,
     "expires_at": "2027-01-01T00:00:00+08:00"}

The sums of the day and of 30 days are kept by ``refunds.intake.counters``, under a CHECK. They count what was asked for: what is
cancelled or rejected afterwards gives no room back.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from types import MappingProxyType
from typing import Any

from core.calendar import SHANGHAI
from core.errors import FieldError, Forbidden, Invalid

#: Amounts: as large as a payment can be.
_MOST_FEN = 10**12
_LISTS = ("reasons", "routes", "stores")
_AMOUNTS = ("max_fen", "max_fen_day", "max_fen_customer_30d")
_FLAGS = ("always_review", "on_behalf_of_required")
NAMES = (*_AMOUNTS, *_LISTS, "hours", *_FLAGS, "expires_at")


class MandateInvalid(Invalid, code="mandate_invalid"):
    """What was said of a mandate cannot be understood; ``errors`` name the fields."""


class MandateExceeded(Forbidden, code="mandate_exceeded"):
    """The key's mandate does not go so far; ``errors`` name the limit. Nothing was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """Limits of a key; None and the empty set: none of that kind. ``hours`` may end on the next day.

    ``counted_as`` is the first key of those that were rotated into this one: all of them have the same sums.
    """

    max_fen: int | None = None
    max_fen_day: int | None = None
    max_fen_customer_30d: int | None = None
    reasons: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()
    hours: tuple[time, time] | None = None
    always_review: bool = False
    on_behalf_of_required: bool = False
    expires_at: datetime | None = None
    counted_as: int | None = None

    def check(self, *, amount_fen: int, reason: str, route: str, on_behalf_of: str, at: datetime) -> None:
        """Raise ``MandateExceeded`` for what one refund is, whatever there was before it."""
        errors = []
        if self.max_fen is not None and amount_fen > self.max_fen:
            errors.append(over("amount_fen", f"max_fen is {self.max_fen}"))
        if self.reasons and reason not in self.reasons:
            errors.append(over("reason", f"reasons are {', '.join(sorted(self.reasons))}"))
        if self.routes and route not in self.routes:
            errors.append(over("route", f"routes are {', '.join(sorted(self.routes))}"))
        if self.on_behalf_of_required and not on_behalf_of:
            errors.append(over("on_behalf_of", "on_behalf_of is required"))
        if not self._is_open(at):
            errors.append(over("", "outside of its hours"))
        if errors:
            raise exceeded(*errors)

    def _is_open(self, at: datetime) -> bool:
        if self.hours is None:
            return True
        begins, ends = self.hours
        now = at.astimezone(SHANGHAI).time()
        return begins <= now < ends if begins < ends else now >= begins or now < ends


def over(field: str, said: str) -> FieldError:
    """A limit of a mandate that something of a body is above."""
    return FieldError(field, MandateExceeded.code, said)


def exceeded(*errors: FieldError) -> MandateExceeded:
    """The refusal of what a mandate does not allow, with every field that goes beyond it."""
    return MandateExceeded(f"the key's mandate: {'; '.join(str(one.message) for one in errors)}", errors=errors)


def read(data: Mapping[str, Any], *, codes: Mapping[str, Collection[str]] = MappingProxyType({})) -> Mandate | None:
    """A mandate as it is kept or sent; None for an empty one. Raises ``MandateInvalid`` with every field that is wrong.

    ``codes``: those that there are, by the name of the list, where somebody writes it.
    """
    errors = [FieldError(f"mandate.{name}", "mandate_invalid") for name in data if name not in _KNOWN]
    found: dict[str, Any] = {}
    for name, value in data.items():
        if name not in _READERS or value is None or value is False or value in ("", [], {}):
            continue
        try:
            found[name] = _READERS[name](value)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            errors.append(FieldError(f"mandate.{name}", "mandate_invalid", str(error)))
    for name, known in codes.items():
        if found.get(name, frozenset()).difference(known):
            errors.append(FieldError(f"mandate.{name}", "mandate_invalid"))
    if errors:
        raise MandateInvalid("the mandate cannot be understood", errors=errors)
    return Mandate(**found) if found.keys() - {"counted_as"} else None


def as_json(mandate: Mandate | None) -> dict[str, Any]:
    """The mandate as it is kept."""
    if mandate is None:
        return {}
    said: dict[str, Any] = {}
    for name in (*NAMES, "counted_as"):
        value = getattr(mandate, name)
        if isinstance(value, frozenset):
            value = sorted(value)
        elif name == "hours" and value:
            value = {"from": f"{value[0]:%H:%M}", "to": f"{value[1]:%H:%M}"}
        elif isinstance(value, datetime):
            value = value.astimezone(SHANGHAI).isoformat()
        if value:
            said[name] = value
    return said


def _amount(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_FEN:
        raise ValueError("a whole number of fen above zero")
    return value


def _texts(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value) or len(value) > 200:
        raise ValueError("a list of codes")
    return frozenset(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _hours(value: Any) -> tuple[time, time]:
    if set(value) != {"from", "to"} or value["from"] == value["to"]:
        raise ValueError('{"from": "09:00", "to": "21:00"}')
    begins, ends = (datetime.strptime(value[name], "%H:%M").time() for name in ("from", "to"))  # noqa: DTZ007 - no day
    return begins, ends


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("a time with its offset")
    return instant


_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_AMOUNTS, _amount),
    **dict.fromkeys(_LISTS, _texts),
    **dict.fromkeys(_FLAGS, _flag),
    "hours": _hours,
    "expires_at": _instant,
    "counted_as": int,
}
_KNOWN = frozenset(_READERS)
