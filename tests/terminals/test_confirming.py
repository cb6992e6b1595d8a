"""The channel's word about a payment, kept with the sale, and what it proves of the sale's status."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.audit.actors import channel
from core.audit.models import AuditEvent
from terminals import confirming
from terminals.confirming import AskedJustNow
from terminals.models import PaymentWord, Transaction, TransactionStatus
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db

_WECHAT = channel("wechat")


def _kept(status: str, word: PaymentWord) -> Transaction:
    sale = make_sale(make_merchant(), status=status)
    return confirming.keep_word(transaction_id=sale.pk, word=word, amounts={}, by=_WECHAT, at=timezone.now())


@pytest.mark.parametrize(
    ("status", "word", "after"),
    [
        ("pending", PaymentWord.PAID, "success"),
        ("pending", PaymentWord.FINISHED, "success"),
        ("pending", PaymentWord.PARTLY_REFUNDED, "success"),
        ("declined", PaymentWord.PAID, "success"),
        ("pending", PaymentWord.CLOSED, "declined"),
        ("pending", PaymentWord.UNPAID, "pending"),
        ("pending", PaymentWord.REVERSED, "pending"),
        ("pending", PaymentWord.AMOUNT_DIFFERS, "pending"),
        ("pending", PaymentWord.NOT_KNOWN, "pending"),
        ("success", PaymentWord.CLOSED, "success"),
        ("success", PaymentWord.PAID, "success"),
    ],
)
def test_keep_word_changes_the_status_only_by_what_it_proves_and_says_so(
    status: str, word: PaymentWord, after: str
) -> None:
    sale = _kept(status, word)

    stored = Transaction.objects.get(pk=sale.pk)
    assert (stored.status, stored.payment_word) == (after, word)
    events = AuditEvent.objects.filter(object_id=str(sale.pk), action="transaction.correct")
    if status == after:
        assert not events.exists()
    else:
        assert (events.get().actor_kind, events.get().data["after"]) == ("channel", {"status": after})


def test_keep_word_when_a_later_question_was_answered_first_changes_nothing() -> None:
    sale = make_sale(make_merchant(), status=TransactionStatus.PENDING)
    now = timezone.now()
    for word, at in ((PaymentWord.PAID, now), (PaymentWord.UNPAID, now - timedelta(seconds=9))):
        confirming.keep_word(transaction_id=sale.pk, word=word, amounts={}, by=_WECHAT, at=at)

    sale.refresh_from_db()
    assert (sale.payment_word, sale.payment_word_at, sale.status) == ("paid", now, "success")


def test_begin_asking_twice_at_once_lets_one_through() -> None:
    sale = make_sale(make_merchant())
    now = timezone.now()
    confirming.begin_asking(transaction_id=sale.pk, at=now)

    with pytest.raises(AskedJustNow) as refused:
        confirming.begin_asking(transaction_id=sale.pk, at=now + timedelta(seconds=1))
    confirming.begin_asking(transaction_id=sale.pk, at=now + confirming.ASK_AGAIN_AFTER)

    assert refused.value.facts == {"retry_after_s": 5}


def _waiting(amount_fen: int = 10_000, **fields: object) -> Transaction:
    return make_sale(make_merchant(), amount_fen, **{"status": TransactionStatus.PENDING, **fields})


def _confirm(sale: Transaction, *, amount_fen: int, account_id: int | None = None) -> Transaction:
    confirming.confirm_paid(
        merchant_id=sale.merchant_id,
        account_id=account_id or sale.channel_account_id or 0,
        paid_fen={sale.channel_transaction_no: amount_fen, "4200000000": 1},
        by=_WECHAT,
        at=timezone.now(),
    )
    return Transaction.objects.get(pk=sale.pk)


def test_confirm_paid_when_the_amount_fits_the_sale_is_a_success() -> None:
    sale = _confirm(_waiting(), amount_fen=10_000)
    assert (sale.status, sale.payment_word) == ("success", "paid")


def test_confirm_paid_when_it_was_another_amount_the_sale_waits_for_a_person() -> None:
    sale = _confirm(_waiting(), amount_fen=9_000)
    assert (sale.status, sale.payment_word, sale.payment_word_amounts) == (
        "pending", "amount_differs", {"amount_fen": 9_000},
    )  # fmt: skip


def test_confirm_paid_when_another_account_says_so_or_it_was_known_nothing_changes() -> None:
    for sale, account_id in ((_waiting(), 999_999), (_waiting(status=TransactionStatus.SUCCESS), None)):
        after = _confirm(sale, amount_fen=10_000, account_id=account_id)
        assert (after.status, after.payment_word, after.corrected_at) == (sale.status, "", None)
