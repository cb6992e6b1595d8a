"""Fields that take nothing for something else."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.fields import Field
from rest_framework.serializers import Serializer

from api import fields
from api.serializers import RefundRequestSerializer
from core.money import MAX_FEN


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"amount_fen": 0, "reason": "none", "customer": {"phone": "1", "name": 3}, "lines": [{}]},
        {
            "order_no": "A-1",
            "amount_fen": 1,
            "reason": "quality",
            "customer": {"phone": "13800006021"},
            "route": "cash",
        },
        {"transaction": "01a21e5d-9831-73a1-8d8d-f076f434daba", "amount_fen": 5, "reason": "quality", "payee": None},
    ],
)
def test_body_when_fields_are_left_out_is_read_as_the_library_reads_it(sent: dict[str, Any]) -> None:
    def read(how: Any) -> Any:
        try:
            return how(sent)
        except ValidationError as error:
            return error.get_full_details()

    body = RefundRequestSerializer()
    assert read(body.to_internal_value) == read(partial(Serializer.to_internal_value, body))


@pytest.mark.parametrize(
    ("field", "given", "read"),
    [
        (fields.Fen(), 1, 1),
        (fields.Fen(), MAX_FEN, MAX_FEN),
        (fields.WholeNumber(), -3, -3),
        (fields.Quantity(), 1.0, 1),
        (fields.Quantity(), 0.356, Decimal("0.356")),
        (fields.Text(), " 退款 ", "退款"),
        (fields.Text(multiline=True), "a\r\nb\tc", "a\nb\tc"),
        (fields.Instant(), "2026-11-22T14:30:00+08:00", datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
        (fields.Instant(), "2026-11-22t06:30:00z", datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
        (fields.QueryInstant(), "2026-11-22T14:30:00 08:00", datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
        (fields.QueryFen(), "26800", 26_800),
        (fields.Flag(), True, True),
        (fields.FourDigits(), "0403", "0403"),
        (fields.Phone(), "+86 138-0000-6021", "13800006021"),
        (fields.Number(), "Ａ－１\u200b", "A-1"),
        (fields.RefundNumber(), "rf–261122–0001", "RF-261122-0001"),
    ],
)
def test_field_when_it_is_given_what_it_takes_reads_it(field: Field, given: Any, read: Any) -> None:
    assert field.run_validation(given) == read


@pytest.mark.parametrize(
    ("field", "given"),
    [
        *((fields.Fen(), given) for given in (0, -1, 1.0, "100", True, None, MAX_FEN + 1, 6_901_234_567_892)),
        *((fields.Quantity(), given) for given in (0, -1, "1", True, 0.0001)),
        *((fields.Text(), given) for given in (1, True, ["a"], "a\x00b", "a\nb")),
        *((fields.Instant(), given) for given in ("2026-11-22T14:30:00", "2026-11-22", 1, "1999-01-01T00:00:00Z")),
        *((fields.QueryFen(), given) for given in ("1e2", "１００", " 1", "0")),
        *((fields.Flag(), given) for given in (1, "true", None)),
        *(
            (fields.Id(), given)
            for given in (1, "{01a21d68-0aab-70ed-adb5-c32f480c89ab}", "01a21d680aab70edadb5c32f480c89ab")
        ),
        *((fields.FourDigits(), given) for given in ("040", "０４０３", "040a")),
        *((fields.Phone(), given) for given in ("12", "phone")),
    ],
)
def test_field_when_it_is_given_something_that_resembles_it_refuses(field: Field, given: Any) -> None:
    with pytest.raises(ValidationError):
        field.run_validation(given)


def test_serializer_when_a_name_is_unknown_names_it() -> None:
    class One(fields.StrictSerializer):
        a = fields.Flag()

    with pytest.raises(ValidationError) as refused:
        One().run_validation({"a": True, "b": 1, "c": 2})
    assert set(refused.value.get_codes()) == {"b", "c"}  # type: ignore[arg-type]
