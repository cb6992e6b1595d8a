"""A shape makes the answer that it describes."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

from rest_framework import serializers as s

from api.shapes import Shape, read


class _Store(Shape):
    code = s.CharField()


class _Sale(Shape):
    id = s.UUIDField(source="pk")
    paid_at = s.DateTimeField()
    terminal = s.CharField(allow_null=True, source="terminal.code")
    note = s.CharField(allow_null=True)
    store = _Store()
    elsewhere = _Store(allow_null=True)
    lines = read(_Store(many=True), lambda sale: [{"code": code} for code in sale.skus])
    made = s.IntegerField()


def test_of_when_fields_have_kinds_sources_and_readers_writes_plain_data() -> None:
    sale = SimpleNamespace(
        pk=UUID(int=1),
        paid_at=datetime(2026, 11, 27, 4, tzinfo=UTC),
        terminal=None,
        note="",
        store=SimpleNamespace(code="S001"),
        elsewhere=None,
        skus=["A", "B"],
    )
    assert _Sale.of(sale, made=7) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "paid_at": "2026-11-27T12:00:00+08:00",
        "terminal": None,
        "note": None,
        "store": {"code": "S001"},
        "elsewhere": None,
        "lines": [{"code": "A"}, {"code": "B"}],
        "made": 7,
    }


def test_of_when_a_shape_is_of_a_dict_takes_its_keys() -> None:
    assert _Store.of({"code": "S001", "more": "dropped"}) == {"code": "S001"}
