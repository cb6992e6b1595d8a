"""What a refusal carries."""

from __future__ import annotations

from core.errors import Conflict, DomainError, FieldError, Forbidden, Invalid, NotFound


def test_refusal_carries_code_message_fields_and_facts() -> None:
    field = FieldError("amount_fen", "too_large", "too large")
    error = Conflict("not now", code="busy", errors=[field], state="closed")
    assert (error.code, error.message, str(error)) == ("busy", "not now", "not now")
    assert (error.errors, error.facts) == ((field,), {"state": "closed"})


def test_every_kind_is_a_refusal() -> None:
    for kind in (Invalid, Forbidden, NotFound, Conflict):
        assert isinstance(kind("no", code="x"), DomainError)
