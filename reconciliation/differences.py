"""What people do about a difference: take it on, resolve it with a note, or adopt a refund made in the channel's portal.

A resolution never changes what either side says. Every step is audited under the difference's day.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from core.audit.record import record_of
from core.errors import Conflict, Invalid, existing
from core.plain_text import one_line
from merchants import principals
from merchants.models import Staff
from merchants.principals import Principal
from merchants.rights import Act, check_may, may
from payment_channels.contract import BillRowKind, Unknown
from reconciliation import days, matching, portal
from reconciliation.models import BillLine, Difference
from reconciliation.models.bill import DayState, MatchOutcome
from reconciliation.models.difference import BY_HAND, Resolution
from refunds import lifecycle
from refunds.intake import submitting
from refunds.intake.claims import Draft
from refunds.lifecycle import OverRefund
from refunds.models import Execution, RefundRequest
from refunds.models.execution import Method
from refunds.payouts import ledger
from refunds.states import ExecutionState, Reason, State
from terminals.models import Transaction

NOTE_MAX = 500


class AlreadyResolved(Conflict, code="already_resolved"):
    """Somebody resolved it meanwhile."""


class CannotAdopt(Conflict, code="cannot_adopt"):
    """Nothing here that could become a refund of ours; ``code`` says why not."""


def differences_of(*, merchant_id: int) -> QuerySet[Difference]:
    """The merchant's differences with what their rows show."""
    found = Difference.objects.filter(merchant_id=merchant_id)
    return found.select_related("line", "execution__request", "owner", "resolved_by").only(
        "number",
        "kind",
        "ours_fen",
        "bill_fen",
        "opened_at",
        "resolution",
        "note",
        "resolved_at",
        "day_id",
        "merchant_id",
        "channel_account_id",
        "line",
        "execution__refund_no",
        "execution__state",
        "execution__channel_refund_no",
        "execution__request__number",
        "owner__name",
        "resolved_by__name",
    )


def assign(*, difference_id: int, owner_id: int | None, by: Principal, at: datetime) -> Difference:
    """Give a difference to somebody who reconciles, or to nobody. Raises ``NotFound``, ``AlreadyResolved``, ``Invalid``."""
    check_may(Act.RESOLVE_DIFFERENCE, by=by)

    def change(difference: Difference) -> dict[str, Any]:
        owner = None
        if owner_id is not None:
            owner = Staff.objects.filter(pk=owner_id, merchant_id=by.acting_for, is_active=True).first()
            if owner is None or not may(Act.RESOLVE_DIFFERENCE, by=principals.of_staff(owner)):
                raise Invalid("give it to somebody in finance, a manager or an owner", code="unknown_assignee")
        difference.owner = owner
        return {"owner": owner.name if owner else ""}

    return _act(difference_id, "reconciliation.assign", change, by=by, at=at)


def resolve(*, difference_id: int, resolution: str, note: str, by: Principal, at: datetime) -> Difference:
    """Say what became of it. Raises ``NotFound``, ``AlreadyResolved``, ``DayClosed``, ``Forbidden`` or ``Invalid``."""
    check_may(Act.RESOLVE_DIFFERENCE, by=by)
    if resolution not in BY_HAND:
        raise Invalid("choose what became of it", code="unknown_resolution")
    text = one_line(note, limit=NOTE_MAX)
    if not text:
        raise Invalid("write what was found", code="message_required")

    def change(difference: Difference) -> dict[str, Any]:
        _resolved(difference, Resolution(resolution), text, by, at)
        return {"resolution": resolution, "note": text}

    return _act(difference_id, "reconciliation.resolve", change, by=by, at=at)


def is_reversal(line: BillLine) -> bool:
    """Not a refund but a payment that was taken back whole."""
    return line.kind == BillRowKind.VOID.value


def is_stuck(line: BillLine) -> bool:
    """A refund that the channel took from the merchant and cannot deliver."""
    return line.succeeded_at is None and line.state.upper() in matching.STUCK and bool(line.refund_no)


def sale_behind(difference: Difference) -> Transaction | None:
    """The sale that a line of the channel's speaks of: by the channel's number, else by the order's where it names one."""
    line = difference.line
    if line is None or difference.kind != MatchOutcome.CHANNEL_ONLY or difference.execution_id is not None:
        return None
    sales = Transaction.objects.filter(
        merchant_id=difference.merchant_id, channel_account_id=difference.channel_account_id
    )
    if line.channel_transaction_no:
        return sales.filter(channel_transaction_no=line.channel_transaction_no).first()
    named = list(sales.filter(order_no=line.order_no)[:2]) if line.order_no else []
    return named[0] if len(named) == 1 else None


def why_not_adopt(difference: Difference, sale: Transaction | None) -> str:
    """The code of what stands against an adoption; empty where nothing does."""
    line = difference.line
    if line is None or difference.resolution or difference.kind != MatchOutcome.CHANNEL_ONLY:
        return "cannot_adopt"
    if not (line.refund_no or line.channel_refund_no or is_reversal(line)):
        return "cannot_adopt"  # without a number the next statement could not tell that it is in the books
    if difference.execution_id is not None:
        return "adopt_known"
    if "#" in difference.number:
        return "adopt_repeated"
    if sale is None:
        return "adopt_no_sale"
    if line.succeeded_at is None and not is_stuck(line):
        return "adopt_not_paid"
    if line.amount_fen <= portal.unnamed_fen(sale):
        return "adopt_in_books"
    if line.amount_fen <= sale.refundable_fen:
        return ""
    # A failed leg still holds its amount, and lets go of it for a refund that was made in its place.
    _failed, sequence = portal.failed_like(sale_id=sale.pk, amount_fen=line.amount_fen)
    return "exceeds_refundable" if sequence is None else ""


def adopt(*, difference_id: int, note: str, by: Principal, at: datetime) -> RefundRequest:
    """Make a refund of ours out of one that was made in the channel's own portal, proven by the statement's line.

    It goes through the lifecycle like any other and its amount is reserved under the same CHECK. One that the channel cannot
    deliver becomes one of ours that is stuck. Raises ``CannotAdopt``
    (``exceeds_refundable`` where the sale was refunded beyond what was paid), ``AlreadyResolved``, ``DayClosed``.
    """
    check_may(Act.ADOPT, by=by)
    made: list[RefundRequest] = []

    def change(difference: Difference) -> dict[str, Any]:
        sale = sale_behind(difference)
        if code := why_not_adopt(difference, sale):
            raise CannotAdopt("this line cannot be adopted", code=code)
        assert sale is not None
        assert difference.line is not None
        line, behind = difference.line, sale
        request = portal.adopted_in_place(
            sale_id=sale.pk,
            amount_fen=line.amount_fen,
            adopt=lambda: _as_refund(behind, line, by=by, at=at),
            by=by,
            at=at,
        )
        made.append(request)
        difference.execution_id = difference.line.execution_id
        _resolved(difference, Resolution.ADOPTED, one_line(note, limit=NOTE_MAX), by, at)
        return {"resolution": Resolution.ADOPTED.value, "refund": request.number, "note": difference.note}

    try:
        _act(difference_id, "reconciliation.adopt", change, by=by, at=at)
    except OverRefund as error:
        raise CannotAdopt("the sale has less left to refund than this line pays", code="exceeds_refundable") from error
    return made[0]


@transaction.atomic
def adopt_of_request(
    *, request_id: UUID, by: Principal, at: datetime, version: int | None = None
) -> RefundRequest | None:
    """What the channel's statements name of the payment that this refund was refused for, taken into the books; the refund is
    closed against it where that covers it. None where no statement names any: then the channel can be asked (``portal.adopt``).

    Raises as ``adopt`` does, and ``AlreadyChanged``; nothing has changed then.
    """
    check_may(Act.ADOPT, by=by)
    request = existing(RefundRequest.objects.filter(pk=request_id, merchant_id=by.acting_for).first(), "refund request")
    lifecycle.check_version(request, version)
    leg = portal.refused_leg(request) if request.leg_count else None
    if not portal.can_adopt(request, request.executions.order_by("-created_at").first()):
        return None
    sale = Transaction.objects.get(pk=leg.transaction_id if leg else request.transaction_id)
    told = portal.told_by_statements(sale).filter(day__state=DayState.OPEN).select_related("line")
    adopted = [adopt(difference_id=one.pk, note="", by=by, at=at) for one in told if not why_not_adopt(one, sale)]
    if not adopted:
        return None
    # Each by itself may be too little to close it, and all together enough.
    request = lifecycle.lock_requests([request_id])[request_id]
    adopted_fen = sum(one.amount_fen for one in adopted)
    if request.state == State.FAILED and adopted_fen >= (request.approved_fen or request.amount_fen):
        portal.close_against(request, adopted[-1], adopted_fen, by=by, at=at)
    return adopted[-1]


@transaction.atomic
def _act(
    difference_id: int, action: str, change: Callable[[Difference], dict[str, Any]], *, by: Principal, at: datetime
) -> Difference:
    known = existing(Difference.objects.filter(pk=difference_id, merchant_id=by.acting_for).first(), "difference")
    day = days.locked(known.day_id)
    difference = Difference.objects.select_for_update().get(pk=difference_id)
    if difference.resolution:
        raise AlreadyResolved("this difference was resolved meanwhile")
    said = change(difference)
    difference.save()
    record_of(
        day, by=by.actor, action=action, at=at, data={"number": difference.number, "kind": difference.kind, **said}
    )
    matching.compare(day=day, at=at)
    return difference


def _resolved(difference: Difference, resolution: Resolution, note: str, by: Principal, at: datetime) -> None:
    difference.resolution, difference.note = resolution, note
    difference.resolved_by_id, difference.resolved_at = by.staff_id, at


# --- adoption -------------------------------------------------------------------------------------------------------


def _as_refund(known: Transaction, line: BillLine, *, by: Principal, at: datetime) -> RefundRequest:
    request = _as_stuck(known, line, by, at) if is_stuck(line) else _as_paid(known, line, by, at)
    line.execution = request.executions.get()
    BillLine.objects.filter(pk=line.pk).update(execution=line.execution)
    return request


def _as_stuck(known: Transaction, line: BillLine, by: Principal, at: datetime) -> RefundRequest:
    """It may have been delivered since the statement was made: the channel is asked at once."""
    assert known.channel_account is not None  # its statement names the sale
    word = Unknown(
        code=line.state[:60],
        message="the channel could not deliver the money",
        accepted=True,
        attention=True,
        remedy="payee_account",
        channel_refund_no=line.channel_refund_no,
    )
    request = portal.adopted_stuck(
        known,
        refund_no=line.refund_no,
        amount_fen=line.amount_fen,
        account=known.channel_account,
        told_at=line.accepted_at or at,
        word=(word, "bill", None),
        by=by,
        at=at,
    )
    request.executions.update(due_at=at)
    lifecycle.ring_after_commit(["refunds.execute"])
    return request


def _as_paid(known: Transaction, line: BillLine, by: Principal, at: datetime) -> RefundRequest:
    assert line.succeeded_at is not None
    draft = Draft(amount_fen=line.amount_fen, reason=Reason.OPERATOR_ERROR, transaction_id=known.pk)
    submission = submitting.prepare_paid(draft=draft, source="portal", by=by, at=at)
    request = submission.request
    execution = _execution(request, known, line, at)
    submission.executions = [execution]
    submitting.store(submission)
    ledger.post_payouts([execution.pk], at=at)
    proven = {"refund_no": execution.refund_no, "source": "bill"}
    lifecycle.advance(request.pk, "start_execution", by=by.actor, at=at, data=proven)
    lifecycle.advance(
        request.pk,
        "succeed",
        by=by.actor,
        at=at,
        data={**proven, "channel_refund_no": execution.channel_refund_no, "amount_fen": line.amount_fen},
        succeeded_at=line.succeeded_at,
        follow_up_at=at,
    )
    return RefundRequest.objects.get(pk=request.pk)


def _execution(request: RefundRequest, sale: Transaction, line: BillLine, at: datetime) -> Execution:
    """Paid before we knew of it. Unsaved; the statement's line is the proof."""
    # A reversal at the till has no number of its own.
    number = line.refund_no or line.channel_refund_no or f"VOID{line.channel_transaction_no}"[-64:]
    proof = {
        "bill": line.bill.sha256,
        "line": line.line,
        "refund_no": line.refund_no,
        "channel_refund_no": line.channel_refund_no,
        "amount_fen": line.amount_fen,
        "state": line.state,
    }
    return Execution(
        merchant_id=request.merchant_id,
        request=request,
        transaction_id=request.transaction_id,
        channel_account=sale.channel_account,
        method=Method.VOID if is_reversal(line) else Method.REFUND,
        refund_no=number,
        amount_fen=line.amount_fen,
        state=ExecutionState.SUCCEEDED,
        first_sent_at=line.accepted_at or line.succeeded_at,
        channel_refund_no=line.channel_refund_no or number,
        succeeded_at=line.succeeded_at,
        ended_at=at,
        proof=json.dumps(proof, ensure_ascii=False),
        proof_source="bill",
        created_at=at,
    )
