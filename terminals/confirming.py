"""A sale as its channel knows it: the channel's word is kept, and what it proves of the sale's status becomes the sale's.

A sale may be reported before its payment is through ("paid but not completed", 未完成). Once its channel says that it was paid it
is a success and can be refunded; what its channel closed unpaid was declined. Both stand in the audit trail like any correction.
A sale that was reported as a success keeps its status: where its channel says otherwise, a person looks.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from core.audit.actors import Actor
from core.audit.record import record_of
from core.errors import DomainError
from terminals.models import PaymentWord, Transaction, TransactionStatus
from terminals.reporting import CORRECTED

#: One sale is not asked about more often: channels limit how many queries they take.
ASK_AGAIN_AFTER = timedelta(seconds=5)

#: The reason of a correction that the channel's word makes, as the audit trail has it.
CHANNEL_SAYS = "channel_says"

_STATUS: Mapping[str, TransactionStatus] = {
    PaymentWord.PAID: TransactionStatus.SUCCESS,
    PaymentWord.FINISHED: TransactionStatus.SUCCESS,
    PaymentWord.PARTLY_REFUNDED: TransactionStatus.SUCCESS,
    PaymentWord.CLOSED: TransactionStatus.DECLINED,
}


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
    *, transaction_id: UUID, word: PaymentWord, amounts: Mapping[str, int], by: Actor, at: datetime
) -> Transaction:
    """The sale with what its channel said to a question of ``at``; an older answer that comes late changes nothing. ``by`` is the
    channel.
    """
    sale = Transaction.objects.select_for_update().get(pk=transaction_id)
    if sale.payment_word_at is not None and sale.payment_word_at >= at:
        return sale
    sale.payment_word, sale.payment_word_at, sale.payment_word_amounts = word, at, dict(amounts)
    saved = ["payment_word", "payment_word_at", "payment_word_amounts"]
    proven = _STATUS.get(word)
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


def not_known_as_paid(*, merchant_id: int, account_id: int, numbers: Collection[str]) -> QuerySet[Transaction]:
    """Sales of an account, by the channel's numbers, that were reported as anything but paid."""
    named = Transaction.objects.filter(merchant_id=merchant_id, channel_transaction_no__in=list(numbers))
    named = named.filter(channel_account_id=account_id)
    return named.exclude(status=TransactionStatus.SUCCESS) if numbers else named.none()


def confirm_paid(*, merchant_id: int, account_id: int, paid_fen: Mapping[str, int], by: Actor, at: datetime) -> int:
    """What a statement or a notice of an account proves: these payments, by the channel's number, were made, of so many fen.

    Only sales are looked at of which it was not known yet. Returns how many it says something of; ``by`` is the channel.
    """
    waiting = not_known_as_paid(merchant_id=merchant_id, account_id=account_id, numbers=paid_fen).exclude(
        payment_word=PaymentWord.AMOUNT_DIFFERS
    )
    found = list(waiting.order_by("pk").values_list("pk", "channel_transaction_no", "amount_fen"))
    for pk, number, amount_fen in found:
        word = PaymentWord.PAID if paid_fen[number] == amount_fen else PaymentWord.AMOUNT_DIFFERS
        keep_word(transaction_id=pk, word=word, amounts={"amount_fen": paid_fen[number]}, by=by, at=at)
    return len(found)


def no_answer_since(sale: Transaction) -> bool:
    """Whether the last question has no answer (yet)."""
    return sale.asked_at is not None and (sale.payment_word_at is None or sale.payment_word_at < sale.asked_at)
