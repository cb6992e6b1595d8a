"""Accounts change: which of them a sale was paid into, whenever it is reported."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from merchants.models import ChannelAccount, Merchant, Store
from merchants.principals import Principal
from terminals.accounts import account_of, take_in
from terminals.models import Transaction
from terminals.reporting import report_sale
from tests.factories import make_account, make_merchant, make_sale, till
from tests.terminals.test_reporting import SALE

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SWITCHED_AT = NOW - timedelta(days=2)


def _switched(merchant: Merchant) -> tuple[ChannelAccount, ChannelAccount]:
    old = make_account(merchant)
    ChannelAccount.objects.filter(pk=old.pk).update(is_active=False, used_until=SWITCHED_AT)
    return old, make_account(merchant)


def _of(merchant: Merchant, paid_at: datetime) -> ChannelAccount | None:
    return account_of(store=merchant.stores.get(code="S001"), channel="wechat", paid_at=paid_at)


def test_account_of_when_paid_before_the_switch_is_the_old_one(merchant: Merchant) -> None:
    old, new = _switched(merchant)
    assert _of(merchant, SWITCHED_AT - timedelta(hours=1)) == old
    assert _of(merchant, SWITCHED_AT + timedelta(hours=1)) == new


def test_account_of_when_nobody_wrote_the_switch_down_the_old_ones_last_sale_tells(merchant: Merchant) -> None:
    old, new = _switched(merchant)
    ChannelAccount.objects.filter(pk=old.pk).update(used_until=None)
    make_sale(merchant, channel_account=old, paid_at=SWITCHED_AT)
    assert _of(merchant, SWITCHED_AT - timedelta(minutes=1)) == old
    assert _of(merchant, SWITCHED_AT + timedelta(minutes=1)) == new


def test_account_of_when_the_store_has_its_own_is_that(merchant: Merchant) -> None:
    store = merchant.stores.get(code="S001")
    other = Store.objects.create(merchant=merchant, code="S002", name="二号店")
    own = make_account(merchant)
    ChannelAccount.objects.filter(pk=own.pk).update(store=store)
    whole = make_account(merchant)
    assert account_of(store=store, channel="wechat", paid_at=NOW) == own
    assert account_of(store=other, channel="wechat", paid_at=NOW) == whole
    assert account_of(store=other, channel="alipay", paid_at=NOW) is None


def test_two_accounts_in_use_for_one_store_are_refused_by_the_database(merchant: Merchant) -> None:
    make_account(merchant)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_account(merchant)


def test_sale_reported_late_finds_the_account_that_it_was_paid_into(merchant: Merchant) -> None:
    old, new = _switched(merchant)
    by: Principal = replace(till(merchant), key_id=None)
    before, after = SWITCHED_AT - timedelta(hours=1), SWITCHED_AT + timedelta(hours=1)
    late, _ = report_sale(sale=replace(SALE, paid_at=before, channel_transaction_no="43"), by=by, at=NOW)
    usual, _ = report_sale(sale=replace(SALE, paid_at=after, channel_transaction_no="44"), by=by, at=NOW)
    assert (late.channel_account, usual.channel_account) == (old, new)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["report", "open"])
def test_sale_that_is_reported_while_the_first_account_is_opened_is_put_down_to_it(first: str) -> None:
    """Who comes second waits for the other's commit."""
    merchant = make_merchant()
    steps: dict[str, Callable[[], object]] = {
        "report": lambda: report_sale(sale=SALE, by=replace(till(merchant), key_id=None), at=timezone.now()),
        "open": lambda: take_in(make_account(merchant)),
    }
    begins, began = steps.pop(first), threading.Event()
    (follows,) = steps.values()

    def hold() -> None:
        try:
            with transaction.atomic():
                begins()
                began.set()
                time.sleep(0.5)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert began.wait(60)
    with transaction.atomic():
        follows()
    holder.join()
    assert Transaction.objects.get().channel_account == ChannelAccount.objects.get()
