"""What a number typed by a person names: a refund, a sale, a payout, a phone. Every look-up runs on an index."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext

from core.numbers import order_of_attempt, reference, refund_number, spellings
from core.personal_data import phone_key, search_hash
from core.phones import NotAPhone, phone_number
from core.spreadsheets import from_cell
from desk.access import Scope
from refunds.models import Execution, RefundRequest
from terminals.models import Transaction

_REFUND_START = re.compile(r"^RF-\d{0,6}(-\d*)?$", re.IGNORECASE)
_TAIL = re.compile(r"^\d{4}$")
LONGEST = 64
_CARDS_SINCE = timedelta(days=90)
_SALES = 200


@dataclass(frozen=True, slots=True)
class Found:
    """Refunds and sales that the text can mean, and what it was taken for. Both stay unevaluated."""

    refunds: QuerySet[RefundRequest]
    sales: QuerySet[Transaction]
    recognised: str = ""


def clean(text: str) -> str:
    """The text as it is looked up: without blanks, as numbers are read out and pasted, and marks that nobody sees."""
    return reference(text)[:LONGEST]


def recognise(text: str, *, scope: Scope) -> Found:
    """What the text names among what this person may know of. Nothing for an empty text."""
    wanted = clean(text)
    refunds, sales = scope.requests(), scope.sales()
    if not wanted:
        return Found(refunds.none(), sales.none())
    refund = refund_number(text)
    if refund or _REFUND_START.match(wanted):
        start = refund or wanted.upper()
        # A range and not LIKE: the number's index is in byte order.
        return Found(
            refunds.filter(number__gte=start, number__lt=f"{start}~"), sales.none(), gettext("a refund number")
        )
    if phone := _phone(text):
        return Found(
            refunds.filter(customer_phone_hash=phone), sales.filter(payer_phone_hash=phone), gettext("a phone number")
        )
    if spelled := _as_stored(wanted, sales):
        wanted = spelled
    # Said of the sale as well as of the refund, so that the sale's indexes, which begin with the merchant, serve.
    merchant_id = scope.staff.merchant_id
    if sales.filter(order_no=wanted).exists():
        return Found(
            refunds.filter(transaction__order_no=wanted, transaction__merchant_id=merchant_id),
            sales.filter(order_no=wanted),
            gettext("a receipt number"),
        )
    if sales.filter(channel_transaction_no=wanted).exists():
        named = Q(channel_transaction_no=wanted)
        return Found(
            refunds.filter(transaction__channel_transaction_no=wanted, transaction__merchant_id=merchant_id),
            sales.filter(named),
            gettext("a channel number"),
        )
    payouts = Execution.objects.filter(Q(refund_no=wanted) | Q(channel_refund_no=wanted))
    if paid := list(refunds.filter(pk__in=payouts.values("request_id")).values_list("pk", flat=True)[:10]):
        return Found(refunds.filter(pk__in=paid), sales.none(), gettext("a number sent to the channel"))
    order_no = order_of_attempt(wanted)
    if order_no and sales.filter(order_no__in=spellings(order_no)).exists():
        named_so = spellings(order_no)
        return Found(
            refunds.filter(transaction__order_no__in=named_so, transaction__merchant_id=merchant_id),
            sales.filter(order_no__in=named_so),
            gettext("a number of one attempt to pay"),
        )
    if _TAIL.match(wanted):
        tail = search_hash("phone_last4", wanted)
        # Many cards end alike: theirs are looked for where customers come back from, among the sales of late.
        card = Q(card_last4=wanted, paid_at__gte=Now() - _CARDS_SINCE)
        paid_by = sales.filter(payer_phone_last4_hash=tail).order_by("-paid_at").values_list("pk", flat=True)[:_SALES]
        # Both conditions lie on the refund itself, so that each can use its index.
        mentioned = Q(customer_phone_last4_hash=tail) | Q(transaction_id__in=list(paid_by))
        return Found(
            refunds.filter(mentioned),
            sales.filter(Q(payer_phone_last4_hash=tail) | card),
            gettext("the last digits of a phone or card"),
        )
    return Found(refunds.none(), sales.none())


def _phone(text: str) -> bytes | None:
    """The hash of a mobile number or one from abroad; digits that begin with 0 or 4 are more often a receipt's."""
    try:
        number = phone_number(from_cell(text))
    except NotAPhone:
        return None
    return search_hash("phone", phone_key(number)) if number.startswith(("1", "+")) else None


def _as_stored(wanted: str, sales: QuerySet[Transaction]) -> str:
    """The number as the till wrote it, where a person wrote it in another case."""
    spelled = {wanted, wanted.upper(), wanted.lower()} - {wanted}
    if not spelled or sales.filter(order_no=wanted).exists():
        return ""
    return sales.filter(order_no__in=spelled).values_list("order_no", flat=True).first() or ""
