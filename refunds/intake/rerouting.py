"""A failed leg of a plan, moved by a person to another route that the policy allows, while other legs are paid."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import Invalid
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import approvals, conditions, payees, plans, sums, vouching
from refunds.intake import building, claims, counters, judging
from refunds.intake.claims import Account, Draft
from refunds.intake.facts import find_sale
from refunds.models import Execution, Leg, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.models.judgement import Occasion
from refunds.states import State
from terminals.accounts import replacement_of


@transaction.atomic
def move_leg(
    *,
    request_id: UUID,
    sequence: int,
    route: str,
    customer_consent: bool,
    account: Account | None = None,
    by: Principal,
    at: datetime,
    version: int,
) -> RefundRequest:
    """Let a person pay a leg that failed, or whose account takes no calls: by transfer, from a drawer, as store credit. On its
    own route it goes through the account in place of one that was replaced. The rest of the plan stays as it is.

    Whoever moves it has a hand in the refund, and does not pay it. Where the policy wants two to approve the new route, it is
    not moved by who approved the refund: they are one, who moves it the other. Raises ``Forbidden``, ``WrongState``,
    ``AlreadyChanged``, ``Invalid``, or ``PolicyRefused`` where a hard limit stands against the route.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RETRY, by=by, request=request)
    payouts = Execution.objects.select_for_update(of=("self",)).filter(request_id=request_id).order_by("pk")
    payouts = payouts.select_related("channel_account").defer("channel_account__sealed_credentials")
    legs = plans.standing_of(request, payouts)
    failed = next((one for one in legs if one.leg.sequence == sequence and (one.has_failed or one.is_barred)), None)
    if request.state != State.PARTIALLY_REFUNDED or failed is None:
        raise lifecycle.WrongState("only a failed leg can be moved", state=request.state, version=request.version)
    replaced_by = replacement_of(failed.attempts[-1].channel_account) if route == failed.leg.route else None
    if replaced_by is None and (not is_by_hand(route) or route == failed.leg.route):
        raise Invalid("a failed leg moves to another route, on which a person pays", code="route_not_for_a_leg")
    if approvals.needed(request=request, sum_fen=failed.leg.amount_fen, at=at, routes=(route,)) > 1:
        conditions.check_not_approver(request, by=by)
    claims.check_account(route=route, account=account, known=payees.of(request, route=route) is not None)
    leg = failed.leg
    sums.held(transaction_id=leg.transaction_id, lock=True)
    sale = find_sale(merchant_id=request.merchant_id, at=at, transaction_id=leg.transaction_id)
    draft = Draft(amount_fen=leg.amount_fen, reason=request.reason, route=route, customer_consent=customer_consent)
    parties = counters.parties_again(sale, request, by=by, at=at)
    seen = counters.standing(sale=sale, of=parties, reason=draft.reason, stored=request)
    judged = judging.judge(sale, draft, (), seen=seen, at=at, moving=failed)
    judging.refuse_hard_limits(judged.verdict)
    judged.keep(request=request, of=parties, occasion=Occasion.REROUTE, at=at)
    payee = None if account is None else building.payee(request, account, by=by.actor, at=at)
    signed = vouching.sign_move(request=request, leg=leg, route=route, payee=payee, by=by, at=at)
    moved = lifecycle.advance(
        request_id,
        "renew_leg",
        by=by.actor,
        at=at,
        expected_version=version,
        data={"leg": sequence, "route": route, "amount_fen": leg.amount_fen, **signed.told},
    )
    if failed.is_barred:
        plans.end_barred(failed, request=request, by=by.actor, at=at)
    if replaced_by is None:
        Leg.objects.filter(pk=leg.pk).update(route=route, why="moved")
        leg.route = route
    if payee is not None:
        payee.save()
    attempt_no = failed.attempts[-1].attempt_no + 1
    (payout,) = plans.payouts(moved, [leg], at=at, attempt_no=attempt_no)
    if replaced_by is not None:
        payout.channel_account_id = replaced_by.pk
    payout.save()
    return moved
