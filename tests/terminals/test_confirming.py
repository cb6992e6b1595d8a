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
