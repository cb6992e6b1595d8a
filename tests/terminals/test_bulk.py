from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone
from uuid_utils.compat import uuid7

from core.calendar import SHANGHAI
from merchants.models import Merchant
from terminals import orders
from terminals.bulk import NewSale, store_sales
from terminals.models import Funding, Transaction
from terminals.reporting import PaidInTheFuture, SaleLine
from tests.factories import make_account, make_merchant

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def new_sale(merchant: Merchant, **changes: object) -> NewSale:
    store = merchant.stores.get()
    sale = NewSale(
        id=uuid7(),
        merchant_id=merchant.pk,
        store_id=store.pk,
        terminal_id=store.terminals.get().pk,
        channel_account_id=make_account(merchant).pk
        if not merchant.channel_accounts.exists()
        else merchant.channel_accounts.get().pk,
        channel="wechat",
        order_no='A"1,\n2',
        channel_transaction_no="42",
        amount_fen=1_500,
        paid_at=NOW - timedelta(days=3),
        cashier="",
        payer_phone="13800006021",
        card_last4="0403",
        funding=Funding.DEBIT_CARD,
        lines=[SaleLine("", "\\N", 2, 500, 1_000), SaleLine("T-2", "杯", 1, 500, 500)],
    )
    return replace(sale, **changes)  # type: ignore[arg-type]


def test_store_sales_stores_what_the_models_read() -> None:
    merchant = make_merchant()
    given = new_sale(merchant)

    assert store_sales([given], source="test", at=NOW) == 1

    sale = Transaction.objects.get()
    for name in (
        "id",
        "merchant_id",
        "store_id",
        "terminal_id",
        "channel_account_id",
        "order_no",
        "cashier",
        "card_last4",
    ):
        assert getattr(sale, name) == getattr(given, name)
    assert (sale.amount_fen, sale.reserved_fen, sale.refunded_fen) == (1_500, 0, 0)
    assert (sale.paid_at, sale.created_at, sale.source) == (given.paid_at, NOW, "test")
    assert (sale.kind, sale.status, sale.funding) == ("sale", "success", "debit_card")
    assert sale.payer_phone == "13800006021"
    lines = sale.lines.order_by("position").values_list("position", "sku", "name", "quantity", "reserved_quantity")
    assert list(lines) == [(1, "", "\\N", 2, 0), (2, "T-2", "杯", 1, 0)]


def test_store_sales_finds_a_sale_by_phone_as_the_api_stores_it() -> None:
    merchant = make_merchant()
    store_sales(
        [new_sale(merchant), new_sale(merchant, id=uuid7(), channel_transaction_no="43", payer_phone="")],
        source="t",
        at=NOW,
    )

    found = Transaction.objects.exclude(payer_phone_hash=None).get()
    assert bytes(found.payer_phone_hash or b"") != bytes(found.payer_phone_last4_hash or b"")
    assert Transaction.objects.get(channel_transaction_no="43").payer_phone == ""


def test_store_sales_with_a_known_number_stores_nothing() -> None:
    merchant = make_merchant()
    store_sales([new_sale(merchant)], source="test", at=NOW)

    with pytest.raises(IntegrityError, match="channel_number_once"):
        store_sales(
            [new_sale(merchant, id=uuid7(), channel_transaction_no="44"), new_sale(merchant, id=uuid7())],
            source="test",
            at=NOW,
        )

    assert Transaction.objects.count() == 1


def test_store_sales_when_one_is_paid_in_the_future_stores_nothing() -> None:
    merchant = make_merchant()
    late = new_sale(merchant, id=uuid7(), channel_transaction_no="44", paid_at=NOW + timedelta(minutes=6))

    with pytest.raises(PaidInTheFuture):
        store_sales([new_sale(merchant), late], source="test", at=NOW)

    assert not Transaction.objects.exists()


_BASKET = [SaleLine("BEER", "Beer", 1, 10_000, 10_000)]
_EVENING = datetime(2026, 3, 6, 23, 50, tzinfo=SHANGHAI)


def _loaded(merchant: Merchant, order_no: str, minutes: int, **more: object) -> NewSale:
    said = {"amount_fen": 10_000, "lines": _BASKET, "paid_at": _EVENING + timedelta(minutes=minutes), **more}
    return new_sale(merchant, id=uuid7(), order_no=order_no, channel_transaction_no=uuid7().hex, **said)


def test_store_sales_joins_payments_of_one_order_as_single_reports_would() -> None:
    merchant = make_merchant()
    # Later ones first: a file need not be in order.
    store_sales(
        [
            _loaded(merchant, "20260306-0012", 30),
            _loaded(merchant, "20260306-0012", 0),
            _loaded(merchant, "7", 31 * 60),
            _loaded(merchant, "7", 0),
            _loaded(merchant, "8", 60),
        ],
        source="test",
        at=NOW,
    )

    found = Transaction.objects.order_by("order_no", "paid_at")
    day = _EVENING.date()
    assert [(one.order_no, one.order_date, one.joined_date) for one in found] == [
        ("20260306-0012", day, None),
        ("20260306-0012", day, day),
        ("7", day, None),
        ("7", day + timedelta(days=2), None),
        ("8", day, day),
    ]
    assert [len(orders.siblings(one)) for one in found] == [2, 2, 1, 1, 1]


def test_store_sales_joins_a_payment_to_one_that_is_known_already() -> None:
    merchant = make_merchant()
    store_sales([_loaded(merchant, "20260306-0012", 0)], source="test", at=NOW)

    store_sales([_loaded(merchant, "20260306-0012", 30)], source="test", at=NOW)

    assert {one.order_date for one in Transaction.objects.all()} == {_EVENING.date()}
    assert {len(orders.siblings(one)) for one in Transaction.objects.all()} == {2}
