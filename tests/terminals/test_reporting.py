"""Taking in a sale that a terminal or shop reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from core.audit.models import AuditEvent
from core.errors import Conflict, Forbidden, Invalid
from merchants.models import Merchant, Store
from merchants.principals import Principal, of_staff
from terminals.models import Terminal, Transaction
from terminals.reporting import PaidInTheFuture, ReportedSale, SaleDiffers, SaleLine, report_sale
from terminals.versions import CORRECTED
from tests.factories import make_account, make_staff, till

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SALE = ReportedSale(
    order_no="A1",
    channel="wechat",
    channel_transaction_no="42",
    kind="sale",
    amount_fen=1_500,
    paid_at=NOW - timedelta(minutes=1),
    store="S001",
    terminal="POS-01",
    cashier="C001",
    payer_phone="13800006021",
    card_last4="",
    funding="balance",
    lines=[SaleLine("SKU-1", "杯", 1, 1_500, 1_500)],
)


def _till(merchant: Merchant) -> Principal:
    """A client with a key that no foreign key has to find."""
    return replace(till(merchant), key_id=None)


def test_sale_that_is_reported_twice_is_the_same_sale(merchant: Merchant) -> None:
    account = make_account(merchant)
    first, is_new = report_sale(sale=SALE, by=_till(merchant), at=NOW)
    again, is_new_again = report_sale(sale=SALE, by=_till(merchant), at=NOW)
    assert (is_new, is_new_again, first.pk) == (True, False, again.pk)
    assert (first.channel_account, first.reported_by, first.lines.get().name) == (account, "test", "杯")


def test_sale_of_a_store_that_was_closed_before_is_refused_and_one_from_before_is_taken(merchant: Merchant) -> None:
    Store.objects.update(closed_at=SALE.paid_at - timedelta(seconds=1))
    with pytest.raises(Invalid, match="closed"):
        report_sale(sale=SALE, by=_till(merchant), at=NOW)
    assert not Transaction.objects.exists()
    Store.objects.update(closed_at=SALE.paid_at + timedelta(seconds=1))
    assert report_sale(sale=SALE, by=_till(merchant), at=NOW)[1]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"store": "S999"}, Invalid),
        ({"terminal": "POS-99"}, Invalid),
        ({"paid_at": NOW + timedelta(minutes=6)}, PaidInTheFuture),
    ],
)
def test_sale_of_an_unknown_place_or_a_time_to_come_is_not_stored(
    merchant: Merchant, change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        report_sale(sale=replace(SALE, **change), by=_till(merchant), at=NOW)
    assert not Transaction.objects.exists()


def test_sale_in_a_local_time_without_its_offset_is_refused_with_a_hint(merchant: Merchant) -> None:
    with pytest.raises(PaidInTheFuture) as refused:
        report_sale(sale=replace(SALE, paid_at=NOW + timedelta(hours=8)), by=_till(merchant), at=NOW)
    with translation.override("en"):
        assert "local time in China" in str(refused.value.errors[0].message)


def test_sale_from_a_browser_is_refused_and_one_of_another_store_a_conflict(merchant: Merchant) -> None:
    with pytest.raises(Forbidden):
        report_sale(sale=SALE, by=of_staff(make_staff(merchant, "owner")), at=NOW)
    assert not Transaction.objects.exists()
    report_sale(sale=SALE, by=_till(merchant), at=NOW)
    other = Store.objects.create(merchant=merchant, code="S002", name="二号店")
    Terminal.objects.create(store=other, code="POS-01")
    elsewhere = replace(_till(merchant), stores=frozenset({other.pk}))
    with pytest.raises(Conflict):
        report_sale(sale=replace(SALE, store="S002"), by=elsewhere, at=NOW)
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize("ended", ["success", "declined"])
def test_report_when_a_pending_payment_has_ended_completes_the_sale_once(merchant: Merchant, ended: str) -> None:
    pending = replace(SALE, status="pending", funding="unknown")
    sale, _ = report_sale(sale=pending, by=_till(merchant), at=timezone.now())
    told = replace(SALE, status=ended, funding="balance", paid_at=SALE.paid_at + timedelta(seconds=40))

    for _ in range(2):
        again, is_new = report_sale(sale=told, by=_till(merchant), at=timezone.now())
        assert (again.pk, again.status, again.funding, is_new) == (sale.pk, ended, "balance", False)
    late, _ = report_sale(sale=pending, by=_till(merchant), at=timezone.now())
    assert (late.pk, late.status) == (sale.pk, ended)
    assert AuditEvent.objects.filter(action=CORRECTED).count() == 1


@pytest.mark.parametrize("change", [{"amount_fen": 9_900, "lines": ()}, {"cashier": "C999"}])
def test_report_when_a_pending_payment_ends_with_other_facts_is_told_what_differs(
    merchant: Merchant, change: dict[str, Any]
) -> None:
    sale, _ = report_sale(sale=replace(SALE, status="pending"), by=_till(merchant), at=timezone.now())
    with pytest.raises(SaleDiffers):
        report_sale(sale=replace(SALE, **change), by=_till(merchant), at=timezone.now())
    assert Transaction.objects.get(pk=sale.pk).status == "pending"


def test_report_when_the_channel_has_said_otherwise_its_word_stands(merchant: Merchant) -> None:
    sale, _ = report_sale(sale=replace(SALE, status="pending"), by=_till(merchant), at=timezone.now())
    Transaction.objects.filter(pk=sale.pk).update(payment_word="unpaid", payment_word_at=timezone.now())
    with pytest.raises(SaleDiffers):
        report_sale(sale=SALE, by=_till(merchant), at=timezone.now())
    assert Transaction.objects.get(pk=sale.pk).status == "pending"


UNHEARD = replace(SALE, status="pending", channel_transaction_no="", payment_no="A1-2")


def test_report_of_a_payment_without_an_answer_is_known_by_the_shops_number_and_completed_by_it(
    merchant: Merchant,
) -> None:
    sale, is_new = report_sale(sale=UNHEARD, by=_till(merchant), at=NOW)
    other, other_is_new = report_sale(sale=replace(UNHEARD, payment_no="A1-3"), by=_till(merchant), at=NOW)
    assert (is_new, other_is_new, report_sale(sale=UNHEARD, by=_till(merchant), at=NOW)) == (True, True, (sale, False))

    through = replace(SALE, payment_no="A1-2")
    ended, is_new = report_sale(sale=through, by=_till(merchant), at=NOW)
    assert (ended.pk, ended.status, ended.channel_transaction_no, is_new) == (sale.pk, "success", "42", False)
    # Late: the report that was sent before the answer.
    assert report_sale(sale=UNHEARD, by=_till(merchant), at=NOW) == (ended, False)
    with pytest.raises(SaleDiffers, match="channel_transaction_no"):
        report_sale(sale=replace(through, channel_transaction_no="43"), by=_till(merchant), at=NOW)
    assert Transaction.objects.get(pk=other.pk).status == "pending"


@pytest.mark.parametrize("change", [{"payment_no": ""}, {"status": "success"}])
def test_report_without_any_number_of_the_payment_is_refused(merchant: Merchant, change: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        report_sale(sale=replace(UNHEARD, **change), by=_till(merchant), at=NOW)
    assert refused.value.code == "channel_number_missing"
    assert not Transaction.objects.exists()


def test_report_when_the_tills_own_number_comes_later_keeps_it_with_the_sale(merchant: Merchant) -> None:
    known, _ = report_sale(sale=SALE, by=_till(merchant), at=NOW)
    named = replace(SALE, payment_no="A1-02")

    again, is_new = report_sale(sale=named, by=_till(merchant), at=NOW)

    assert (again.pk, is_new, again.payment_no, again.corrected_at) == (known.pk, False, "A1-02", None)
    told = AuditEvent.objects.get(action=CORRECTED)
    assert (told.data["reason"], told.data["after"]) == ("till_names", {"payment_no": "A1-02"})
    # Said again, left out again: nothing new. Another number is another fact.
    for same in (named, SALE):
        assert report_sale(sale=same, by=_till(merchant), at=NOW)[0].payment_no == "A1-02"
    assert AuditEvent.objects.filter(action=CORRECTED).count() == 1
    with pytest.raises(SaleDiffers):
        report_sale(sale=replace(SALE, payment_no="A1-03"), by=_till(merchant), at=NOW)


@pytest.mark.parametrize(
    ("first", "later", "other"),
    [
        ({"cashier": ""}, {"cashier": "C001"}, {"cashier": "C009"}),
        ({"terminal": "", "funding": "unknown"}, {"terminal": "pos-01", "funding": "credit_card"}, {"funding": "cash"}),
    ],
)
def test_report_when_a_repeat_brings_what_was_left_out_keeps_it_and_says_so(
    merchant: Merchant, first: dict[str, Any], later: dict[str, Any], other: dict[str, Any]
) -> None:
    before, after = replace(SALE, **first), replace(SALE, **{**first, **later})
    known, _ = report_sale(sale=before, by=_till(merchant), at=NOW)

    again, is_new = report_sale(sale=after, by=_till(merchant), at=NOW)

    assert (again.pk, is_new, again.corrected_at) == (known.pk, False, None)
    told = AuditEvent.objects.get(action=CORRECTED)
    assert {name: value.lower() for name, value in told.data["after"].items()} == {
        name: value.lower() for name, value in later.items()
    }
    # The first report, sent once more, contradicts nothing; another value does.
    assert report_sale(sale=before, by=_till(merchant), at=NOW) == (again, False)
    with pytest.raises(SaleDiffers):
        report_sale(sale=replace(after, **other), by=_till(merchant), at=NOW)
    assert AuditEvent.objects.filter(action=CORRECTED).count() == 1


def test_report_when_the_channels_number_comes_with_a_repeat_keeps_it(merchant: Merchant) -> None:
    known, _ = report_sale(sale=UNHEARD, by=_till(merchant), at=NOW)
    again, is_new = report_sale(sale=replace(UNHEARD, channel_transaction_no="42"), by=_till(merchant), at=NOW)
    assert (again.pk, is_new, again.status, again.channel_transaction_no) == (known.pk, False, "pending", "42")


@pytest.mark.parametrize("change", [{"payer_phone": "13900006021"}, {"lines": (SaleLine("A", "锅", 1, 1_500, 1_500),)}])
def test_report_when_the_payer_or_the_articles_come_later_is_told_of_the_correction(
    merchant: Merchant, change: dict[str, Any]
) -> None:
    first = replace(SALE, lines=())
    report_sale(sale=first, by=_till(merchant), at=NOW)
    with pytest.raises(SaleDiffers):
        report_sale(sale=replace(first, **change), by=_till(merchant), at=NOW)


def test_report_when_the_tills_own_number_is_another_payments_is_told_so(merchant: Merchant) -> None:
    report_sale(sale=replace(SALE, payment_no="A1-02"), by=_till(merchant), at=NOW)
    other = replace(SALE, order_no="A2", channel_transaction_no="43")
    known, _ = report_sale(sale=other, by=_till(merchant), at=NOW)

    with pytest.raises(SaleDiffers) as refused:
        report_sale(sale=replace(other, payment_no="A1-02"), by=_till(merchant), at=NOW)

    assert [error.field for error in refused.value.errors] == ["payment_no"]
    known.refresh_from_db()
    assert known.payment_no == ""


@pytest.mark.parametrize(("change", "known"), [({"remote": True}, "false"), ({"cashier": "C002"}, "C001")])
def test_report_when_a_fact_differs_shows_what_is_known_as_it_is_written(
    merchant: Merchant, change: dict[str, Any], known: str
) -> None:
    report_sale(sale=SALE, by=_till(merchant), at=NOW)

    with pytest.raises(SaleDiffers) as refused:
        report_sale(sale=replace(SALE, **change), by=_till(merchant), at=NOW)

    assert known in str(refused.value.errors[0].message)
