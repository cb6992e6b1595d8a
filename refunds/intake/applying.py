"""A customer applies by themselves: two facts find the sale, its phone proves who asks, and the rest is as for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import QuerySet

from core.calendar import SHANGHAI
from core.errors import Invalid, NotFound
from core.personal_data import phone_hashes
from core.phones import NotAPhone, phone_number
from core.plain_text import plain_text
from merchants import principals
from merchants.models import Store
from refunds.evidence import files
from refunds.evidence.files import Picture
from refunds.intake import submitting
from refunds.intake.claims import Customer, Draft
from refunds.models import RefundRequest
from refunds.states import Reason
from terminals import orders
from terminals.finding import check_two_facts, narrow
from terminals.models import REPORTED_KINDS, Transaction

#: What a customer may give as the reason; the others are found out by the store.
REASONS = (
    Reason.QUALITY,
    Reason.NOT_AS_DESCRIBED,
    Reason.SERVICE_FAILURE,
    Reason.WRONG_AMOUNT,
    Reason.DUPLICATE_CHARGE,
    Reason.CUSTOMER_CANCELLED,
    Reason.NO_REASON,
)


class NoSuchSale(NotFound, code="no_such_sale"):
    """No sale, or more than one, fits all that was given; which fact was wrong is not told."""

    status = 422


class PhoneNeeded(Invalid, code="phone_needed"):
    """The sale has no phone, and none was given that can be texted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleFacts:
    """What a customer knows of their sale; empty is not known. Two facts at least."""

    order_no: str = ""
    amount_fen: int | None = None
    paid_on: date | None = None
    card_last4: str = ""
    phone_last4: str = ""

    def given(self) -> list[str]:
        names = ("order_no", "amount_fen", "paid_on", "card_last4", "phone_last4")
        return [name for name in names if getattr(self, name)]


def find(*, facts: SaleFacts, store: Store, transaction_id: UUID | None = None) -> Transaction:
    """The one sale of the store that all the facts fit. Raises ``Invalid`` for fewer than two, ``NoSuchSale``.

    ``transaction_id`` is what the receipt's own code says; the facts must fit it all the same. Of an order with several payments
    the amount may be what they come to, as receipts say it.
    """
    check_two_facts(facts.given())
    wanted: dict[str, object] = {
        "order_no": facts.order_no,
        "amount_fen": facts.amount_fen,
        "card_last4": facts.card_last4,
        "phone_last4": facts.phone_last4,
    }
    if facts.paid_on is not None:
        day = datetime.combine(facts.paid_on, time(), SHANGHAI)
        wanted |= {"paid_after": day, "paid_before": day + timedelta(days=1)}
    sales = _sales(store, transaction_id).select_related("store", "merchant").order_by("pk")
    rows = list(narrow(sales, wanted=wanted)[:_PAYMENTS])
    if not rows and facts.order_no and facts.amount_fen:
        parts = list(narrow(sales, wanted={**wanted, "amount_fen": None})[:_PAYMENTS])
        rows = [one for one in parts if facts.amount_fen == sum(paid.amount_fen for paid in _paid(one))]
    known = {bytes(one.payer_phone_hash) for one in rows if one.payer_phone_hash}
    orders_found = {(one.order_no, one.order_date) for one in rows}
    if len(orders_found) != 1 or len(known) > 1:
        raise NoSuchSale("no sale fits all of it")
    return next((one for one in rows if one.payer_phone), rows[0])


#: More than one order has.
_PAYMENTS = 20


def _paid(sale: Transaction) -> list[Transaction]:
    return [one for one in orders.siblings(sale) if one.status == "success"]


def _sales(store: Store, transaction_id: UUID | None) -> QuerySet[Transaction]:
    rows = Transaction.objects.filter(
        merchant_id=store.merchant_id, store=store, kind__in=REPORTED_KINDS, status="success"
    )
    return rows if transaction_id is None else rows.filter(pk=transaction_id)


def phone_of(sale: Transaction, *, typed: str) -> str:
    """Where the code goes: the sale's own phone and no other; only where it has none, the one that was typed. Raises
    ``PhoneNeeded``.
    """
    if sale.payer_phone:
        return sale.payer_phone
    try:
        phone = phone_number(typed)
    except NotAPhone as error:
        raise PhoneNeeded("give a phone that can be texted") from error
    known = sale.payer_phone_last4_hash
    if known is not None and bytes(known) != phone_hashes(phone)[1]:
        raise NoSuchSale("the phone is not the sale's")
    return phone


def apply(
    *,
    transaction_id: UUID,
    phone: str,
    amount_fen: int,
    reason: str,
    description: str,
    consent: bool,
    pictures: Mapping[str, Sequence[Picture]],
    locale: str,
    at: datetime,
) -> RefundRequest:
    """Ask for a refund as the customer who holds ``phone``: by the way it was paid, under the policy and limits of everybody.

    ``pictures`` by kind of evidence. Raises ``Invalid`` without consent or for a reason that is not a customer's to give, and
    what ``submit`` raises.
    """
    sale = Transaction.objects.filter(pk=transaction_id).first()
    if sale is None:
        raise NoSuchSale("there is no such sale")
    if reason not in REASONS:
        raise Invalid("choose a reason", code="reason_required")
    if not consent:
        raise Invalid("the customer has to agree", code="consent_needed")
    by = principals.of_applicant(merchant_id=sale.merchant_id, store_id=sale.store_id, sale_id=sale.pk)
    evidence = [
        row.pk
        for kind, read in pictures.items()
        if read
        for row in files.send_ahead(pictures=read, kind=kind, by=by, at=at)
    ]
    draft = Draft(
        amount_fen=amount_fen,
        reason=reason,
        transaction_id=sale.pk,
        whole_order=True,
        description=plain_text(description, limit=1000),
        customer=Customer(phone=phone, locale=locale),
        customer_consent=True,
        evidence=evidence,
    )
    return submitting.submit(draft=draft, by=by, at=at).request
