"""Sending a stored request in again: what needed more, failed or was rejected, corrected and judged like a new one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from core.errors import Invalid
from core.plain_text import one_line
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.evidence import files
from refunds.facts import conditions, goods, payees, plans, sums
from refunds.intake import building, claims, counters, judging, planning
from refunds.intake.claims import Account, Draft
from refunds.lifecycle import Move
from refunds.models import Execution, Leg, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.models.judgement import Occasion
from refunds.rules.plan import PlannedLeg
from refunds.rules.policy import Ruling
from refunds.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a resubmission changes; None leaves a field as it is."""

    amount_fen: int | None = None
    reason: str | None = None
    description: str | None = None
    route: str | None = None
    payee: Account | None = None
    customer_consent: bool | None = None
    is_another: bool | None = None
    another_note: str = ""
    on_behalf_of: str = ""


def resubmit(
    *, request_id: UUID, correction: Correction, by: Principal, at: datetime, expected_version: int | None = None
) -> RefundRequest:
    """Send a request in again, corrected, to be judged again. One whose order was ever rejected goes to a person, whoever sends
    it and however it was corrected. Raises as ``submit`` and ``lifecycle.advance`` do.
    """

    def attempt() -> RefundRequest:
        return _resubmit(request_id, correction, by, at, expected_version)

    return counters.judged_again(attempt)


@transaction.atomic
def reopen(
    *,
    request_id: UUID,
    evidence: Sequence[UUID],
    note: str,
    by: Principal,
    at: datetime,
    version: int | None = None,
) -> RefundRequest:
    """Take a rejected request up again, for files that were sent ahead and say something new; another person decides it.

    Raises ``Forbidden``, ``WrongState``, ``Invalid`` without new evidence, ``EvidenceGone``, or as ``resubmit`` does.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.REOPEN, by=by, request=request, at=at)
    lifecycle.check_version(request, version)
    if request.state != State.REJECTED:
        raise lifecycle.WrongState("only a rejected refund is reopened", state=request.state, version=request.version)
    note = one_line(note, limit=300)
    if not evidence or not note:
        raise Invalid("a rejected refund is reopened for new evidence", code="new_evidence_missing")
    rows = files.sent_ahead(ids=evidence, merchant_id=request.merchant_id)
    known = set(request.evidence.values_list("sha256", flat=True))
    if known.issuperset(row.sha256 for row in rows):
        raise Invalid("these files were there before", code="new_evidence_missing")
    if len(rows) > files.places_left(request_id=request_id):
        raise files.TooManyPictures("it has as many files as it may", limit=files.MAX_PER_REQUEST)
    files.take_along(rows=rows, request_id=request_id)
    data = {"note": note, "evidence": [files.told(row) for row in rows]}
    lifecycle.record_act(request, "refund.reopen", by=by.actor, at=at, data=data)
    return resubmit(request_id=request_id, correction=Correction(), by=by, at=at, expected_version=version)


@transaction.atomic
def _resubmit(
    request_id: UUID, correction: Correction, by: Principal, at: datetime, expected_version: int | None
) -> RefundRequest:
    request = lifecycle.lock_requests([request_id])[request_id]
    act = Act.RESUBMIT_FAILED if request.state == State.FAILED else Act.RESUBMIT
    conditions.check(act, by=by, request=request, at=at)
    if correction.amount_fen or correction.reason:
        conditions.check_not_customer(by)
    is_held = bool(request.reserved_fen)
    # From here on the sale stays as it is judged.
    sums.held(transaction_id=request.transaction_id, lock=True)
    draft = Draft(
        amount_fen=correction.amount_fen or request.amount_fen,
        reason=correction.reason or request.reason,
        route=correction.route or request.route,
        customer_consent=_consent(request, correction),
        is_another=judging.was_another(request) if correction.is_another is None else correction.is_another,
        on_behalf_of=correction.on_behalf_of,
    )
    sale = judging.sale_of(request, at=at, by_hand_fen=draft.amount_fen if is_by_hand(draft.route) else None)
    claims.check_account(route=draft.route, account=correction.payee, known=payees.of(request) is not None)
    parties = counters.parties_again(sale, request, by=by, at=at)
    claimed = claims.own_articles(sale, request)
    seen = counters.standing(
        sale=sale,
        of=parties,
        reason=draft.reason,
        stored=request,
    )
    more_fen = draft.amount_fen
    if parties.mandate is not None and request.api_key_id in (by.key_id, parties.mandate.counted_as):
        more_fen = max(0, draft.amount_fen - request.amount_fen)
    counters.check_mandate(of=parties, seen=seen, draft=draft, at=at, more_fen=more_fen)
    judged = judging.judge(sale, draft, claimed, seen=seen, at=at, stored=request, mandate=by.mandate)
    verdict = judged.verdict
    judging.refuse_hard_limits(verdict)
    legs = planning.planned(sale, draft, but=request.pk)
    plan = _plan(request, legs)
    if plan:
        for sale_id, count in Counter(leg.transaction_id for leg in plan).items():
            sums.make_room(transaction_id=sale_id, limit=None, more=count)
    elif not is_held:
        sums.make_room(transaction_id=request.transaction_id, limit=building.refunds_limit(sale, draft.route))
    counters.add(
        counters.moves(
            of=parties,
            sale=sale,
            seen=seen,
            amount_fen=draft.amount_fen,
            by_rule=verdict.decision is Ruling.APPROVE,
            asked_fen=max(0, draft.amount_fen - counters.asked_today_fen(request, at)),
            of_mandate_fen=more_fen,
        )
    )
    sent_in = Move(
        request_id,
        "resubmit",
        by.actor,
        at,
        expected_version,
        {"due_at": judging.due_again(request=request, sale=sale, judged=judged, at=at), "amount_fen": draft.amount_fen},
        {
            "amount_fen": draft.amount_fen,
            "reason": draft.reason,
            "route": draft.route,
            **({"is_another": correction.another_note or "yes"} if correction.is_another else {}),
            **({"on_behalf_of": correction.on_behalf_of} if correction.on_behalf_of else {}),
        },
        plan=plan,
    )
    # Before it moves: the reason and the pieces' worth of today say what it holds of its lines.
    RefundRequest.objects.filter(pk=request_id).update(
        reason=draft.reason,
        route=draft.route,
        customer_consent=draft.customer_consent,
        description=request.description if correction.description is None else correction.description,
        verdict=verdict.as_json(),
        tier=verdict.tier,
        policy_version_id=sale.policy_version_id,
    )
    judged.keep(request=request, of=parties, occasion=Occasion.RESUBMISSION, at=at)
    for claim in claimed:
        request.lines.filter(line_id=claim.line_id).update(value_fen=claim.judged.value_fen)
    changed = lifecycle.advance_many([sent_in, *building.judgement(request, verdict, at)])[-1]
    if correction.payee is not None:
        building.payee(request, correction.payee, by=by.actor, at=at).save()
    if changed.state == State.WAITING_GOODS:
        goods.expect(changed, at=at, by_policy=True)
    if changed.state == State.APPROVED and plan:
        Execution.objects.bulk_create(building.first_payouts(changed, plan, at=at))
    elif changed.state == State.APPROVED:
        attempt_no = changed.executions.count() + 1
        building.payout(changed, sale, other_refunds=sale.refunds - is_held, at=at, attempt_no=attempt_no).save()
    return changed


def _plan(request: RefundRequest, legs: Sequence[PlannedLeg]) -> list[Leg] | None:
    """The legs in place of those it had; None where it is, and was, one leg of its sale.

    Their numbers go on after those of earlier legs: what was tried of them stays theirs.
    """
    if not request.leg_count and len(legs) == 1:
        return None
    tried = request.executions.aggregate(most=Max("sequence"))["most"] or 0
    return plans.rows(request, legs, after=tried)


def _consent(request: RefundRequest, correction: Correction) -> bool | None:
    """What the customer agreed to; to another route they must agree once more."""
    if correction.customer_consent is not None:
        return correction.customer_consent
    another_way = correction.route is not None and correction.route != request.route
    return None if another_way else request.customer_consent
