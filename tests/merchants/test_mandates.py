"""What a key may do of what its scopes allow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from merchants import mandates
from merchants.mandates import Mandate, MandateExceeded, MandateInvalid

#: 20:00 in Shanghai.
EVENING = datetime(2026, 11, 27, 12, tzinfo=UTC)
WHOLE: dict[str, Any] = {
    "max_fen": 20_000,
    "max_fen_day": 100_000,
    "max_fen_customer_30d": 50_000,
    "reasons": ["quality"],
    "routes": ["original"],
    "stores": ["S001"],
    "hours": {"from": "09:00", "to": "21:00"},
    "always_review": True,
    "on_behalf_of_required": True,
    "expires_at": "2027-01-01T00:00:00+08:00",
}


def _check(mandate: Mandate, **said: Any) -> None:
    asked = {"amount_fen": 100, "reason": "quality", "route": "original", "on_behalf_of": "u-1", "at": EVENING, **said}
    mandate.check(**asked)


def test_mandate_is_kept_and_read_back_as_it_was() -> None:
    mandate = mandates.read(WHOLE)
    assert mandate is not None
    assert mandates.as_json(mandate) == WHOLE
    assert mandates.read({}) is None
    assert mandates.as_json(None) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_fen": 0},
        {"max_fen": -1},
        {"max_fen_day": 1.5},
        {"max_fen": True},
        {"max_fen_customer_30d": "100"},
        {"max_fen": 10**15},
        {"reasons": "quality"},
        {"reasons": [1]},
        {"reasons": ["whatever"]},
        {"hours": "09:00-21:00"},
        {"hours": {"from": "9", "to": "21:00"}},
        {"hours": {"from": "09:00", "to": "09:00"}},
        {"hours": {"from": "09:00"}},
        {"expires_at": "2027-01-01T00:00:00"},
        {"expires_at": "soon"},
        {"expires_at": 7},
        {"always_review": "yes"},
        {"max_feb": 1},
    ],
)
def test_mandate_when_a_limit_cannot_be_understood_is_refused_by_its_field(wrong: dict[str, Any]) -> None:
    with pytest.raises(MandateInvalid) as refused:
        mandates.read(wrong, codes={"reasons": ["quality"]})
    assert [error.field for error in refused.value.errors] == [f"mandate.{next(iter(wrong))}"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"amount_fen": 20_001}, "amount_fen"),
        ({"reason": "goodwill"}, "reason"),
        ({"route": "cash"}, "route"),
        ({"on_behalf_of": ""}, "on_behalf_of"),
        ({"at": EVENING.replace(hour=13)}, ""),
    ],
)
def test_refund_beyond_one_limit_is_refused_with_that_limit(said: dict[str, Any], field: str) -> None:
    mandate = mandates.read(WHOLE)
    assert mandate is not None
    _check(mandate)
    with pytest.raises(MandateExceeded) as refused:
        _check(mandate, **said)
    assert [error.field for error in refused.value.errors] == [field]


def test_hours_that_end_on_the_next_day_hold_over_midnight() -> None:
    night = mandates.read({"hours": {"from": "22:00", "to": "02:00"}})
    assert night is not None
    for hour, is_open in ((13, False), (14, True), (17, True), (18, False)):
        if is_open:
            _check(night, at=EVENING.replace(hour=hour))
        else:
            with pytest.raises(MandateExceeded):
                _check(night, at=EVENING.replace(hour=hour))
