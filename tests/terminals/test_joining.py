"""Payments of one number on both sides of midnight: one order, or a till that counts from 1 again."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction

from core.calendar import SHANGHAI
from merchants.principals import Principal
from terminals import orders
from terminals.models import Transaction
from terminals.reporting import ReportedSale, SaleLine, report_sale
from tests.factories import make_merchant, till

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 6, 12, 0, tzinfo=SHANGHAI)
_numbers = count(1)


def _paid(by: Principal, hours: float, amount_fen: int, *lines: tuple[str, int], **more: object) -> Transaction:
    """A payment of number 12, or another ``order_no``, so many hours after noon."""
    said = {
        "order_no": "12",
        "channel": "cash",
        "channel_transaction_no": f"N{next(_numbers)}",
        "kind": "sale",
        "amount_fen": amount_fen,
        "paid_at": NOON + timedelta(hours=hours),
        "store": "S001",
        "terminal": "",
        "cashier": "",
        "payer_phone": "",
        "card_last4": "",
        "funding": "cash",
        "lines": [SaleLine(sku, sku, 1, fen, fen) for sku, fen in lines],
        **more,
    }
    return report_sale(sale=ReportedSale(**said), by=by, at=NOON + timedelta(days=60))[0]  # type: ignore[arg-type]


_BEER, _MEAL, _TEA = ("BEER", 10_000), ("MEAL", 20_000), ("TEA", 5_000)
_PART = {"order_amount_fen": 30_000}


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        # A bar's bill in two parts, of which the first is paid before midnight.
        (((8, 20_000, _BEER, _MEAL), _PART), ((13.5, 10_000, _BEER, _MEAL), _PART), True),
        (((11.8, 20_000, _BEER, _MEAL), _PART), ((12.2, 10_000, _BEER), {}), True),
        (((8.5, 20_000), {}), ((12.3, 10_000), {}), True),
        # Furniture: the rest is paid two weeks later.
        (((0, 20_000, _BEER, _MEAL), _PART), ((14 * 24, 10_000, _BEER, _MEAL), _PART), True),
        # The till took the money twice, around midnight.
        (((11.99, 10_000, _BEER), {}), ((12.01, 10_000, _BEER), {}), True),
        # A second round, on a number that no day counts to.
        (
            ((11.5, 10_000, _BEER), {"order_no": "20260306-0012"}),
            ((12.5, 5_000, _TEA), {"order_no": "20260306-0012"}),
            True,
        ),
        (((12.25, 10_000, _BEER), {}), ((12.5, 5_000, _TEA), {}), True),
        # The till counts from 1 at midnight, or every morning.
        (((7, 10_000, _BEER), {}), ((12.7, 5_000, _TEA), {}), False),
        (((7, 10_000, _BEER), {}), ((12.7, 10_000, _BEER), {}), False),
        (((0, 10_000, _BEER), {}), ((24, 10_000, _BEER), {}), False),
        (((0, 20_000), {}), ((20, 10_000), {}), False),
        # It counts when it opens: what is paid at 00:15 is of the evening before.
        (((12.25, 10_000, _BEER), {}), ((31, 5_000, _TEA), {}), False),
        # An open part of yesterday's 12 has nothing to do with today's, which is whole.
        (((0, 20_000, _BEER, _MEAL), _PART), ((24, 10_000, ("CAKE", 10_000)), {}), False),
    ],
)
def test_order_when_it_is_paid_on_two_days_is_one_where_the_payments_belong_together(
    first: Any, second: Any, is_one: bool
) -> None:
    for told in ([first, second], [second, first]) if is_one else ([first, second],):
        by = replace(till(make_merchant()), key_id=None)
        found = [_paid(by, *what, **more) for what, more in told]
        assert [len(orders.siblings(one)) for one in found] == ([2, 2] if is_one else [1, 1])
        assert len({one.order_date for one in found}) == (1 if is_one else 2)


@pytest.mark.django_db(transaction=True)
def test_order_when_its_two_payments_are_reported_at_once_around_midnight_is_one() -> None:
    """The second report finds the first only once that is committed."""
    by = replace(till(make_merchant()), key_id=None)
    second: list[Transaction] = []

    def report_second() -> None:
        try:
            second.append(_paid(by, 12.02, 10_000, _BEER, _MEAL, **_PART))
        finally:
            connection.close()

    other = threading.Thread(target=report_second)
    with transaction.atomic():
        first = _paid(by, 11.98, 20_000, _BEER, _MEAL, **_PART)
        other.start()
        _wait_for_a_lock()
    other.join(timeout=60)

    assert [one.order_date for one in (first, *second)] == [first.paid_at.astimezone(SHANGHAI).date()] * 2
    assert len(orders.siblings(first)) == 2


def _wait_for_a_lock() -> None:
    until = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.05)
    pytest.fail("the second report did not wait for the first")
