"""Refunds of our sales that a channel reports and nobody here asked for: made in its own portal.

Their notice is a reason to ask the channel about the payment at once: its word is kept with the sale, what is asked for from
now on is judged with it, and what is asked for already is held until finance has looked.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet, Subquery

from core.audit.actors import channel
from core.audit.record import record_of
from merchants.models import ChannelAccount
from refunds.facts import holds
from refunds.models import ChannelNotice, Execution
from refunds.models.notice import ASK_TRADE, TRADE_ASKED
from refunds.payouts import trade_queries
from refunds.rules import payment
from terminals import confirming
from terminals.models import PaymentWord, Transaction

#: Effect of a notice of a number that is not ours.
UNKNOWN: Final = "unknown_number"
_AT_ONCE: Final = 20
#: A channel that says nothing is asked less and less often, and after a day no more: its statement names the refund.
_SHORTEST, _LONGEST, _GIVE_UP_AFTER = timedelta(seconds=5), timedelta(minutes=10), timedelta(days=1)


def note(notices: Iterable[ChannelNotice]) -> None:
    """Mark those that speak of a sale of ours. The caller saves them."""
    for one in notices:
        if one.channel_transaction_no and _sales_of(one).exists():
            one.effect = ASK_TRADE


def _sales_of(notice: ChannelNotice) -> QuerySet[Transaction]:
    """The sale that it names, through whichever of the merchant's accounts that was paid."""
    account = ChannelAccount.objects.filter(pk=notice.channel_account_id)
    return Transaction.objects.filter(
        merchant_id=Subquery(account.values("merchant_id")),
        channel=Subquery(account.values("channel")),
        channel_transaction_no=notice.channel_transaction_no,
        channel_account_id__isnull=False,
    )


def stuck_of(sale: Transaction) -> list[ChannelNotice]:
    """The last words about refunds of this sale that were made elsewhere, that the channel cannot deliver, and that are in no
    books of ours.
    """
    told = ChannelNotice.objects.filter(
        channel_account__merchant_id=sale.merchant_id,
        channel_account__channel=sale.channel,
        channel_transaction_no=sale.channel_transaction_no,
        effect__in=(ASK_TRADE, TRADE_ASKED),
    )
    last = {notice.refund_no: notice for notice in told.select_related("channel_account").order_by("pk")}
    known = Execution.objects.filter(transaction_id=sale.pk, refund_no__in=list(last)).values_list(
        "refund_no", flat=True
    )
    found = [last[number] for number in last.keys() - set(known)]
    return [one for one in found if one.amount_fen and trade_queries.is_stuck(one.outcome)]


def ask_waiting(*, at: datetime) -> int:
    """Ask the channels about the payments that such notices name. Returns about how many. Call it outside of any transaction."""
    waiting = ChannelNotice.objects.filter(effect=ASK_TRADE).order_by("pk")[:_AT_ONCE]
    return sum(_ask(notice, at) for notice in waiting)


def _ask(notice: ChannelNotice, at: datetime) -> bool:
    sale = _sales_of(notice).get()
    waits = at - notice.received_at
    pause = min(max(waits / 2, _SHORTEST), _LONGEST)
    if sale.asked_at is not None and notice.received_at < sale.asked_at and at - sale.asked_at < pause:
        return False
    try:
        confirming.begin_asking(transaction_id=sale.pk, at=at)
    except confirming.AskedJustNow:
        return False
    said = trade_queries.ask_trade(transaction_id=sale.pk)
    answer = trade_queries.keep(said, sale=sale, at=at)
    if answer.word is PaymentWord.NO_ANSWER:
        if waits >= _GIVE_UP_AFTER:
            ChannelNotice.objects.filter(pk=notice.pk).update(effect=UNKNOWN)
        return True
    _keep(notice, sale, answer, at)
    return True


@transaction.atomic
def _keep(notice: ChannelNotice, sale: Transaction, answer: trade_queries.PaymentAnswer, at: datetime) -> None:
    by = channel(sale.channel)
    ChannelNotice.objects.filter(pk=notice.pk).update(effect=TRADE_ASKED)
    data = {"word": answer.word.value, "refund_no": notice.refund_no, **answer.amounts}
    record_of(sale, by=by, action=trade_queries.ASKED, at=at, data=data)
    if not payment.is_contradiction(answer.word):
        return
    sale = Transaction.objects.get(pk=sale.pk)
    if sale.held_at is None and sale.reserved_fen > sale.refunded_fen:
        holds.set_held(transaction_id=sale.pk, at=at)
        record_of(sale, by=by, action="transaction.hold", at=at, data=data)
