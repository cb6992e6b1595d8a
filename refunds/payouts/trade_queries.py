"""Asking a channel what became of a payment: outside of any transaction, for one sale at a time."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet, Sum

from core.audit.actors import channel
from core.audit.record import record_of
from core.errors import Conflict, existing
from merchants.models import ChannelAccount
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from payment_channels.contract import (
    CredentialsInvalid,
    ProfileInvalid,
    Trade,
    TradeQueries,
    TradeReference,
    TradeState,
    Unknown,
)
from refunds.models import ChannelNotice, Execution
from refunds.models.notice import ASK_TRADE, TRADE_ASKED
from refunds.payouts.adapters import adapter_for
from refunds.states import ExecutionState
from terminals import confirming
from terminals.accounts import replacement_of
from terminals.models import PaymentWord, Transaction

logger = logging.getLogger(__name__)

#: The audit event of a question.
ASKED = "transaction.ask_channel"
_NOBODY_TO_ASK, _NOT_FOUND = "no_trade_queries", "not_found"
#: Payouts of which nothing can have left.
_NOT_SENT = (ExecutionState.READY, ExecutionState.FAILED, ExecutionState.CANCELLED)


class NobodyToAsk(Conflict, code="nobody_to_ask"):
    """The sale was paid through no channel that can be asked: cash, or one without such a query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAnswer:
    """What the channel says of a payment now. ``NO_ANSWER`` is unknown, never "not paid"; ``code`` says why there is none.
    ``amounts`` in fen, where the channel names them.
    """

    word: PaymentWord
    at: datetime
    code: str = ""
    amounts: Mapping[str, int] = field(default_factory=dict)


def ask_about_payment(*, transaction_id: UUID, by: Principal, at: datetime) -> PaymentAnswer:
    """Ask the sale's channel about its payment, and keep what it says. Call it outside of any transaction.

    Raises ``Forbidden``, ``NotFound``, ``NobodyToAsk`` and ``AskedJustNow``; then nothing has changed.
    """
    check_may(Act.ASK_CHANNEL, by=by)
    found = Transaction.objects.filter(pk=transaction_id)
    sale = existing((found if by.merchant_id is None else found.filter(merchant_id=by.merchant_id)).first(), "sale")
    check_may(Act.ASK_CHANNEL, by=by, subject=Subject(merchant_id=sale.merchant_id, store_id=sale.store_id))
    if sale.channel_account_id is None:
        raise NobodyToAsk("the sale was paid through no channel that could be asked")
    confirming.begin_asking(transaction_id=sale.pk, at=at)
    said = ask_trade(transaction_id=sale.pk)
    if isinstance(said, Unknown) and said.code == _NOBODY_TO_ASK:
        raise NobodyToAsk("this channel cannot be asked about a payment")
    if isinstance(said, Unknown) and said.code == _NOT_FOUND:
        said = _known_to_another(sale, at=at) or said
    answer = keep(said, sale=sale, at=at)
    record_of(
        sale, by=by.actor, action=ASKED, at=at, data={"word": answer.word.value, "code": answer.code, **answer.amounts}
    )
    return answer


def keep(said: Trade | Unknown, *, sale: Transaction, at: datetime) -> PaymentAnswer:
    """What the channel said, held against what our books say now, and kept with the sale unless it is no answer."""
    answer = _read(said, sale, at)
    if answer.word is not PaymentWord.NO_ANSWER:
        confirming.keep_word(
            transaction_id=sale.pk,
            word=answer.word,
            amounts=answer.amounts,
            by=channel(sale.channel),
            at=at,
            number=said.channel_transaction_no if isinstance(said, Trade) else "",
        )
    return answer


def ask_trade(*, transaction_id: UUID, payment_no: str = "") -> Trade | Unknown:
    """What the sale's channel says of its payment, through the account that took it, or the one in its place.

    ``payment_no`` is the number the shop sent this payment under, where that is not the order's. ``Unknown``: ``not_found`` where
    the channel knows no such payment, ``no_trade_queries`` or ``account_unusable`` where it cannot be asked, else why there is
    no answer. Nothing is stored. Raises ``Transaction.DoesNotExist``.
    """
    sale = Transaction.objects.select_related("channel_account").get(pk=transaction_id)
    account = sale.channel_account and (replacement_of(sale.channel_account) or sale.channel_account)
    return _asked(account, sale, payment_no)


def _asked(account: ChannelAccount | None, sale: Transaction, payment_no: str = "") -> Trade | Unknown:
    # Cash has no channel that could be asked.
    try:
        adapter: object = None if account is None else adapter_for(account.pk, account.revision)
    except (CredentialsInvalid, ProfileInvalid) as error:
        logger.warning("channel account %s cannot be used: %s", account and account.pk, error)
        return Unknown(code="account_unusable", message=str(error), remedy="check_keys")
    if isinstance(adapter, TradeQueries):
        reference = TradeReference(
            channel_transaction_no=sale.channel_transaction_no,
            order_no=sale.order_no,
            payment_no=payment_no or sale.payment_no,
            paid_at=sale.paid_at,
        )
        said = adapter.query_trade(reference)
        if isinstance(said, Trade):
            return _with_notices(said, sale)
        if said.code != _NOT_FOUND:
            return said
        # What nobody paid has no number of the channel's: it is known by the shop's alone.
        by_shop = adapter.query_trade(replace(reference, channel_transaction_no=""))
        return by_shop if isinstance(by_shop, Trade) and not by_shop.channel_transaction_no else said
    return Unknown(code=_NOBODY_TO_ASK, message="this channel cannot be asked about a payment")


def _known_to_another(sale: Transaction, *, at: datetime) -> Trade | None:
    """What another account of the merchant's says of a payment that the sale's own does not know: a till that was switched
    over later than the desk, or earlier, took it there. The sale belongs to that account from now on; None where a payout through
    the one before may have left, and where nobody knows it.
    """
    number = sale.channel_transaction_no
    if not number or sale.channel_account_id is None:
        return None  # the shop's own number may be another payment's at another account
    others = ChannelAccount.objects.filter(merchant_id=sale.merchant_id, channel=sale.channel)
    for account in others.exclude(pk=sale.channel_account_id).order_by("-is_active", "-pk")[:_OTHER_ACCOUNTS]:
        said = _asked(account, sale)
        if isinstance(said, Trade) and (said.channel_transaction_no, said.amount_fen) == (number, sale.amount_fen):
            return said if _moved(sale, account, at=at) else None
    return None


#: So many are asked.
_OTHER_ACCOUNTS = 5


@transaction.atomic
def _moved(sale: Transaction, account: ChannelAccount, *, at: datetime) -> bool:
    Transaction.objects.select_for_update().get(pk=sale.pk)
    sent = Execution.objects.filter(transaction_id=sale.pk, channel_account__channel=sale.channel)
    if sent.exclude(state__in=(ExecutionState.FAILED, ExecutionState.CANCELLED)).exists():
        return False
    confirming.belongs_to(transaction_id=sale.pk, account=account, by=channel(sale.channel), at=at)
    return True


def _with_notices(said: Trade, sale: Transaction) -> Trade:
    """With what the channel's notices said of refunds that are not ours, where its answer does not say how much was refunded."""
    if said.refunded_fen is not None:
        return said
    told = ChannelNotice.objects.filter(
        channel_account__merchant_id=sale.merchant_id,
        channel_account__channel=sale.channel,
        channel_transaction_no=sale.channel_transaction_no,
        effect__in=(ASK_TRADE, TRADE_ASKED),
    )
    sent = _sent(sale).values_list("amount_fen", "channel_refund_no", "proof_source")
    # What was adopted from such a word or a statement is one of them.
    own = [(amount_fen, number) for amount_fen, number, source in sent if source not in _ADOPTED]
    ours = {number for _, number in own if number}
    in_all, single = 0, dict[str, int]()
    words = told.order_by("pk").values_list("refund_no", "refunded_fen", "outcome", "amount_fen")
    for refund_no, refunded_fen, outcome, amount_fen in words:
        in_all = max(in_all, refunded_fen or 0)
        if outcome.get("channel_refund_no") in ours:
            continue
        if outcome["kind"] == "done":
            single[refund_no] = outcome["amount_fen"]
        elif is_stuck(outcome) and amount_fen:
            # It has left the merchant, and lies at the channel until somebody names another account.
            single[refund_no] = amount_fen
        elif outcome["kind"] == "refused":
            single.pop(refund_no, None)
    if not in_all and not single:
        return said
    others_fen = sum(single.values())
    return replace(said, refunded_fen=max(in_all, sum(amount_fen for amount_fen, _ in own) + others_fen))


def is_stuck(outcome: Mapping[str, Any]) -> bool:
    """Whether a notice's kept outcome says that the channel took the refund on and cannot deliver it."""
    return bool(outcome["kind"] == "unknown" and outcome.get("accepted") and outcome.get("attention"))


#: How refunds are proven that were not made by us.
_ADOPTED = ("trade", "bill")

_WORDS: Mapping[TradeState, PaymentWord] = {
    TradeState.UNPAID: PaymentWord.UNPAID,
    TradeState.CLOSED: PaymentWord.CLOSED,
    TradeState.FINISHED: PaymentWord.FINISHED,
}  # the others need a look at the amounts


def _read(said: Trade | Unknown, sale: Transaction, at: datetime) -> PaymentAnswer:
    """The channel's words held against ours. What we sent back ourselves is no surprise."""
    if isinstance(said, Unknown):
        word = PaymentWord.NOT_KNOWN if said.code == _NOT_FOUND else PaymentWord.NO_ANSWER
        return PaymentAnswer(word=word, at=at, code=said.code)
    # An order that nobody paid may come without its amount.
    amounts = {"amount_fen": said.amount_fen} if said.amount_fen else {}
    if said.refunded_fen is not None:
        amounts["refunded_fen"] = said.refunded_fen
    return PaymentAnswer(word=_word(said, sale), at=at, amounts=amounts)


def _word(trade: Trade, sale: Transaction) -> PaymentWord:
    if trade.state in (TradeState.UNPAID, TradeState.CLOSED):
        return _WORDS[trade.state]
    if trade.amount_fen and trade.amount_fen != sale.amount_fen:
        return PaymentWord.AMOUNT_DIFFERS
    ours_fen = sent_fen(sale)
    if trade.state is TradeState.REVERSED:
        return PaymentWord.PAID if ours_fen >= sale.amount_fen else PaymentWord.REVERSED
    if trade.refunded_fen is None:
        # The channel says that it was refunded and not how much: where some of it is ours, all of it may be.
        gone = trade.state in (TradeState.REFUNDED, TradeState.PARTLY_REFUNDED)
        return PaymentWord.REFUNDED if gone and not ours_fen else _WORDS.get(trade.state, PaymentWord.PAID)
    if trade.refunded_fen <= ours_fen:
        return _WORDS.get(trade.state, PaymentWord.PAID)
    return PaymentWord.REFUNDED if trade.refunded_fen >= sale.amount_fen else PaymentWord.PARTLY_REFUNDED


def sent_fen(sale: Transaction) -> int:
    """What of the payment may have gone back by our own payouts."""
    return _sent(sale).aggregate(sum=Sum("amount_fen"))["sum"] or 0


def _sent(sale: Transaction) -> QuerySet[Execution]:
    sent = Execution.objects.filter(transaction_id=sale.pk, channel_account__channel=sale.channel)
    return sent.exclude(state__in=_NOT_SENT)
