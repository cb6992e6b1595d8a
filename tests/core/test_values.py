"""Values that mypy keeps frozen."""

from __future__ import annotations

from dataclasses import field, replace

import pytest

from core.values import value


@value()
class Amount:
    fen: int
    lines: list[int] = field(default_factory=list)


def test_value_when_equal_in_all_fields_is_equal_has_slots_and_is_never_a_key() -> None:
    one = Amount(5)
    assert (one, replace(one, fen=6)) == (Amount(5), Amount(6))
    assert one.lines is not Amount(5).lines
    with pytest.raises(AttributeError):
        one.more = 1  # type: ignore[attr-defined]
    # It could be changed by somebody who silences mypy, and would then be lost in a set.
    with pytest.raises(TypeError):
        hash(one)
