"""People as the pages show them."""

from __future__ import annotations

from typing import Any

from merchants.models import Role, Staff

_TONES = "abcd"


def person(staff: Staff | None) -> dict[str, Any] | None:
    """Name, first character and a colour that stays with the person; None for nobody."""
    return None if staff is None else named(pk=staff.pk, name=staff.name)


def named(*, pk: int, name: str) -> dict[str, Any]:
    return {"name": name, "initial": name[:1].upper() or "?", "tone": _TONES[pk % len(_TONES)]}


def with_role(staff: Staff) -> str:
    """``Cashier 李婷``."""
    return f"{Role(staff.role).label} {staff.name}"
