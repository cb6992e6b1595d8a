"""What the form of columns says."""

from __future__ import annotations

from django.http import QueryDict

from desk.imports.page import named


def test_named_reads_columns_and_what_is_the_same_in_all_rows() -> None:
    typed = QueryDict(mutable=True)
    typed.update({"order_no": "单号", "same.channel": " 微信 ", "is_fen": "1", "nonsense": "x"})
    columns = named(typed, kind="sales")
    assert {name: column for name, column in columns.columns.items() if column} == {"order_no": "单号"}
    assert {name: text for name, text in columns.same.items() if text} == {"channel": "微信"}
    assert columns.is_fen
