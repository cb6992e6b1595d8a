"""A CHECK over a column of few values: what it lets in, and that its stored form stays short."""

from __future__ import annotations

import pytest
from django.db import connection, models

from core.one_of import OneOf, one_of
from refunds import states
from refunds.models import RefundRequest


def _stored_form(condition: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE checked (state varchar(20) NOT NULL, CONSTRAINT c CHECK ({condition}))")
        cursor.execute("SELECT length(conbin::text) FROM pg_constraint WHERE conname = 'c'")
        (length,) = cursor.fetchone()
        cursor.execute("DROP TABLE checked")
    return int(length)


def _sql(condition: models.Q | OneOf) -> str:
    """As the library writes it into a CHECK."""
    constraint = models.CheckConstraint(condition=condition, name="c")
    with connection.schema_editor(collect_sql=True) as editor:
        return str(constraint._get_check_sql(RefundRequest, editor))  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_one_of_is_stored_in_half_the_length_of_the_librarys_form() -> None:
    wanted = [str(state) for state in states.State]
    ours, librarys = _sql(one_of("state", wanted)), _sql(models.Q(state__in=wanted))
    assert _stored_form(ours) < _stored_form(librarys) / 2


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "is_in"), [("refunded", True), ("closed", True), ("refund", False), ("", False)])
def test_one_of_is_true_of_its_values_and_of_no_other(state: str, is_in: bool) -> None:
    condition = _sql(one_of("state", ["refunded", "closed"]))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {condition} FROM (VALUES (%s)) v (state)", [state])
        assert cursor.fetchone() == (is_in,)


def test_one_of_takes_words_alone() -> None:
    with pytest.raises(AssertionError):
        one_of("state", ["a,b"])
