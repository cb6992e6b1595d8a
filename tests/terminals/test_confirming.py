"""The channel's word about a payment, kept with the sale, and what it proves of the sale's status."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.audit.actors import channel
from core.audit.models import AuditEvent
from terminals import confirming
from terminals.confirming import AskedJustNow, Payment
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
        payments={sale.channel_transaction_no: Payment("", amount_fen), "4200000000": Payment("", 1)},
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


def _unheard(sale: Transaction, payment_no: str = "A1-2") -> Transaction:
    """The sale as it would be had the till had no answer to the payment."""
    Transaction.objects.filter(pk=sale.pk).update(
        status=TransactionStatus.PENDING, channel_transaction_no="", payment_no=payment_no
    )
    return Transaction.objects.get(pk=sale.pk)


def test_keep_word_when_the_till_never_heard_the_number_keeps_what_the_channel_says() -> None:
    sale = _unheard(make_sale(make_merchant(), 10_000))
    said = {"transaction_id": sale.pk, "word": PaymentWord.PAID, "amounts": {}, "by": _WECHAT}

    unnamed = confirming.keep_word(**said, at=timezone.now())  # type: ignore[arg-type]
    assert (unnamed.status, unnamed.channel_transaction_no) == ("pending", "")
    named = confirming.keep_word(**said, at=timezone.now(), number="4200000042")  # type: ignore[arg-type]
    assert (named.status, Transaction.objects.get(pk=sale.pk).channel_transaction_no) == ("success", "4200000042")


def test_keep_word_when_the_payment_was_reported_with_its_number_too_it_is_refundable_once() -> None:
    whole = make_sale(make_merchant(), 10_000)
    sale = _unheard(make_sale(whole.merchant, 10_000, channel_account=whole.channel_account))
    for _ in range(2):
        kept = confirming.keep_word(
            transaction_id=sale.pk,
            word=PaymentWord.PAID,
            amounts={},
            by=_WECHAT,
            at=timezone.now(),
            number=whole.channel_transaction_no,
        )
        assert (kept.status, kept.channel_transaction_no) == ("declined", "")

    (event,) = AuditEvent.objects.filter(object_id=str(sale.pk), action="transaction.correct")
    assert (event.data["reason"], event.data["transaction"]) == ("reported_twice", str(whole.pk))


@pytest.mark.parametrize(("payment_no", "status"), [("A1-2", "success"), ("A1-3", "pending"), ("", "pending")])
def test_confirm_paid_by_the_shops_own_number_where_the_till_had_no_answer(payment_no: str, status: str) -> None:
    sale = _unheard(make_sale(make_merchant(), 10_000))
    confirming.confirm_paid(
        merchant_id=sale.merchant_id,
        account_id=sale.channel_account_id or 0,
        payments={"4200000042": Payment(payment_no, 10_000)},
        by=_WECHAT,
        at=timezone.now(),
    )
    assert Transaction.objects.get(pk=sale.pk).status == status
