"""Quantities: pieces, or weights in kilograms, exact to three decimals. No float is ever reckoned with."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django.db.models import DecimalField

from core.plain_text import ascii_digits, folded

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
    """What a machine's number or its text says: ``1``, ``1.0`` and ``1.000`` are the same, and ``0.1 + 0.256`` is 0.356 as a
    till's JSON has it (0.35600000000000004). Raises ``ValueError`` unless it is above zero, believable, and has at most
    three decimals.
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


class NotAQuantity(ValueError):
    """``code``: quantity_comma or invalid_quantity."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


#: Nobody types a longer one.
_LONGEST = 60
#: Digits and at most one point, with what people write behind pieces and kilograms.
_TYPED = re.compile(
    r"\+?\s*([0-9]{1,13}(?:\.[0-9]*)?|\.[0-9]+)\s*(?:件|个|個|份|包|瓶|盒|箱|袋|只|双|张|套|公斤|千克|kg)?"
)


def quantity_typed(text: str) -> Decimal:
    """What a person or their file wrote: ``2``, ``1.500``, ``２．５``, ``3 件``, ``0.356 kg``. Raises ``NotAQuantity``.

    A comma may stand for thousands or for decimals, so that 1,500 is a box of screws or a pound of cheese: nobody guesses.
    """
    if len(text) > _LONGEST:
        raise NotAQuantity("invalid_quantity")
    plain = folded(ascii_digits(text)).replace("。", ".").replace("｡", ".").strip()
    # Digits above, below or in a circle are folded into others, and then say something else: 1² is not 12.
    is_folded = any(character.isnumeric() and not character.isdecimal() for character in text)
    found = _TYPED.fullmatch(plain)
    if found is None or is_folded:
        has_comma = re.fullmatch(r"[0-9.]+(?:,[0-9.]+)+\D*", plain)
        if has_comma:
            raise NotAQuantity("quantity_comma")
        raise NotAQuantity("invalid_quantity")
    try:
        return quantity(found[1])
    except ValueError as error:
        raise NotAQuantity("invalid_quantity") from error


def quantity_text(value: Quantity) -> str:
    """``1`` and ``0.356``: no zeros that say nothing."""
    text = f"{Decimal(value):.{_PLACES}f}".rstrip("0")
    return text.removesuffix(".")


def quantity_number(value: Quantity) -> int | float:
    """The number as JSON has it: its shortest text reads back as the same quantity."""
    return int(value) if value == int(value) else float(value)
