"""What is gathered about a sale: read, and nothing drawn or changed by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import Invalid, NotFound
from core.sql import PreparedStatement
from refunds.intake import facts, judging
from refunds.intake.claims import Draft
from refunds.intake.facts import find_sale
from tests.factories import at_the_till, make_merchant, make_sale, submit

pytestmark = pytest.mark.django_db


def _draw() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('refunds_number')")
        (number,) = cursor.fetchone()
    return int(number)


def test_find_sale_counts_what_the_whole_order_holds() -> None:
    merchant = make_merchant()
    first, second = (make_sale(merchant, order_no="MIX-1") for _ in range(2))
    submit(second, 700)
    found = find_sale(merchant_id=merchant.pk, at=timezone.now(), transaction_id=first.pk)
    assert (found.refundable_fen, found.refunds, found.order_reserved_fen) == (10_000, 0, 700)
    assert [(line.sku, line.quantity) for line in found.lines] == [("SKU-1", 1), ("SKU-1", 1)]


def test_find_sale_when_an_order_number_names_several_is_refused() -> None:
    merchant = make_merchant()
    for days in (0, 1):
        make_sale(merchant, order_no="0001", paid_at=timezone.now() - timedelta(days=days))
    with pytest.raises(Invalid) as refused:
        find_sale(merchant_id=merchant.pk, at=timezone.now(), order_no="0001")
    assert refused.value.code == "ambiguous_order_no"


@pytest.mark.parametrize("number", ["DB-77-02", "4200 0077"])
def test_find_sale_when_the_number_is_that_on_a_payments_slip_finds_its_order(number: str) -> None:
    merchant = make_merchant()
    make_sale(merchant, order_no="DB-77", payment_no="DB-77-01", status="declined")
    make_sale(merchant, order_no="DB-77", paid_at=timezone.now() - timedelta(days=3))
    paid = make_sale(merchant, order_no="DB-77", payment_no="DB-77-02", channel_transaction_no="42000077")
    for slip in (number, number.lower()):
        found = find_sale(merchant_id=merchant.pk, at=timezone.now(), order_no=slip)
        assert found.id == paid.pk
    # The slip of the try that did not go through: the one that is paid is meant, and no order of another day.
    assert find_sale(merchant_id=merchant.pk, at=timezone.now(), order_no="DB-77-01").id == paid.pk


def test_find_sale_when_the_slip_is_another_stores_or_merchants_is_not_found() -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, order_no="DB-77", payment_no="DB-77-02")
    for options in ({"store_ids": frozenset({sale.store_id + 1})}, {"store": "S999"}, {"merchant_id": merchant.pk + 1}):
        asked: dict[str, Any] = {"merchant_id": merchant.pk, "at": timezone.now(), "order_no": "DB-77-02", **options}
        with pytest.raises(NotFound):
            find_sale(**asked)


@pytest.mark.parametrize("statement", [facts._BY_ID, facts._OF_ORDER, facts._BY_ORDER_NO], ids=lambda one: one.name)
def test_plan_when_the_tables_are_young_finds_an_order_by_its_number(statement: PreparedStatement) -> None:
    """It is kept for a thousand runs: by an index of which only the merchant serves, each would read all of their sales."""
    anew = replace(statement, name=f"{statement.name}_anew")
    with connection.cursor() as cursor:
        anew.execute(cursor, [None] * len(anew.types))
        cursor.execute(f"EXPLAIN EXECUTE {anew.name} (NULL, NULL, NULL, NULL)")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    scans = [line for line in plan.splitlines() if "on terminals_transaction" in line and "line" not in line]
    assert scans
    assert all("transaction_order on" in line or "terminals_transaction_pkey on" in line for line in scans), plan


def test_quote_when_asked_many_times_draws_no_number() -> None:
    sale = make_sale(make_merchant())
    before = _draw()
    for amount in (1_200, 50_000):
        judging.quote(
            draft=Draft(amount_fen=amount, reason="quality", transaction_id=sale.pk),
            by=at_the_till(sale),
            at=timezone.now(),
        )
    assert _draw() == before + 1
