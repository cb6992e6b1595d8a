"""Quantities: pieces, or weights in kilograms, exact to three decimals. No float is ever reckoned with."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django.db.models import DecimalField

#: Whole pieces may come as integers.
Quantity = Decimal | int

#: More of one article than any till sells at once.
MAX_QUANTITY = Decimal(1_000_000)
_PLACES = 3


if TYPE_CHECKING:
    _DecimalField = DecimalField[Quantity, Quantity]
else:
    _DecimalField = DecimalField


class QuantityField(_DecimalField):
    """Pieces or kilograms as they are stored. Never money."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "max_digits": 13, "decimal_places": _PLACES})

    def deconstruct(self) -> Any:
        name, path, arguments, options = super().deconstruct()
        del options["max_digits"], options["decimal_places"]
        return name, path, arguments, options


def quantity(value: int | float | str | Decimal) -> Decimal:
    """What a number or its text says: ``1``, ``1.0`` and ``1.000`` are the same, and ``0.1 + 0.256`` is 0.356 as a till's
    JSON has it (0.35600000000000004). Raises ``ValueError`` unless it is above zero, believable, and has at most three decimals.
    """
    text = (
        value.strip() if isinstance(value, str) else repr(round(value, 9)) if isinstance(value, float) else str(value)
    )
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"not a quantity: {text!r}") from error
    if not text.isascii() or "_" in text or not found.is_finite() or not 0 < found <= MAX_QUANTITY:
        raise ValueError(f"not a quantity: {text!r}")
    if round(found, _PLACES) != found:
        raise ValueError(f"more than three decimals: {text!r}")
    return round(found, _PLACES)


def quantity_text(value: Quantity) -> str:
    """``1`` and ``0.356``: no zeros that say nothing."""
    text = f"{Decimal(value):.{_PLACES}f}".rstrip("0")
    return text.removesuffix(".")


def quantity_number(value: Quantity) -> int | float:
    """The number as JSON has it: its shortest text reads back as the same quantity."""
    return int(value) if value == int(value) else float(value)
