"""Stage 3, review: a person decides. Claiming is a courtesy between colleagues; the version is the lock."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.audit.record import record
from core.errors import Conflict, Forbidden, Invalid
from merchants import policies
from merchants.models import Staff
from refunds import lifecycle, permissions, routes
from refunds.models import Approval, RefundRequest
from refunds.models.approval import Decision
from refunds.models.execution import new_execution
from refunds.payout_method import MethodChoice, choose_method
from refunds.states import OPEN_FOR_REVIEW, RejectReason, State
from terminals.models import Transaction

#: So many candidates are looked at one by one; the query leaves few that one may not decide.
_LOOKED_AT = 200


class ClaimedByAnother(Conflict):
    """A colleague is working on it."""

    code = "claimed_by_another"


@transaction.atomic
def claim(*, request_id: UUID, by: Staff, at: datetime, version: int | None = None) -> RefundRequest:
    """Take a request onto one's own desk. Taking one's own again changes nothing. ``version``: the one that was seen."""
    permissions.check_may_review(by)
    request = lifecycle.lock_requests([request_id])[request_id]
    _check_version(request, request.version if version is None else version)
    if request.state not in OPEN_FOR_REVIEW:
        raise lifecycle.WrongState(
            "only a request in review can be claimed", state=request.state, version=request.version
        )
    if request.claimed_by_id == by.pk:
        return request
    if request.claimed_by_id is not None:
        raise ClaimedByAnother("a colleague is working on this request", state=request.state, version=request.version)
    # What one may not decide would only be kept from those who may.
    permissions.check_may_decide(staff=by, request=request, amount_fen=request.amount_fen, at=at)
    RefundRequest.objects.filter(pk=request.pk).update(claimed_by=by, claimed_at=at)
    request.claimed_by, request.claimed_at = by, at
    _record(request, by, "refund.claim", at)
    return request


@transaction.atomic
def release(*, request_id: UUID, by: Staff, at: datetime) -> RefundRequest:
    """Give a claimed request back to the queue. Managers may release for others."""
    permissions.check_may_review(by)
    request = lifecycle.lock_requests([request_id])[request_id]
    if request.claimed_by_id is None:
        return request
    if request.claimed_by_id != by.pk and by.role == "reviewer":
        raise Forbidden("only a manager may release a colleague's request", code="role_required")
    RefundRequest.objects.filter(pk=request.pk).update(claimed_by=None, claimed_at=None)
    request.claimed_by = request.claimed_at = None
    _record(request, by, "refund.release", at)
    return request


@transaction.atomic
def claim_next(*, by: Staff, at: datetime) -> RefundRequest | None:
    """Claim the unclaimed request whose time is shortest of those that this person may decide; None when there is none."""
    permissions.check_may_review(by)
    waiting = RefundRequest.objects.filter(merchant_id=by.merchant_id, state=State.IN_REVIEW, claimed_by=None)
    stores = list(by.stores.values_list("pk", flat=True))
    if stores:
        waiting = waiting.filter(store_id__in=stores)
    candidates = waiting.filter(permissions.decidable(staff=by, at=at)).order_by("due_at", "pk")
    for found in candidates[:_LOOKED_AT]:
        # The query knows amounts and plain facts; this is the rule.
        if not permissions.may_decide(staff=by, request=found, at=at):
            continue
        if waiting.filter(pk=found.pk).select_for_update(skip_locked=True, of=("self",)).exists():
            return claim(request_id=found.pk, by=by, at=at)
    return None


@transaction.atomic
def approve(
    *, request_id: UUID, by: Staff, at: datetime, version: int, amount_fen: int | None = None, note: str = ""
) -> RefundRequest:
    """Approve all or less of what was asked for; the payout is made ready in the same commit."""
    request = _open_request(request_id, by, version)
    amount = request.amount_fen if amount_fen is None else amount_fen
    if not 0 < amount <= request.amount_fen:
        raise Invalid("the approved amount is above what was asked for", code="amount_above_requested")
    permissions.check_may_decide(staff=by, request=request, amount_fen=amount, at=at)
    account_id = _account_of(request)
    approved = lifecycle.advance(
        request_id,
        "approve",
        by=by.actor,
        at=at,
        expected_version=version,
        data={"amount_fen": amount, "note": note, "tier": _tier(request, amount, at)},
        amount_fen=amount,
    )
    attempt_no = approved.executions.count() + 1
    new_execution(
        approved,
        channel_account_id=account_id,
        choice=payout_choice(request=approved, amount_fen=amount, at=at),
        at=at,
        attempt_no=attempt_no,
    ).save()
    _store_decision(approved, Decision.APPROVE, by, at, amount_fen=amount, note=note)
    return approved


def _account_of(request: RefundRequest) -> int:
    """The channel account that the payout goes through. Raises ``Conflict`` where the sale's cannot be refunded through."""
    sale = Transaction.objects.get(pk=request.transaction_id)
    if sale.status != "success":
        raise Conflict("the sale is not paid", code="original_route_impossible")
    if routes.is_by_hand(request.route):
        return routes.account_of(request)
    if sale.channel_account_id is None:
        raise Conflict("the sale cannot be refunded on its original route", code="original_route_impossible")
    return sale.channel_account_id


def payout_choice(*, request: RefundRequest, amount_fen: int, at: datetime) -> MethodChoice:
    """Void, refund or by hand, and why, if this amount were paid out now; the reviewer reads it before approving."""
    if routes.is_by_hand(request.route):
        return routes.METHOD_BY_HAND
    sale = request.transaction
    others = RefundRequest.objects.filter(transaction_id=request.transaction_id, reserved_fen__gt=0)
    return choose_method(
        profile=sale.channel_account.profile if sale.channel_account else {},
        amount_fen=amount_fen,
        paid_fen=sale.amount_fen,
        other_refunds=others.exclude(pk=request.pk).count(),
        paid_at=sale.paid_at,
        at=at,
    )


@transaction.atomic
def reject(
    *, request_id: UUID, by: Staff, at: datetime, version: int, reason: str, message: str, note: str = ""
) -> RefundRequest:
    """Refuse, with a coded reason and words for the customer."""
    if reason not in RejectReason.values:
        raise Invalid("a rejection needs one of the coded reasons", code="unknown_reason_code")
    request = _open_request(request_id, by, version)
    permissions.check_may_decide(staff=by, request=request, amount_fen=request.amount_fen, at=at)
    rejected = lifecycle.advance(
        request_id,
        "reject",
        by=by.actor,
        at=at,
        expected_version=version,
        data={"reason": reason, "note": note},
        reason=reason,
        message=message,
    )
    _store_decision(rejected, Decision.REJECT, by, at, reason=reason, note=note)
    return rejected


@transaction.atomic
def request_info(*, request_id: UUID, by: Staff, at: datetime, version: int, message: str) -> RefundRequest:
    """Ask the customer for what is missing; the handling clock pauses."""
    if not message.strip():
        raise Invalid("say what is missing", code="message_required")
    request = _open_request(request_id, by, version)
    permissions.check_may_decide(staff=by, request=request, amount_fen=request.amount_fen, at=at)
    asked = lifecycle.advance(
        request_id,
        "request_info",
        by=by.actor,
        at=at,
        expected_version=version,
        data={"message": message},
        message=message,
    )
    _store_decision(asked, Decision.REQUEST_INFO, by, at, note=message)
    return asked


@transaction.atomic
def add_note(*, request_id: UUID, by: Staff, at: datetime, text: str) -> None:
    """A note for colleagues, kept in the timeline."""
    if not text.strip():
        raise Invalid("the note is empty", code="message_required")
    request = lifecycle.lock_requests([request_id])[request_id]
    record(
        merchant_id=request.merchant_id,
        by=by.actor,
        action="refund.note",
        object_type="refund_request",
        object_id=request.pk,
        at=at,
        data={"note": text.strip()[:1000]},
    )


def _open_request(request_id: UUID, by: Staff, version: int) -> RefundRequest:
    permissions.check_may_review(by)
    request = lifecycle.lock_requests([request_id])[request_id]
    _check_version(request, version)
    if request.claimed_by_id not in (None, by.pk):
        raise ClaimedByAnother("a colleague is working on this request", state=request.state, version=request.version)
    return request


def _check_version(request: RefundRequest, seen: int) -> None:
    if request.version != seen:
        raise lifecycle.AlreadyChanged(
            "the refund request was changed meanwhile", state=request.state, version=request.version
        )


def _tier(request: RefundRequest, amount_fen: int, at: datetime) -> str:
    version = policies.in_force(merchant_id=request.merchant_id, at=at)
    return policies.rules_of(version.pk).tier_for(amount_fen).name


def _store_decision(
    request: RefundRequest,
    decision: Decision,
    by: Staff,
    at: datetime,
    *,
    amount_fen: int | None = None,
    reason: str = "",
    note: str = "",
) -> None:
    Approval.objects.create(
        request=request,
        staff=by,
        decision=decision,
        tier=request.tier,
        amount_fen=amount_fen,
        reason=reason,
        note=note,
        version=request.version,
        at=at,
    )


def _record(request: RefundRequest, by: Staff, action: str, at: datetime) -> None:
    record(
        merchant_id=request.merchant_id,
        by=by.actor,
        action=action,
        object_type="refund_request",
        object_id=request.pk,
        at=at,
    )
