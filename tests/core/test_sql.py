"""Statements whose plan a connection keeps."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection

from core import sql
from core.sql import PreparedStatement

pytestmark = pytest.mark.django_db(transaction=True)

_SUM = PreparedStatement("sum_for_test", ("integer", "integer"), "SELECT $1 + $2")


def _sum(left: int, right: int) -> int:
    with connection.cursor() as cursor:
        _SUM.execute(cursor, [left, right])
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def _prepared_here() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'sum_for_test'")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def test_statement_is_prepared_once_a_connection() -> None:
    assert (_sum(1, 2), _sum(3, 4)) == (3, 7)
    assert _prepared_here() == 1


def test_new_connection_prepares_anew() -> None:
    _sum(1, 2)
    connection.close()
    assert _prepared_here() == 0
    assert _sum(5, 6) == 11


def test_plan_is_made_anew_after_many_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """One made for an empty table must not stay for ever."""
    connection.close()
    monkeypatch.setattr(sql, "_RUNS_A_PLAN", 3)
    ages = []
    for _ in range(7):
        _sum(1, 2)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT custom_plans + generic_plans FROM pg_prepared_statements WHERE name = 'sum_for_test'"
            )
            ages.append(cursor.fetchone()[0])
    # It is planned before its first run.
    assert ages == [2, 3, 4, 2, 3, 4, 2]


def test_errors_are_djangos() -> None:
    wrong = PreparedStatement(
        "wrong_for_test", ("integer",), "INSERT INTO merchants_merchant (id, code, name) VALUES ($1, NULL, NULL)"
    )
    with connection.cursor() as cursor, pytest.raises(IntegrityError):
        wrong.execute(cursor, [1])


@pytest.mark.parametrize(
    "column",
    [
        ["plain", "", "NULL", "a,b", "{c}", " d "],
        ['so-called ""', "e"],
        ["back\\slash", "\\"],
        [None, "退款"],
    ],
)
def test_column_of_texts_when_inserted_is_read_as_it_was(column: list[str | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[], %s::bigint[]", [sql._array(column), sql._array([1, -2])])
        assert cursor.fetchone() == (column, [1, -2])
