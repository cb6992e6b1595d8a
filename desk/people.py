"""People as the pages show them."""

from __future__ import annotations

from dataclasses import dataclass

from merchants.models import Role, Staff

_TONES = "abcd"


@dataclass(frozen=True, slots=True)
class Person:
    """Name, first character and a colour that stays with the person."""

    name: str
    initial: str
    tone: str


def person(staff: Staff | None) -> Person | None:
    """None for nobody."""
    return None if staff is None else named(pk=staff.pk, name=staff.name)


def named(*, pk: int, name: str) -> Person:
    return Person(name, name[:1].upper() or "?", _TONES[pk % len(_TONES)])


def with_role(staff: Staff) -> str:
    """``Cashier 李婷``."""
    return f"{Role(staff.role).label} {staff.name}"
