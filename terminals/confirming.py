"""A sale as its channel knows it: the channel's word is kept, and what it proves of the sale's status becomes the sale's.

A sale may be reported before its payment is through ("paid but not completed", 未完成). Once its channel says that it was paid it
is a success and can be refunded; what its channel closed unpaid was declined. Both stand in the audit trail like any correction.
A sale that was reported as a success keeps its status: where its channel says otherwise, a person looks.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from core.audit.actors import Actor
from core.audit.record import record_of
from core.errors import DomainError
from merchants.models import ChannelAccount
from terminals.models import PaymentWord, Transaction, TransactionStatus
from terminals.versions import CORRECTED

#: One sale is not asked about more often: channels limit how many queries they take.
ASK_AGAIN_AFTER = timedelta(seconds=5)

#: The reasons of corrections that the channel's word makes, as the audit trail has them.
CHANNEL_SAYS = "channel_says"
REPORTED_TWICE = "reported_twice"

_STATUS: Mapping[str, TransactionStatus] = {
    PaymentWord.PAID: TransactionStatus.SUCCESS,
    PaymentWord.FINISHED: TransactionStatus.SUCCESS,
    PaymentWord.PARTLY_REFUNDED: TransactionStatus.SUCCESS,
    PaymentWord.CLOSED: TransactionStatus.DECLINED,
}


class Payment(NamedTuple):
    """A payment that was made: the number under which the shop sent it, "" for unsaid, and its amount in fen."""

    payment_no: str
    amount_fen: int


class AskedJustNow(DomainError, code="asked_just_now"):
    """The channel was asked about this sale a moment ago, perhaps by somebody else; ``facts["retry_after_s"]``."""

    status = 429


def begin_asking(*, transaction_id: UUID, at: datetime) -> None:
    """Keep that the channel is asked now; of several at once one may. Raises ``AskedJustNow``."""
    free = Q(asked_at__isnull=True) | Q(asked_at__lte=at - ASK_AGAIN_AFTER) | Q(asked_at__gt=at + ASK_AGAIN_AFTER)
    if not Transaction.objects.filter(free, pk=transaction_id).update(asked_at=at):
        raise AskedJustNow(
            "the channel was asked about this sale a moment ago", retry_after_s=int(ASK_AGAIN_AFTER.total_seconds())
        )


@transaction.atomic
def keep_word(
    *, transaction_id: UUID, word: PaymentWord, amounts: Mapping[str, int], by: Actor, at: datetime, number: str = ""
) -> Transaction:
    """The sale with what its channel said to a question of ``at``; an older answer that comes late changes nothing. ``by`` is the
    channel, ``number`` its own of the payment: a sale whose till never heard it has it from now on.
    """
    sale = Transaction.objects.select_for_update().get(pk=transaction_id)
    if sale.payment_word_at is not None and sale.payment_word_at >= at:
        return sale
    sale.payment_word, sale.payment_word_at, sale.payment_word_amounts = word, at, dict(amounts)
    saved = ["payment_word", "payment_word_at", "payment_word_amounts"]
    proven = _STATUS.get(word)
    if not sale.channel_transaction_no:
        twin = _reported_with(number, sale)
        if twin is not None:
            # One payment, reported without its number and then with it: it is refundable once, there.
            return _is_no_payment_of_its_own(sale, twin, saved=saved, by=by, at=at)
        sale.channel_transaction_no = number
        saved.append("channel_transaction_no")
        if not number and proven is TransactionStatus.SUCCESS:
            proven = None  # without a number nothing could be sent back to it
    if proven is not None and sale.status not in (proven, TransactionStatus.SUCCESS):
        before, sale.status, sale.corrected_at = str(sale.status), proven, at
        saved += ["status", "corrected_at"]
        record_of(
            sale,
            by=by,
            action=CORRECTED,
            at=at,
            data={"reason": CHANNEL_SAYS, "before": {"status": before}, "after": {"status": str(proven)}},
        )
    sale.save(update_fields=saved)
    return sale


@transaction.atomic
def belongs_to(*, transaction_id: UUID, account: ChannelAccount, by: Actor, at: datetime) -> None:
    """A channel knows the payment at another of the merchant's accounts than the sale was put down to. ``by`` is the channel."""
    sale = Transaction.objects.select_for_update(of=("self",)).select_related("channel_account").get(pk=transaction_id)
    before = sale.channel_account.code if sale.channel_account else ""
    sale.channel_account, sale.corrected_at = account, at
    sale.save(update_fields=["channel_account", "corrected_at"])
    data = {"reason": CHANNEL_SAYS, "before": {"account": before}, "after": {"account": account.code}}
    record_of(sale, by=by, action=CORRECTED, at=at, data=data)


def _reported_with(number: str, sale: Transaction) -> Transaction | None:
    """Another sale of that number of the channel's."""
    named = Transaction.objects.filter(
        merchant_id=sale.merchant_id, channel=sale.channel, channel_transaction_no=number
    )
    return named.exclude(pk=sale.pk).first() if number else None


def _is_no_payment_of_its_own(
    sale: Transaction, twin: Transaction, *, saved: list[str], by: Actor, at: datetime
) -> Transaction:
    before, sale.status, sale.corrected_at = str(sale.status), TransactionStatus.DECLINED, at
    sale.save(update_fields=[*saved, "status", "corrected_at"])
    if before == sale.status:
        return sale
    told = {"reason": REPORTED_TWICE, "transaction": str(twin.pk)}
    after = {"status": str(sale.status)}
    record_of(sale, by=by, action=CORRECTED, at=at, data={**told, "before": {"status": before}, "after": after})
    return sale


def not_known_as_paid(*, merchant_id: int, account_id: int, payments: Mapping[str, Payment]) -> QuerySet[Transaction]:
    """Sales of an account, by the channel's numbers and by the shop's own, that were reported as anything but paid."""
    of = Transaction.objects.filter(merchant_id=merchant_id, channel_account_id=account_id)
    unheard = ~Q(payment_no="") & Q(payment_no__in=[one.payment_no for one in payments.values()])
    named = of.filter(Q(channel_transaction_no__in=list(payments)) | unheard & Q(channel_transaction_no__isnull=True))
    return named.exclude(status=TransactionStatus.SUCCESS) if payments else of.none()


def confirm_paid(*, merchant_id: int, account_id: int, payments: Mapping[str, Payment], by: Actor, at: datetime) -> int:
    """What a statement or a notice of an account proves: these payments, by the channel's number, were made.

    Only sales are looked at of which it was not known yet. Returns how many it says something of; ``by`` is the channel.
    """
    waiting = not_known_as_paid(merchant_id=merchant_id, account_id=account_id, payments=payments).exclude(
        payment_word=PaymentWord.AMOUNT_DIFFERS
    )
    by_shop = {one.payment_no: number for number, one in payments.items()}
    found = list(waiting.order_by("pk"))
    for sale in found:
        number = sale.channel_transaction_no or by_shop[sale.payment_no]
        paid_fen = payments[number].amount_fen
        word = PaymentWord.PAID if paid_fen == sale.amount_fen else PaymentWord.AMOUNT_DIFFERS
        amounts = {"amount_fen": paid_fen}
        keep_word(transaction_id=sale.pk, word=word, amounts=amounts, by=by, at=at, number=number)
    return len(found)


def no_answer_since(sale: Transaction) -> bool:
    """Whether the last question has no answer (yet)."""
    return sale.asked_at is not None and (sale.payment_word_at is None or sale.payment_word_at < sale.asked_at)
