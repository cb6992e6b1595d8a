"""The one maker of refund requests: what was judged, or paid already, becomes rows that are ready to be stored."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from uuid_utils.compat import uuid7

from core.audit.actors import POLICY, Actor
from core.audit.models import AuditEvent
from core.audit.record import event
from core.calendar import SHANGHAI
from core.personal_data import name_hash, phone_hashes
from core.plain_text import person_name
from core.unsaved import unsaved
from merchants.principals import Principal
from refunds import lifecycle
from refunds.evidence import files
from refunds.facts import plans
from refunds.facts.plans import LegStatus
from refunds.intake import counters, judging, planning
from refunds.intake.claims import Account, Claim, Draft
from refunds.intake.counters import Added, Parties
from refunds.intake.facts import Sale
from refunds.intake.judging import Judged
from refunds.lifecycle import Move
from refunds.models import Evidence, Execution, IdempotencyRecord, Judgement, Leg, Payee, RefundLine, RefundRequest
from refunds.models.execution import new_execution
from refunds.models.hand_accounts import is_by_hand
from refunds.models.judgement import Occasion
from refunds.rules import risk, worth
from refunds.rules.method import choose_method
from refunds.rules.plan import PlannedLeg
from refunds.rules.policy import KIND_OF_REASON, Ruling, Verdict
from refunds.rules.standing import Standing
from refunds.states import State


@dataclass(slots=True, kw_only=True)
class Submission:
    """A request that is not stored yet, with the sale it was judged on and all that belongs in its commit.

    ``plan`` is by which payments it goes back; ``legs`` are its rows, where it is more than one. ``sums`` are the counters that
    it moves, ``judgement`` is what it was judged on, ``evidence`` was sent ahead for it. ``refunds_limit`` is how many refunds
    of the sale the channel takes; None: it was not asked, as where a person pays or the money has moved already.
    """

    request: RefundRequest
    sale: Sale
    changes: Sequence[AuditEvent]
    lines: Sequence[RefundLine] = ()
    plan: Sequence[PlannedLeg] = ()
    legs: Sequence[Leg] = ()
    payee: Payee | None = None
    executions: Sequence[Execution] = ()
    idempotency: IdempotencyRecord | None = None
    sums: Sequence[Added] = ()
    judgement: Judgement | None = None
    evidence: Sequence[Evidence] = ()
    refunds_limit: int | None = None


def build(
    *,
    sale: Sale,
    draft: Draft,
    claimed: Sequence[Claim],
    legs: Sequence[PlannedLeg],
    judged: Judged,
    parties: Parties,
    seen: Standing,
    number: int,
    by: Principal,
    at: datetime,
) -> Submission:
    """A request that the policy approved or left to a person, with its payout where it was approved."""
    verdict = judged.verdict
    if len(legs) == 1:
        sale = planning.payment_of(sale, legs[0])
    said = verdict.as_json()
    request = _request(sale, draft, number=number, verdict=said, due_at=verdict.due_at, by=by, at=at)
    request.cashier = draft.cashier or sale.cashier
    if len(legs) > 1:
        request.transaction_id, request.leg_count = legs[0].transaction_id, len(legs)
    moves = [Move(request.pk, "verify", POLICY, at), *judgement(request, verdict, at)]
    evidence = judging.evidence_of(sale, draft)
    submission = Submission(
        request=request,
        sale=sale,
        changes=[*_changes(request, moves, by=by, at=at, **_said(draft)), *_added(request, evidence, by=by, at=at)],
        lines=_lines(request, claimed),
        plan=legs,
        legs=plans.rows(request, legs) if len(legs) > 1 else (),
        payee=payee(request, draft.payee, by=by.actor, at=at) if draft.payee else None,
        sums=counters.moves(
            of=parties,
            sale=sale,
            seen=seen,
            amount_fen=request.amount_fen,
            by_rule=request.by_rule,
            asked_fen=request.amount_fen,
            is_new=True,
            is_near=risk.is_near(request.amount_fen, verdict.auto_limit_fen),
        ),
        judgement=judged.row(request=request, said=said, of=parties, occasion=Occasion.SUBMISSION, at=at),
        evidence=evidence,
        refunds_limit=refunds_limit(sale, draft.route),
    )
    if request.state == State.APPROVED:
        if request.leg_count:
            submission.executions = first_payouts(request, submission.legs, at=at)
        else:
            submission.executions = [payout(request, sale, other_refunds=sale.refunds, at=at)]
    return submission


def _said(draft: Draft) -> dict[str, str]:
    """What whoever asks says to a possible duplicate, to missing evidence and of a deposit, for the audit trail."""
    said = {
        "is_another": (draft.another_note or "yes") if draft.is_another else "",
        "without_evidence": draft.without_evidence,
        "on_behalf_of": draft.on_behalf_of,
        "batch": draft.batch,
        "cause": draft.deposit.cause if draft.deposit else "",
        "agreement": draft.deposit.agreement if draft.deposit else "",
    }
    return {name: text for name, text in said.items() if text}


def _added(request: RefundRequest, evidence: Sequence[Evidence], *, by: Principal, at: datetime) -> list[AuditEvent]:
    return [
        event(
            merchant_id=request.merchant_id,
            by=by.actor,
            action="refund.evidence",
            object_type="refund_request",
            object_id=request.pk,
            at=at,
            data=files.told(row),
        )
        for row in evidence
    ]


def paid(*, sale: Sale, draft: Draft, number: int, source: str, by: Principal, at: datetime) -> Submission:
    """A request for money that has moved already, approved by ``by``; whoever found it adds the payout.

    Not judged by the policy: only the CHECK on the sale stands against it.
    """
    said = {"source": source}
    verdict = {
        "decision": Ruling.APPROVE.value,
        "max_amount_fen": draft.amount_fen,
        "tier": "",
        "policy_version": sale.policy_number,
        "rules": [],
        **said,
    }
    request = _request(sale, draft, number=number, verdict=verdict, due_at=at, by=by, at=at)
    moves = [
        Move(request.pk, "verify", POLICY, at),
        Move(request.pk, "ask_review", POLICY, at, data=said),
        Move(request.pk, "approve", by.actor, at, arguments={"amount_fen": draft.amount_fen}, data=said),
    ]
    return Submission(request=request, sale=sale, changes=_changes(request, moves, by=by, at=at, **said))


def judgement(request: RefundRequest, verdict: Verdict, at: datetime) -> list[Move]:
    """The policy's own move: approved by rule, on to a person, or to wait for the goods, of which ``goods.expect`` then keeps
    what is awaited. None while the channel is to be asked about the payment.
    """
    if verdict.waits_for_channel:
        return []
    transition = "approve_by_rule" if verdict.decision is Ruling.APPROVE else "ask_review"
    arguments = {}
    if verdict.waits_for_goods:
        transition, arguments = "ask_goods", {"message": ""}
    said = {
        "decision": verdict.decision.value,
        "policy_version": verdict.policy_version,
        "not_passed": [rule.code for rule in verdict.rules if not rule.passed],
    }
    return [Move(request.pk, transition, POLICY, at, arguments=arguments, data=said)]


def first_payouts(request: RefundRequest, legs: Sequence[Leg], *, at: datetime) -> list[Execution]:
    """The payouts of those legs of a new plan that need not wait for another, unsaved."""
    standing = [LegStatus(leg, plans.PLANNED, ()) for leg in legs]
    return plans.payouts(request, plans.may_start(standing), at=at)


def payout(request: RefundRequest, sale: Sale, *, other_refunds: int, at: datetime, attempt_no: int = 1) -> Execution:
    """The payout of a request that was approved by rule, unsaved: such a one always goes back through the sale's channel."""
    assert sale.channel_account_id is not None
    choice = choose_method(
        profile=sale.profile,
        amount_fen=request.amount_fen,
        paid_fen=sale.amount_fen,
        other_refunds=other_refunds,
        paid_at=sale.paid_at,
        at=at,
    )
    return new_execution(
        request, channel_account_id=sale.channel_account_id, choice=choice, at=at, attempt_no=attempt_no
    )


def payee(request: RefundRequest, account: Account, *, by: Actor, at: datetime) -> Payee:
    """The account as it is stored, unsaved."""
    return Payee(
        request_id=request.pk,
        merchant_id=request.merchant_id,
        holder_name=person_name(account.holder_name),
        account_no=account.digits,
        account_last4=account.digits[-4:],
        bank_name=person_name(account.bank_name),
        recorded_by=by.name[:80],
        recorded_at=at,
    )


def _lines(request: RefundRequest, claimed: Sequence[Claim]) -> list[RefundLine]:
    """The articles with what the request holds of them, unsaved."""
    holds = worth.held(
        reason=request.reason,
        asked_fen=request.amount_fen,
        reserved_fen=request.reserved_fen,
        pieces=[claim.judged for claim in claimed],
    )
    return [
        RefundLine(
            request=request,
            line_id=claim.line_id,
            quantity=claim.judged.quantity,
            value_fen=claim.judged.value_fen,
            held_quantity=hold.quantity,
            held_fen=hold.fen,
        )
        for claim, hold in zip(claimed, holds, strict=True)
    ]


def refunds_limit(sale: Sale, route: str) -> int | None:
    """How many refunds of the sale its channel takes; None where it is not the channel that pays."""
    return None if is_by_hand(route) else sale.profile.max_partials


def _request(
    sale: Sale,
    draft: Draft,
    *,
    number: int,
    verdict: Mapping[str, Any],
    due_at: datetime,
    by: Principal,
    at: datetime,
) -> RefundRequest:
    customer = draft.customer
    phone_hash, last4_hash = phone_hashes(customer.phone)
    return unsaved(
        RefundRequest,
        id=uuid7(),
        number=f"RF-{at.astimezone(SHANGHAI):%y%m%d}-{number:04d}",
        merchant_id=sale.merchant_id,
        store_id=sale.store_id,
        transaction_id=sale.id,
        terminal_id=sale.terminal_id,
        channel=sale.channel,
        kind=KIND_OF_REASON[draft.reason],
        reason=draft.reason,
        description=draft.description,
        route=draft.route,
        amount_fen=draft.amount_fen,
        reserved_fen=draft.amount_fen,
        policy_version_id=sale.policy_version_id,
        verdict=verdict,
        tier=verdict["tier"],
        staff_id=by.staff_id,
        api_key_id=by.key_id,
        deposit=asdict(draft.deposit) if draft.deposit else None,
        customer_name=customer.name,
        customer_name_hash=name_hash(customer.name),
        customer_phone=customer.phone,
        customer_phone_hash=phone_hash,
        customer_phone_last4_hash=last4_hash,
        customer_email=customer.email,
        customer_locale=customer.locale,
        customer_consent=draft.customer_consent,
        due_at=due_at,
        created_at=at,
        updated_at=at,
    )


def _changes(
    request: RefundRequest, moves: Sequence[Move], *, by: Principal, at: datetime, **said: str
) -> list[AuditEvent]:
    submitted = event(
        merchant_id=request.merchant_id,
        by=by.actor,
        action="refund.submit",
        object_type="refund_request",
        object_id=request.pk,
        at=at,
        to_state=request.state,
        version=request.version,
        data={"amount_fen": request.amount_fen, "reason": request.reason, "route": request.route, **said},
    )
    return [submitted, *(lifecycle.take_edge(request, move) for move in moves)]
