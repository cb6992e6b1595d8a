"""What every check gives."""

from __future__ import annotations

from invariants.breach import Breach


def test_breach_is_one_row_of_one_invariant() -> None:
    assert Breach("I2", "a") == Breach("I2", "a")
    assert len({Breach("I2", "a"), Breach("I2", "a"), Breach("I2", "b")}) == 2
