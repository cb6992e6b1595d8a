"""Rows of the lists, as their templates show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from core.personal_data import mask_phone
from desk import presence, verdicts
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.keyset import Capped, Page
from desk.people import person
from merchants.models import Staff
from refunds.models import Evidence, RefundRequest
from refunds.review import decidable
from refunds.states import RELEASED, UNDECIDED, Reason, State
from terminals.models import Transaction, TransactionStatus

#: What a row of refunds shows. Sealed fields stay closed: opening them costs, and no list needs them.
_SHOWN = (
    "number",
    "channel",
    "state",
    "version",
    "reason",
    "amount_fen",
    "approved_fen",
    "verdict",
    "tier",
    "policy_version_id",
    "due_at",
    "created_at",
    "updated_at",
    "succeeded_at",
    "store__name",
    "transaction__amount_fen",
    "transaction__order_no",
    "claimed_by__name",
    *decidable.NEEDS,
)


def lean(rows: QuerySet[RefundRequest]) -> QuerySet[RefundRequest]:
    """The rows with what lists show, in one statement."""
    return rows.select_related("store", "transaction", "claimed_by").only(*_SHOWN)


def queue(
    requests: Sequence[RefundRequest],
    *,
    staff: Staff,
    at: datetime,
    query: QueryDict,
    selected: str,
    refused: Mapping[UUID, str],
) -> list[dict[str, Any]]:
    """Rows of the review desk; each preview knows where the desk goes on after a decision in it: where one can decide.

    ``refused`` says why, of those that this person may not decide.
    """
    ids = [request.pk for request in requests]
    counted = Evidence.objects.filter(request_id__in=ids).order_by().values_list("request_id").annotate(Count("pk"))
    evidence: Mapping[UUID, int] = dict(counted)
    looking = presence.viewers(request_ids=ids, but=staff, at=at)
    following = _following(requests, staff, refused)
    return [
        {
            **_queue_row(request),
            **queue_addresses(request.number, query, following=after),
            "current": request.number == selected,
            "evidence_count": evidence.get(request.pk, 0),
            "viewers": looking.get(request.pk, []),
            "blocked": refused.get(request.pk, ""),
        }
        for request, after in zip(requests, following, strict=False)
    ]


def is_theirs(request: RefundRequest, staff: Staff, refused: Mapping[UUID, str]) -> bool:
    """Whether nothing keeps this person from working on it: neither a rule nor a colleague who does."""
    return request.claimed_by_id in (None, staff.pk) and request.pk not in refused


def _following(requests: Sequence[RefundRequest], staff: Staff, refused: Mapping[UUID, str]) -> list[str]:
    """For every row the next one that is this person's to work on, "" for none."""
    following = [""] * len(requests)
    after = ""
    for index in range(len(requests) - 1, -1, -1):
        following[index] = after
        request = requests[index]
        if is_theirs(request, staff, refused):
            after = request.number
    return following


def queue_addresses(number: str, query: QueryDict, *, following: str) -> dict[str, str]:
    """Where a row of the desk leads: its page, its preview, the desk with it selected, the desk after a decision."""
    desk = reverse("desk:queue")
    return_to = with_query(desk, query, c=query.get("c", ""), selected=following)
    return {
        "url": with_query(refund_url(number), query),
        "pane_url": with_query(refund_url(number, "pane"), query, c=query.get("c", ""), next=following),
        "select_url": with_query(desk, query, c=query.get("c", ""), selected=number),
        "return_to": return_to,
    }


def _queue_row(request: RefundRequest) -> dict[str, Any]:
    paid = request.transaction.amount_fen
    amount = request.approved_fen or request.amount_fen
    undecided = State(request.state) in UNDECIDED
    return {
        "number": request.number,
        "channel": request.channel,
        "store_name": request.store.name,
        "reason_label": Reason(request.reason).label,
        "amount_fen": amount,
        "paid_fen": paid,
        "is_full": amount == paid,
        "decision": request.verdict["decision"],
        "tier": verdicts.tier_level(request),
        "state": str(request.state),
        "state_label": State(request.state).label,
        "due_at": request.due_at if undecided else None,
        "target_s": target_s(request),
        "paused": request.state == State.NEEDS_INFO,
        "owner": person(request.claimed_by),
        "version": request.version,
        "stamp": stamp(request),
        "why": verdicts.why(request.verdict["rules"]) if undecided else "",
    }


def stamp(request: RefundRequest) -> str:
    """Changes whenever a colleague did something: the version does not count who has claimed it."""
    return f"{request.version}-{request.claimed_by_id or 0}"


def target_s(request: RefundRequest) -> int:
    """The whole time allowed for the decision, in seconds."""
    return max(60, int((request.due_at - request.created_at).total_seconds()))


def refunds(requests: Iterable[RefundRequest]) -> list[dict[str, Any]]:
    """Rows of all refunds."""
    return [
        {
            "number": request.number,
            "url": refund_url(request.number),
            "created_at": request.created_at,
            "channel": request.channel,
            "store_name": request.store.name,
            "sale_number": request.transaction.order_no,
            "reason_label": Reason(request.reason).label,
            "amount_fen": request.approved_fen or request.amount_fen,
            "state": str(request.state),
            "state_label": State(request.state).label,
            "ended_at": _ended_at(request),
            "owner": person(request.claimed_by),
        }
        for request in requests
    ]


def _ended_at(request: RefundRequest) -> datetime | None:
    if request.succeeded_at is not None:
        return request.succeeded_at
    return request.updated_at if request.state in RELEASED else None


def sales(found: Iterable[Transaction]) -> list[dict[str, Any]]:
    """Rows of transactions. They come with store, terminal and payer's phone."""
    return [sale(row) for row in found]


def sale(row: Transaction) -> dict[str, Any]:
    refundable = row.status == TransactionStatus.SUCCESS and row.refundable_fen > 0
    label, tone = _sale_state(row)
    return {
        "number": row.order_no,
        "url": reverse("desk:transaction", args=[row.pk]),
        "order_no": row.order_no,
        "paid_at": row.paid_at,
        "channel": row.channel,
        "store_name": row.store.name,
        "terminal_code": row.terminal.code if row.terminal else "",
        "cashier_label": row.cashier,
        "payer_masked": payer_masked(row),
        "paid_fen": row.amount_fen,
        "refunded_fen": row.refunded_fen,
        "refundable_fen": row.refundable_fen,
        "state_label": label,
        "tone": tone,
        "refund_url": with_query(reverse("desk:new"), sale=str(row.pk)) if refundable else "",
    }


def payer_masked(row: Transaction) -> str:
    """Enough of the payer to recognise them by: the card's or the phone's end."""
    if row.card_last4:
        return f"**** {row.card_last4}"
    return mask_phone(row.payer_phone)


def _sale_state(row: Transaction) -> tuple[str, str]:
    if row.status != TransactionStatus.SUCCESS:
        return str(TransactionStatus(row.status).label), "warn"
    if row.refunded_fen == row.amount_fen:
        return gettext("Refunded in full"), ""
    if row.reserved_fen > row.refunded_fen:
        return gettext("Refund under way"), "info"
    if row.refunded_fen:
        return gettext("Refunded in part"), "info"
    return gettext("Paid"), "ok"


def pager(found: Page[Any], *, total: Capped, path: str, query: QueryDict) -> dict[str, Any]:
    return {
        "first": found.first,
        "last": found.last,
        "total": total,
        "prev_url": with_query(path, query, c=found.prev_cursor) if found.prev_cursor else "",
        "next_url": with_query(path, query, c=found.next_cursor) if found.next_cursor else "",
    }
