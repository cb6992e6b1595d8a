"""What the control API takes: values of the right type within bounds, or a refusal that names the field.

A value that slips through here is kept in the state directory and would spoil every later call, also after a restart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from simulators.kit.clock import parse_instant

#: Payment channels know no larger amount: twelve digits of fen.
MAX_FEN = 999_999_999_999
#: Longer than any channel's order number.
MAX_NUMBER = 64
_YEARS = (946_684_800.0, 4_102_444_800.0)  # 2000 to 2100, in Unix seconds


class BadOrder(ValueError):
    """A control request that makes no sense; says why."""


def only(body: Mapping[str, object], known: Collection[str]) -> None:
    """Refuse names that mean nothing: a misspelt one would be passed over in silence. Raises BadOrder."""
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise BadOrder(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")


def whole(value: object, name: str, *, least: int, most: int) -> int:
    """An integer within bounds; ``true`` and ``1.0`` are none. Raises BadOrder."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadOrder(f"{name} must be an integer from {least} to {most}")
    return value


def number(value: object, name: str, *, least: float, most: float) -> float:
    """A number within bounds, which neither infinity nor NaN is. Raises BadOrder."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise BadOrder(f"{name} must be a number from {least:g} to {most:g}")
    return float(value)


def text(value: object, name: str, *, longest: int = MAX_NUMBER, empty: bool = False) -> str:
    """A text without control characters; null is empty. Raises BadOrder."""
    if value is None and empty:
        return ""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable() or not (value or empty):
        raise BadOrder(f"{name} must be text of 1 to {longest} printable characters")
    return value


def instant(value: object, name: str) -> float:
    """An ISO 8601 instant of this century as Unix seconds. Raises BadOrder."""
    try:
        moment = parse_instant(value) if isinstance(value, str) else None
    except (ValueError, OverflowError) as error:
        raise BadOrder(f"{name} must be an instant such as 2026-11-22T12:00:00+08:00 ({error})") from error
    if moment is None or not _YEARS[0] <= moment < _YEARS[1]:
        raise BadOrder(f"{name} must be an instant of this century such as 2026-11-22T12:00:00+08:00")
    return moment
