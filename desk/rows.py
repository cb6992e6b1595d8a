"""Rows of the lists, and their pager, as the templates show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext

from core.personal_data import mask_phone
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.keyset import Capped, Page
from desk.people import Person, person
from merchants import policies
from refunds.facts import charges, delay, plans
from refunds.models import RefundRequest
from refunds.review import decidable
from refunds.rules.floor import DELAY_DAYS
from refunds.states import RELEASED, Reason, State
from refunds.telling import legs, payout_words
from terminals.models import Transaction, TransactionStatus

#: What a row of refunds shows. Sealed fields stay closed: opening them costs, and no list needs them.
_SHOWN = (
    "number",
    "channel",
    "state",
    "version",
    "reason",
    "cashier",
    "amount_fen",
    "approved_fen",
    "verdict",
    "tier",
    "policy_version_id",
    "due_at",
    "paused_at",
    "created_at",
    "updated_at",
    "succeeded_at",
    "store__name",
    "transaction__amount_fen",
    "transaction__order_no",
    "decided_at",
    "route",
    "leg_count",
    "transaction__channel",
    "transaction__funding",
    "transaction__channel_account__channel",
    "transaction__channel_account__profile_overrides",
    "transaction__channel_account__measured",
    "claimed_by__name",
    *decidable.NEEDS,
)


def lean(rows: QuerySet[RefundRequest]) -> QuerySet[RefundRequest]:
    """The rows with what lists show, in one statement."""
    return rows.select_related("store", "transaction__channel_account", "claimed_by").only(*_SHOWN)


def stamp(request: RefundRequest) -> str:
    """Changes whenever a colleague did something: the version does not count who has claimed it."""
    return f"{request.version}-{request.claimed_by_id or 0}"


def alerts(request: RefundRequest, *, at: datetime) -> list[str]:
    """What must not be overlooked: its time ran out and it went up, or it takes so long that the law will call it delay."""
    found = []
    if request.state == State.IN_REVIEW and request.escalated_at is not None:
        found.append(gettext("Escalated"))
    if delay.is_long(request, at=at):
        day = min((at - request.created_at).days, 999)
        found.append(gettext("Day %(day)s of %(most)s") % {"day": day, "most": DELAY_DAYS})
    return found


def target_s(request: RefundRequest) -> int:
    """The whole time allowed for the decision, in seconds."""
    return max(60, int((request.due_at - request.created_at).total_seconds()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRow:
    """A refund in a list; nobody ``owner``, no ``ended_at`` before it has ended. ``late``: the money should be there by now."""

    refund: RefundRequest
    number: str
    url: str
    channels: Sequence[str]
    reason_label: Promise | str
    amount_fen: int
    state_label: Promise | str
    late: str
    ended_at: datetime | None
    owner: Person | None


def refunds(requests: Iterable[RefundRequest], *, at: datetime) -> list[RefundRow]:
    """Rows of all refunds. They are ``lean``."""
    requests = list(requests)
    payments = plans.payments_of(requests)
    return [
        RefundRow(
            refund=request,
            number=request.number,
            url=refund_url(request.number),
            channels=legs.channels_of(request, payments.get(request.pk, ())),
            reason_label=Reason(request.reason).label,
            amount_fen=request.approved_fen or request.amount_fen,
            state_label=State(request.state).label,
            late=late(request, at=at),
            ended_at=request.succeeded_at or (request.updated_at if request.state in RELEASED else None),
            owner=person(request.claimed_by),
        )
        for request in requests
    ]


def late(request: RefundRequest, *, at: datetime) -> str:
    """That a payout under way is overdue, and when it is expected now; nothing while what was promised holds. It is ``lean``."""
    waited = payout_words.waits(request, now=at)
    if waited is None or not waited.overdue:
        return ""
    return gettext("overdue; expected by %(day)s") % {"day": payout_words.day_of(waited.expected_at)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRow:
    """A sale in a list; ``refund_url`` is empty where nothing of it can be refunded."""

    id: UUID
    number: str
    url: str
    paid_at: datetime
    channel: str
    channel_number: str
    store_name: str
    terminal_code: str
    cashier_label: str
    payer_masked: str
    paid_fen: int
    refunded_fen: int
    refundable_fen: int
    state_label: str
    tone: str
    refund_url: str


def sales(found: Iterable[Transaction]) -> list[SaleRow]:
    """Rows of sales. They come with store, terminal and payer's phone."""
    return [sale(row) for row in found]


def sale(row: Transaction) -> SaleRow:
    refundable = row.status == TransactionStatus.SUCCESS and row.refundable_fen > 0
    label, tone = sale_state(row)
    return SaleRow(
        id=row.pk,
        number=row.order_no,
        url=reverse("desk:transaction", args=[row.pk]),
        paid_at=row.paid_at,
        channel=row.channel,
        channel_number=row.channel_transaction_no,
        store_name=row.store.name,
        terminal_code=row.terminal.code if row.terminal else "",
        cashier_label=row.cashier,
        payer_masked=payer(row),
        paid_fen=row.amount_fen,
        refunded_fen=row.refunded_fen,
        refundable_fen=row.refundable_fen,
        state_label=label,
        tone=tone,
        refund_url=with_query(reverse("desk:new"), sale=str(row.pk)) if refundable else "",
    )


def payer(row: Transaction) -> str:
    """Enough of the payer to recognise them by: the card's or the phone's end."""
    return f"**** {row.card_last4}" if row.card_last4 else mask_phone(row.payer_phone)


@dataclass(frozen=True, slots=True)
class EqualSale:
    """A payment that looks like the same one charged again; ``goes_back``: refunds of it were asked for or paid."""

    number: str
    url: str
    paid_at: datetime
    goes_back: bool


def equal_sales(row: Transaction, *, scope: Scope, at: datetime) -> list[EqualSale]:
    """Equal payments close by, where this person may see them."""
    minutes = policies.rules_in_force(merchant_id=row.merchant_id, at=at).charged_twice_minutes
    found = charges.equal_to(transaction_id=row.pk, minutes=minutes)
    seen = (
        set(scope.sales().filter(pk__in=[charge.id for charge in found]).values_list("pk", flat=True)) if found else ()
    )
    return [
        EqualSale(
            charge.order_no or charge.channel_transaction_no,
            reverse("desk:transaction", args=[charge.id]),
            charge.paid_at,
            charge.goes_back,
        )
        for charge in found
        if charge.id in seen
    ]


def sale_state(row: Transaction) -> tuple[str, str]:
    """In words, and its tone."""
    if row.status != TransactionStatus.SUCCESS:
        return str(TransactionStatus(row.status).label), "warn"
    if row.refunded_fen == row.amount_fen:
        return gettext("Refunded in full"), ""
    if row.reserved_fen > row.refunded_fen:
        return gettext("Refund under way"), "info"
    if row.refunded_fen:
        return gettext("Refunded in part"), "info"
    return gettext("Paid"), "ok"


@dataclass(frozen=True, slots=True)
class Pager:
    """Which rows of how many are shown, and the pages before and after; an empty address: there is none."""

    first: int
    last: int
    total: Capped
    prev_url: str
    next_url: str


def pager(found: Page[Any], *, total: Capped, path: str, query: QueryDict) -> Pager:
    def turned_to(cursor: str) -> str:
        return with_query(path, query, c=cursor) if cursor else ""

    return Pager(found.first, found.last, total, turned_to(found.prev_cursor), turned_to(found.next_cursor))
