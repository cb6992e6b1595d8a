"""Stage 3, review: a person decides. Claiming is a courtesy between colleagues; the version is the lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from core.audit import notes
from core.audit.actors import POLICY, SYSTEM
from core.audit.models import AuditEvent
from core.errors import Conflict, Invalid
from merchants import rights
from merchants.models import Staff
from merchants.principals import Principal
from merchants.rights import Act
from merchants.signing import Signed
from refunds import lifecycle
from refunds.facts import approvals, conditions, holds, judgements, plans, sums, vouching
from refunds.models import Approval, Assignment, Compensation, Execution, RefundRequest, Reviewer, hand_accounts
from refunds.models.approval import Decision
from refunds.models.assignment import MOST_ON_A_DESK
from refunds.models.execution import new_execution
from refunds.review import agreeing, decidable, mentions, second_look
from refunds.review.agreeing import Consent
from refunds.rules import clocks
from refunds.rules.method import MethodChoice, choose_method
from refunds.states import OPEN_FOR_REVIEW, RELEASED, UNDECIDED, RejectReason, State
from terminals.models import Transaction

#: So many candidates for the next one are looked at together.
_AT_ONCE = 50

#: A first approval that lapsed is told of in the timeline; one that lapsed longer ago than any worker sleeps is not.
LAPSED = "refund.approval_lapsed"
_LOOKS_BACK = timedelta(days=7)


@transaction.atomic
def claim(
    *, request_id: UUID, by: Principal, at: datetime, version: int | None = None, given: bool = False
) -> RefundRequest:
    """Take a request onto one's own desk. Taking one's own again changes nothing. ``version``: the one that was seen; ``given``:
    the desk hands it to them by itself.

    Raises ``Forbidden`` to those who could not decide it: on their desk it would only keep colleagues away. Raises ``Conflict``
    where there are as many already as they take.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check_known(request, by=by)
    sum_fen = sums.deciding_fen(request=request, amount_fen=request.amount_fen)
    conditions.check(Act.CLAIM, by=by, request=request, amount_fen=sum_fen, at=at)
    lifecycle.check_version(request, version)
    if request.state not in OPEN_FOR_REVIEW:
        raise lifecycle.WrongState(
            "only a request in review can be claimed", state=request.state, version=request.version
        )
    if request.claimed_by_id == by.staff_id:
        return request
    conditions.check_not_anothers(request, by=by)
    # Two claims of one person are counted one after the other.
    Staff.objects.select_for_update(no_key=True).only("pk").get(pk=by.acting_staff)
    takes = Reviewer.objects.filter(pk=by.staff_id).values_list("most_on_desk", flat=True).first()
    most = MOST_ON_A_DESK if takes is None else takes
    on_desk = RefundRequest.objects.filter(
        merchant_id=by.acting_for, state__in=OPEN_FOR_REVIEW, claimed_by_id=by.staff_id
    )
    if on_desk.filter(pending_decision=None)[:most].count() == most:
        raise Conflict("there are enough on this desk", code="desk_full")
    RefundRequest.objects.filter(pk=request.pk).update(claimed_by_id=by.staff_id, claimed_at=at)
    request.claimed_by_id, request.claimed_at = by.staff_id, at
    if given:
        lifecycle.record_act(request, "refund.assign", by=POLICY, at=at, data={"to": by.name})
    else:
        lifecycle.record_act(request, "refund.claim", by=by.actor, at=at)
    return request


@transaction.atomic
def release(*, request_id: UUID, by: Principal, at: datetime) -> RefundRequest:
    """Give a claimed request back to the queue. Managers may release for others. One that nobody has stays as it is."""
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RELEASE, by=by, request=request)
    if request.claimed_by_id is None:
        return request
    RefundRequest.objects.filter(pk=request.pk).update(claimed_by=None, claimed_at=None)
    request.claimed_by = request.claimed_at = None
    lifecycle.record_act(request, "refund.release", by=by.actor, at=at)
    return request


@transaction.atomic
def claim_next(*, by: Principal, at: datetime) -> RefundRequest | None:
    """What this person was given and has not opened, then the unclaimed request whose time is shortest of those that they may
    decide, which they claim; None when there is none.
    """
    rights.check_may(Act.CLAIM, by=by)
    unopened = Assignment.objects.filter(staff_id=by.acting_staff, opened_at=None, ended_at=None).values("request")
    theirs = RefundRequest.objects.filter(pk__in=unopened, claimed_by_id=by.staff_id, state=State.IN_REVIEW)
    if (own := theirs.filter(pending_decision=None).order_by("due_at", "pk").first()) is not None:
        return own
    waiting = RefundRequest.objects.filter(state=State.IN_REVIEW, claimed_by=None)
    candidates = waiting.filter(decidable.decidable(by=by, at=at), pending_decision=None).order_by("due_at", "pk")
    rows = candidates.select_related("transaction").only(*decidable.NEEDS).iterator(chunk_size=_AT_ONCE)
    while some := list(islice(rows, _AT_ONCE)):
        refused = decidable.undecidable(requests=some, by=by, at=at)
        for row in some:
            # Whole lists are looked through at once; of the one that is taken the rule itself is asked.
            if row.pk in refused or not decidable.may_decide(by=by, request=row, at=at):
                continue
            # A colleague who is taking it just now is no reason to wait: the next one will do.
            if waiting.filter(pk=row.pk).select_for_update(skip_locked=True, of=("self",)).exists():
                return claim(request_id=row.pk, by=by, at=at)
    return None


@transaction.atomic
def approve(
    *, request_id: UUID, by: Principal, at: datetime, version: int, amount_fen: int | None = None, note: str = ""
) -> RefundRequest:
    """Approve all or less of what was asked for; the payout is made ready in the same commit.

    Where the policy wants two, the first approval leaves it in review, and only that of a second person over the same amount
    pays. The state tells which it was.
    """
    request = _open_request(Act.APPROVE, request_id, by, version)
    amount = request.amount_fen if amount_fen is None else amount_fen
    if not 0 < amount <= request.amount_fen:
        raise Invalid("the approved amount is above what was asked for", code="amount_above_requested")
    agreed_fen = agreeing.agreed_fen(request)
    if agreed_fen is not None and amount != agreed_fen:
        raise Conflict("the customer agreed to another amount", code="differs_from_agreement", amount_fen=agreed_fen)
    # Judged again under the order's lock: by what it all comes to, and by the limits in force now.
    deciding_fen, by = sums.deciding_fen(request=request, amount_fen=amount, lock=True), conditions.as_now(by)
    conditions.check(Act.APPROVE, by=by, request=request, amount_fen=deciding_fen, at=at)
    holds.check_not_held(transaction_id=request.transaction_id)
    _check_deposit_first(request)
    account_id = None if request.leg_count else _account_of(request)
    sums.check_caps(request=request, amount_fen=amount, at=at)
    first = approvals.first_of_two(request=request, at=at)
    needed = approvals.needed(request=request, sum_fen=deciding_fen, at=at)
    signed, told = vouching.sign_approval(
        request=request, amount_fen=amount, routes=approvals.routes_of(request), needed=needed, by=by, at=at
    )
    said = _Approval.of(
        request, by, at, amount=amount, deciding_fen=deciding_fen, note=note, needed=needed, signed=signed
    )
    said.told.update(told)
    if needed > 1 and (first is None or first.amount_fen != amount):
        return _wait_for_second(request, said, by=by, at=at)
    judgements.keep_approval(request=request, amount_fen=amount, deciding_fen=deciding_fen, at=at)
    plan = plans.narrowed(request, amount, at=at) if request.leg_count and amount != request.amount_fen else None
    approved = lifecycle.advance(
        request_id,
        "approve",
        by=by.actor,
        at=at,
        expected_version=version,
        data=said.told,
        plan=plan,
        amount_fen=amount,
    )
    _store_decision(approved, Decision.APPROVE, by, at, **said.stored)
    if account_id is None:
        now_free = plans.may_start(plans.standing_of(approved))
        Execution.objects.bulk_create(plans.payouts(approved, now_free, at=at))
        return approved
    new_execution(
        approved,
        channel_account_id=account_id,
        choice=payout_choice(request=approved, amount_fen=amount, at=at),
        at=at,
        attempt_no=approved.executions.count() + 1,
    ).save()
    return approved


@dataclass(frozen=True, slots=True)
class _Approval:
    """What is stored of an approval, and what its event tells."""

    stored: dict[str, Any]
    told: dict[str, Any]

    @classmethod
    def of(
        cls,
        request: RefundRequest,
        by: Principal,
        at: datetime,
        *,
        amount: int,
        deciding_fen: int,
        note: str,
        needed: int,
        signed: Signed,
    ) -> _Approval:
        tier, absent = conditions.decided_in(by=by, request=request, amount_fen=deciding_fen, at=at)
        stored = {"tier": tier.name, "amount_fen": amount, "note": note, "needed": needed}
        stored |= {"factor": signed.factor, "signature": signed.row}
        told = {"amount_fen": amount, "note": note, "tier": tier.name}
        if absent is not None:
            stored |= {"role": absent.role, "on_behalf_of_id": absent.staff_id}
            told |= {"for": absent.name}
        return cls(stored, told)


def _wait_for_second(request: RefundRequest, said: _Approval, *, by: Principal, at: datetime) -> RefundRequest:
    """Keep the first of two approvals, and leave the request to somebody else."""
    lapses_at = approvals.lapses_at(request=request, at=at)
    _store_decision(request, Decision.APPROVE, by, at, **said.stored, lapses_at=lapses_at)
    request.claimed_by, request.claimed_at, request.updated_at = None, None, at
    request.save(update_fields=["claimed_by", "claimed_at", "updated_at"])
    lifecycle.record_act(request, "refund.approve_first", by=by.actor, at=at, data=said.told)
    return request


@transaction.atomic
def lapse_firsts(*, at: datetime) -> int:
    """Say of first approvals whose second did not come in time that the requests are in plain review again; of each once."""
    overdue = approvals.given_first().filter(
        request__state=State.IN_REVIEW, lapses_at__lte=at, lapses_at__gt=at - _LOOKS_BACK
    )
    told = AuditEvent.objects.alias(of=KT("data__approval")).filter(
        object_id=Cast(OuterRef("request_id"), TextField()), action=LAPSED, of=Cast(OuterRef("pk"), TextField())
    )
    count = 0
    for first in overdue.exclude(Exists(told)).order_by("request_id", "pk")[:_AT_ONCE]:
        request = lifecycle.lock_requests([first.request_id])[first.request_id]
        # Meanwhile another worker may have said so, or a person have decided.
        if (
            request.version == first.version
            and not AuditEvent.objects.filter(
                object_id=str(request.pk), action=LAPSED, data__approval=first.pk
            ).exists()
        ):
            data = {"approval": first.pk, "amount_fen": first.amount_fen}
            lifecycle.record_act(request, LAPSED, by=SYSTEM, at=at, data=data)
            RefundRequest.objects.filter(pk=request.pk).update(updated_at=at)
            count += 1
    return count


def _account_of(request: RefundRequest) -> int:
    """The channel account that the payout goes through. Raises ``Conflict`` where the sale's cannot be refunded through."""
    sale = Transaction.objects.get(pk=request.transaction_id)
    if sale.status != "success":
        raise Conflict("the sale is not paid", code="original_route_impossible")
    if hand_accounts.is_by_hand(request.route):
        return hand_accounts.account_of(request, request.route)
    if sale.channel_account_id is None:
        raise Conflict("the sale cannot be refunded on its original route", code="original_route_impossible")
    return sale.channel_account_id


def payout_choice(*, request: RefundRequest, amount_fen: int, at: datetime) -> MethodChoice:
    """Void, refund or by hand, and why, if this amount were paid out now; the reviewer reads it before approving."""
    if hand_accounts.is_by_hand(request.route):
        return hand_accounts.METHOD_BY_HAND
    sale = request.transaction
    others = RefundRequest.objects.filter(transaction_id=request.transaction_id, reserved_fen__gt=0)
    return choose_method(
        profile=sale.profile,
        amount_fen=amount_fen,
        paid_fen=sale.amount_fen,
        other_refunds=others.exclude(pk=request.pk).count(),
        paid_at=sale.paid_at,
        at=at,
    )


@transaction.atomic
def reject(
    *, request_id: UUID, by: Principal, at: datetime, version: int, reason: str, message: str, note: str = ""
) -> RefundRequest:
    """Refuse, with a coded reason and words for the customer; signed where an approval of as much would be."""
    if reason not in RejectReason.values:
        raise Invalid("a rejection needs one of the coded reasons", code="unknown_reason_code")
    request, by = _open_request(Act.REJECT, request_id, by, version), conditions.as_now(by)
    conditions.check(Act.REJECT, by=by, request=request, at=at)
    sum_fen = sums.deciding_fen(request=request, amount_fen=request.amount_fen)
    needed = approvals.needed(request=request, sum_fen=sum_fen, at=at)
    routes = approvals.routes_of(request)
    signed = vouching.sign_rejection(request=request, reason=reason, routes=routes, needed=needed, by=by, at=at)
    rejected = lifecycle.advance(
        request_id,
        "reject",
        by=by.actor,
        at=at,
        expected_version=version,
        data={"reason": reason, "note": note, **signed.told},
        reason=reason,
        message=message,
    )
    shown = {"factor": signed.factor, "signature": signed.row}
    _store_decision(rejected, Decision.REJECT, by, at, reason=reason, note=note, **shown)
    return rejected


@transaction.atomic
def request_info(*, request_id: UUID, by: Principal, at: datetime, version: int, message: str) -> RefundRequest:
    """Ask the customer for what is missing; the handling clock pauses."""
    if not message.strip():
        raise Invalid("say what is missing", code="message_required")
    request = _open_request(Act.REQUEST_INFO, request_id, by, version)
    conditions.check(Act.REQUEST_INFO, by=by, request=request, at=at)
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
def extend(
    *,
    request_id: UUID,
    by: Principal,
    at: datetime,
    version: int,
    until: datetime,
    reason: str,
    consent: Consent | bool,
) -> RefundRequest:
    """Give a request in review a later due time, with a reason and the customer's consent, kept with who gave it and how where
    that is said; the customer is told.

    Never later than the law lets a refund take. Raises ``Invalid``, or what a decision raises.
    """
    request = _open_request(Act.EXTEND, request_id, by, version)
    conditions.check(Act.EXTEND, by=by, request=request, at=at)
    if not consent:
        raise Invalid("more time is the customer's to give", code="consent_required")
    if not reason.strip():
        raise Invalid("say why it takes longer", code="reason_required")
    if until <= max(request.due_at, at):
        raise Invalid("the new time is not later than the old", code="extension_too_short")
    if until > request.created_at + clocks.LONGEST:
        raise Invalid("no refund may take that long", code="extension_too_long")
    if isinstance(consent, Consent):
        agreeing.keep(request, consent, by=by, at=at, until=until)
    return lifecycle.advance(
        request_id,
        "extend",
        by=by.actor,
        at=at,
        expected_version=version,
        data={
            "reason": reason.strip()[:500],
            "consent": True,
            "from": request.due_at.isoformat(),
            "until": until.isoformat(),
        },
        until=until,
    )


@transaction.atomic
def add_note(*, request_id: UUID, by: Principal, at: datetime, text: str) -> list[Staff]:
    """A note for colleagues, kept in the timeline. Returns those whom it names with ``@``: they are told."""
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.ADD_NOTE, by=by, request=request)
    if not text.strip():
        raise Invalid("the note is empty", code="message_required")
    text = text.strip()[:1000]
    lifecycle.record_act(request, "refund.note", by=by.actor, at=at, data={"note": text})
    return mentions.tell_mentioned(text, request=request, by=by, at=at)


def _open_request(act: Act, request_id: UUID, by: Principal, version: int) -> RefundRequest:
    rights.check_may(act, by=by)
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check_known(request, by=by)
    lifecycle.check_version(request, version)
    conditions.check_not_anothers(request, by=by)
    return request


def _check_deposit_first(request: RefundRequest) -> None:
    """What is owed on top of a deposit is not approved before the deposit itself, nor when that ends otherwise by now."""
    beside = Compensation.objects.select_related("request").filter(payout_id=request.pk).first()
    if beside is not None and (beside.request.state in (*UNDECIDED, *RELEASED) or beside.request.reason != "deposit"):
        raise Conflict("the deposit itself is not approved", code="deposit_first", number=beside.request.number)


def _store_decision(request: RefundRequest, decision: Decision, by: Principal, at: datetime, **fields: Any) -> None:
    assert by.staff_id is not None  # the table lets nobody else decide
    fields["note"] = notes.keep(
        fields.get("note", ""),
        merchant_id=request.merchant_id,
        object_type="refund_request",
        object_id=request.pk,
        at=at,
    )
    approval = Approval.objects.create(
        request=request,
        staff_id=by.staff_id,
        decision=decision,
        version=request.version,
        at=at,
        **{"tier": request.tier, "role": by.role, **fields},
    )
    if decision is not Decision.REQUEST_INFO and approval.lapses_at is None:
        second_look.pick(approval, request, at=at)
