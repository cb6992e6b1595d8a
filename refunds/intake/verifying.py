"""A refund that waited for its channel's word about the payment: judged again with what was said, and handed on."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.audit.actors import POLICY
from core.audit.record import record
from merchants import principals
from refunds import lifecycle
from refunds.facts import goods, holds, plans, sums
from refunds.facts.plans import LegStatus
from refunds.intake import building, claims, counters, judging
from refunds.intake.claims import Draft
from refunds.intake.facts import Sale
from refunds.models import Execution, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.models.judgement import Occasion
from refunds.rules import payment
from refunds.rules.policy import Ruling
from refunds.states import State


def unasked(request_id: UUID, *, at: datetime) -> list[UUID]:
    """The payments about which the channel has said nothing yet."""
    sale = _sale(RefundRequest.objects.get(pk=request_id), at)
    return [one.id for one in sale.payments or (sale,) if one.channel_account_id is not None and not one.payment_word]


def go_on(*, request_id: UUID, gave_up: bool, at: datetime) -> bool:
    """Judge a request in ``verifying`` with what the channel has said, and let it go on; whether it need not wait any longer.

    Paid: as the policy decides. Anything else: to a person, with the sale held, as where a channel contradicts itself.
    ``gave_up``: the channel was asked long enough, a person decides without it. What a hard limit now stands against goes to a
    person, too.
    """

    def attempt() -> bool:
        return _go_on(request_id, gave_up=gave_up, at=at)

    return counters.judged_again(attempt)


@transaction.atomic
def _go_on(request_id: UUID, *, gave_up: bool, at: datetime) -> bool:
    request = lifecycle.lock_requests([request_id])[request_id]
    if request.state != State.VERIFYING:
        return True
    sums.held(transaction_id=request.transaction_id, lock=True)
    sale = _sale(request, at)
    draft = Draft(
        amount_fen=request.amount_fen,
        reason=request.reason,
        route=request.route,
        customer_consent=request.customer_consent,
        is_another=judging.was_another(request),
    )
    parties = counters.parties_again(sale, request, by=principals.SYSTEM, at=at)
    seen = counters.standing(
        sale=sale,
        of=parties,
        reason=draft.reason,
        stored=request,
    )
    claimed = claims.own_articles(sale, request)
    judged = judging.judge(sale, draft, claimed, seen=seen, at=at, stored=request, gave_up_asking=gave_up)
    verdict = judged.verdict
    if verdict.waits_for_channel:
        return False
    by_rule = verdict.decision is Ruling.APPROVE
    counters.add(
        counters.moves(of=parties, sale=sale, seen=seen, amount_fen=draft.amount_fen, by_rule=by_rule, asked_fen=0)
    )
    RefundRequest.objects.filter(pk=request_id).update(
        verdict=verdict.as_json(), tier=verdict.tier, policy_version_id=sale.policy_version_id
    )
    judged.keep(request=request, of=parties, occasion=Occasion.CONFIRMATION, at=at)
    (changed,) = lifecycle.advance_many(building.judgement(request, verdict, at))
    if changed.state == State.WAITING_GOODS:
        goods.expect(changed, at=at, by_policy=True)
    if changed.state == State.APPROVED and changed.leg_count:
        standing = [LegStatus(leg, plans.PLANNED, ()) for leg in changed.legs.order_by("sequence")]
        Execution.objects.bulk_create(plans.payouts(changed, plans.may_start(standing), at=at))
    elif changed.state == State.APPROVED:
        attempt_no = changed.executions.count() + 1
        building.payout(changed, sale, other_refunds=sale.refunds - 1, at=at, attempt_no=attempt_no).save()
    for one in sale.payments or (sale,):
        if payment.is_contradiction(one.payment_word) and not one.held:
            _hold(one, request, at)
    return True


def _sale(request: RefundRequest, at: datetime) -> Sale:
    return judging.sale_of(request, at=at, by_hand_fen=request.amount_fen if is_by_hand(request.route) else None)


def _hold(sale: Sale, request: RefundRequest, at: datetime) -> None:
    holds.set_held(transaction_id=sale.id, at=at)
    record(
        merchant_id=sale.merchant_id,
        by=POLICY,
        action="transaction.hold",
        object_type="transaction",
        object_id=sale.id,
        at=at,
        data={"word": sale.payment_word, "number": request.number},
    )
