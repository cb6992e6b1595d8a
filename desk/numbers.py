"""What a number typed by a person names: a refund, a sale, a payout, a phone. Every look-up runs on an index."""

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from core.numbers import as_kept, order_of_attempt, reference, refund_number, spellings
from core.personal_data import name_hash, phone_key, search_hash
from core.phones import NotAPhone, phone_number
from core.spreadsheets import from_cell
from desk.access import Scope
from refunds.models import Execution, Leg, RefundRequest
from terminals.models import Transaction

_REFUND_START = re.compile(r"^(?:RF-\d{0,6}(-\d*)?|\d{6}-\d*)$", re.IGNORECASE)
_TAIL = re.compile(r"^\d{4}$")
LONGEST = 64
_CARDS_SINCE = timedelta(days=90)
_SALES = 200
#: Fewer characters are the beginning or the end of too many receipts.
_LEAST = 4
#: A refund is called by its day's number alone for so long.
_LATELY_DAYS = 7


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
    # As the list's file has the numbers of an order's payments in one cell: any of them names it.
    text = text.split(" + ")[0]
    wanted = clean(text)
    refunds, sales = scope.requests(), scope.sales()
    if not wanted:
        return Found(refunds.none(), sales.none())
    refund = refund_number(text)
    if refund or _REFUND_START.match(wanted):
        start = refund or f"RF-{wanted.upper().removeprefix('RF-')}"
        # A range and not LIKE: the number's index is in byte order.
        return Found(
            refunds.filter(number__gte=start, number__lt=f"{start}~"), sales.none(), gettext("a refund number")
        )
    if phone := _phone(text):
        return Found(
            refunds.filter(customer_phone_hash=phone), sales.filter(payer_phone_hash=phone), gettext("a phone number")
        )
    if spelled := _as_stored(text, wanted, sales):
        wanted = spelled
    # Said of the sale as well as of the refund, so that the sale's indexes, which begin with the merchant, serve.
    merchant_id = scope.staff.merchant_id
    if sales.filter(order_no=wanted).exists():
        return Found(
            refunds.filter(transaction__order_no=wanted, transaction__merchant_id=merchant_id),
            sales.filter(order_no=wanted),
            gettext("a receipt number"),
        )
    for field, label in (
        ("channel_transaction_no", gettext("a channel number")),
        ("payment_no", gettext("a number sent to the channel")),
    ):
        if numbered := list(sales.filter(**{field: wanted}).values_list("pk", flat=True)[:_SALES]):
            # Of an order's later payment, too.
            in_parts = list(Leg.objects.filter(transaction_id__in=numbered).values_list("request_id", flat=True))
            of_refund = Q(transaction_id__in=numbered) | Q(pk__in=in_parts)
            return Found(refunds.filter(of_refund, merchant_id=merchant_id), sales.filter(pk__in=numbered), label)
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
    if wanted.isascii() and len(wanted) >= _LEAST and any(map(str.isdigit, wanted)):
        return _by_part(wanted, refunds, sales, merchant_id)
    if (known_as := name_hash(text)) and not any(map(str.isdigit, text)):
        return Found(
            refunds.filter(customer_name_hash=known_as, merchant_id=merchant_id),
            sales.none(),
            gettext("a customer's name"),
        )
    return Found(refunds.none(), sales.none())


def _by_part(wanted: str, refunds: QuerySet[RefundRequest], sales: QuerySet[Transaction], merchant_id: int) -> Found:
    """The end of a phone or card, the number of a day's refund, and the beginning or end of a receipt's number: all that the text
    can be. Each is looked up by itself, the sales of late first, for many end alike.
    """
    newest = sales.order_by("-paid_at").values_list("pk", flat=True)
    paid_by: list[UUID] = []
    mentioned, payers = Q(), Q()
    if _TAIL.match(wanted):
        tail = search_hash("phone_last4", wanted)
        # Many cards end alike: theirs are looked for where customers come back from, among the sales of late.
        payers = Q(payer_phone_last4_hash=tail) | Q(card_last4=wanted, paid_at__gte=Now() - _CARDS_SINCE)
        paid_by = list(newest.filter(payer_phone_last4_hash=tail)[:_SALES])
        # Both conditions lie on the refund itself, so that each can use its index.
        mentioned = Q(customer_phone_last4_hash=tail)
    receipts = _receipts(wanted, sales)
    if wanted.isdigit() and len(wanted) <= _LEAST + 1:
        today = timezone.localdate()
        days = (today - timedelta(days=back) for back in range(_LATELY_DAYS))
        mentioned |= Q(number__in=[f"RF-{day:%y%m%d}-{wanted}" for day in days])
    if paid_by or receipts:
        mentioned |= Q(transaction_id__in=[*paid_by, *receipts])
    if not mentioned:
        return Found(refunds.none(), sales.none())
    said = gettext("the last digits of a phone or card") if payers else ""
    if receipts:
        part = gettext("part of a receipt number")
        said = gettext("%(one)s, or %(other)s") % {"one": said, "other": part} if said else part
        payers |= Q(pk__in=receipts)
    found = sales.filter(payers) if payers else sales.none()
    return Found(refunds.filter(mentioned, merchant_id=merchant_id), found, said)


def _receipts(wanted: str, sales: QuerySet[Transaction]) -> list[UUID]:
    """Sales whose receipt begins or ends so, in any case: ranges of the number's indexes, which are in byte order."""
    found: dict[UUID, None] = {}
    for form in spellings(wanted):
        begins = sales.filter(order_no__gte=form, order_no__lt=f"{form}\U0010ffff").order_by("order_no")
        back = form[::-1]
        ends = sales.filter(order_end__gte=back, order_end__lt=f"{back}\U0010ffff").order_by("order_end")
        for rows in (begins, ends):
            found |= dict.fromkeys(rows.values_list("pk", flat=True)[:_SALES])
    return list(found)[:_SALES]


def _phone(text: str) -> bytes | None:
    """The hash of a mobile number or one from abroad; digits that begin with 0 or 4 are more often a receipt's."""
    try:
        number = phone_number(from_cell(text))
    except NotAPhone:
        return None
    return search_hash("phone", phone_key(number)) if number.startswith(("1", "+")) else None


def _as_stored(text: str, wanted: str, sales: QuerySet[Transaction]) -> str:
    """The number as the till wrote it, where that has blanks in it or a person wrote it in another case."""
    spelled = {*spellings(wanted), *spellings(as_kept(text))} - {wanted}
    if not spelled or sales.filter(order_no=wanted).exists():
        return ""
    return sales.filter(order_no__in=spelled).values_list("order_no", flat=True).first() or ""
