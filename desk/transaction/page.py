"""What the page of a sale shows. Amounts in fen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from core.money import yuan_grouped
from desk import rows
from desk.filters import Choice
from desk.refund.sale import till_label
from desk.rows import EqualSale, RefundRow, SaleRow
from desk.transaction.correction import Corrected, CorrectionForm, corrected
from merchants import channels
from refunds.models import RefundRequest
from refunds.payouts import contradictions
from refunds.rules import explanations, payment, worth
from refunds.telling.destinations import destination_label
from terminals import confirming
from terminals.models import CONFIRMING, Deposit, PaymentWord, Transaction, TransactionLine
from terminals.versions import corrections_of

#: As many corrections of one sale are listed.
_CORRECTIONS = 20


@dataclass(frozen=True, slots=True)
class Article:
    """A line of the receipt. ``worth_fen`` is its share of what was paid, nothing for what cannot come back."""

    article: TransactionLine
    worth_fen: int | None


@dataclass(frozen=True, slots=True)
class HandPayout:
    """A payout that a person is about to make, and where they say what came of it."""

    text: str
    number: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why finance holds the sale; ``findings`` for whoever may end it. ``by_hand`` is what nobody should pay meanwhile."""

    texts: Sequence[str]
    by_hand: Sequence[HandPayout]
    findings: Sequence[Choice]
    end_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the channel says of the payment. ``word`` is empty where it never said anything; ``unanswered_at`` is the last
    question, where there is no answer to it; ``ask_url`` is empty for who may not ask.
    """

    word: str
    tone: str
    sentence: str
    said_at: datetime | None
    age: str
    amount_fen: int | None
    refunded_fen: int | None
    unanswered_at: datetime | None
    account: str
    ask_url: str
    adopt_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Another payment of the order."""

    channel: str
    channel_label: str
    url: str
    paid_fen: int
    refundable_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPage:
    """Three parts of one bar: paid back, ``under_way_fen``, left. ``correction`` is None for who may not correct it."""

    hold: Hold | None
    asked: Asked | None
    equal: Sequence[EqualSale]

    sale: SaleRow
    channel_label: str
    destination_label: str
    channel_no: str
    payment_no: str
    till_label: str
    till_url: str
    reporter_label: str
    payer_paid_fen: int | None
    deposit: Deposit | None
    under_way_fen: int
    lines: Sequence[Article]
    refunds: Sequence[RefundRow]
    correction: CorrectionForm | None
    corrected: Sequence[Corrected]
    others: Sequence[Payment]


_REFUNDED_THERE = (PaymentWord.REFUNDED, PaymentWord.PARTLY_REFUNDED)


def asked_of(sale: Transaction, *, may_ask: bool, may_adopt: bool, at: datetime) -> Asked | None:
    """None for a sale that no channel could be asked about."""
    if sale.channel_account is None:
        return None
    word = sale.payment_word
    return Asked(
        word=str(PaymentWord(word).label) if word else "",
        tone="ok" if word in CONFIRMING else "warn",
        sentence=explanations.payment_sentence(word) if word else "",
        said_at=sale.payment_word_at,
        age=age_label(at - sale.payment_word_at) if sale.payment_word_at else "",
        amount_fen=sale.payment_word_amounts.get("amount_fen"),
        refunded_fen=sale.payment_word_amounts.get("refunded_fen"),
        unanswered_at=sale.asked_at if confirming.no_answer_since(sale) else None,
        account=sale.channel_account.code,
        ask_url=reverse("desk:ask-channel", args=[sale.pk]) if may_ask else "",
        adopt_url=reverse("desk:adopt-of-sale", args=[sale.pk]) if may_adopt and word in _REFUNDED_THERE else "",
    )


def age_label(age: timedelta) -> str:
    """How long ago, as a person says it."""
    minutes = int(age.total_seconds()) // 60
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return ngettext("%(n)s minute ago", "%(n)s minutes ago", minutes) % {"n": minutes}
    if minutes < 48 * 60:
        return ngettext("%(n)s hour ago", "%(n)s hours ago", minutes // 60) % {"n": minutes // 60}
    return ngettext("%(n)s day ago", "%(n)s days ago", minutes // 1440) % {"n": minutes // 1440}


def hold_of(sale: Transaction, *, may_end: bool) -> Hold:
    text = gettext(
        "%(channel)s called payout %(payout)s of %(number)s refused, and then paid (¥%(amount)s). "
        "Nothing more leaves for this sale until finance has looked."
    )
    by_hand = gettext(
        "%(number)s waits to be paid by hand (¥%(amount)s): do not pay it. Where nobody has, say there that the channel has paid "
        "it meanwhile, before the hold is ended; where somebody has, it was paid twice."
    )
    payouts = contradictions.contradicted(sale)
    waiting = contradictions.waiting_by_hand(sale) if payouts else []
    findings = [item for item in contradictions.Finding if bool(payouts) != (item is contradictions.Finding.CLEARED)]
    said = explanations.payment_sentence(sale.payment_word) if payment.is_contradiction(sale.payment_word) else ""
    if not payouts and not said:
        said = gettext(
            "What the channel says of this order does not fit together: a payout is called paid and then not, or another payment "
            "does not fit. Nothing more leaves meanwhile."
        )
    return Hold(
        texts=[said] * (not payouts)
        + [
            text
            % {
                "channel": channels.label(payout.transaction.channel),
                "payout": payout.refund_no,
                "number": payout.request.number,
                "amount": yuan_grouped(payout.amount_fen),
            }
            for payout in payouts
        ],
        by_hand=[
            HandPayout(
                by_hand % {"number": one.request.number, "amount": yuan_grouped(one.amount_fen)},
                one.request.number,
                reverse("desk:pay-by-hand", args=[one.request.number]),
            )
            for one in waiting
        ],
        findings=[Choice(item.value, str(item.label)) for item in findings] if may_end else [],
        end_url=reverse("desk:end-hold", args=[sale.pk]),
    )


def transaction_page(
    found: Transaction,
    *,
    refunds: Sequence[RefundRequest],
    equal: Sequence[EqualSale],
    others: Sequence[Transaction],
    correction: CorrectionForm | None,
    till_url: str,
    at: datetime,
    asked: Asked | None,
    hold: Hold | None = None,
) -> TransactionPage:
    """``refunds`` are ``lean``; ``others`` are the other payments of the order."""
    return TransactionPage(
        hold=hold,
        asked=asked,
        equal=equal,
        sale=rows.sale(found),
        channel_label=channels.label(found.channel),
        destination_label=destination_label(sale=found),
        payer_paid_fen=found.payer_paid_fen,
        deposit=getattr(found, "deposit", None),
        channel_no=found.channel_transaction_no,
        payment_no=found.payment_no,
        till_label=till_label(found.terminal),
        till_url=till_url,
        reporter_label=found.reported_by,
        under_way_fen=found.reserved_fen - found.refunded_fen,
        lines=[
            Article(line, line.worth_fen if worth.can_come_back(line) else None) for line in worth.with_worth(found)
        ],
        refunds=rows.refunds(refunds, at=at),
        correction=correction,
        corrected=corrected(list(corrections_of(found)[:_CORRECTIONS])) if found.corrected_at else (),
        others=[
            Payment(
                channel=one.channel,
                channel_label=channels.label(one.channel),
                url=reverse("desk:transaction", args=[one.pk]),
                paid_fen=one.amount_fen,
                refundable_fen=one.refundable_fen,
            )
            for one in others
        ],
    )
