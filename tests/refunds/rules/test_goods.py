"""What an inspection comes to."""

from __future__ import annotations

import pytest

from refunds.rules.goods import found


@pytest.mark.parametrize(
    ("conditions", "is_less", "by_policy", "expected"),
    [
        (["as_described", "as_described"], False, True, "as_described"),
        (["as_described"], False, False, "for_reviewer"),
        (["as_described"], True, True, "less"),
        (["used", "missing", "as_described"], False, True, "missing"),
        (["damaged", "used"], True, False, "damaged"),
    ],
)
def test_found_is_the_worst_of_all(conditions: list[str], is_less: bool, by_policy: bool, expected: str) -> None:
    assert found(conditions, is_less=is_less, by_policy=by_policy) == expected
