"""What the API answers about how a refund goes back: its plan, the legs, and when the money arrives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers as s

from api.schemas_verdict import VerdictOut
from api.shapes import Shape
from payment_channels.profile import Profile
from refunds.facts import plans, shares
from refunds.intake import planning
from refunds.intake.facts import Sale
from refunds.models import Execution, Leg
from refunds.rules.arrival import PaidFrom, expected_arrival
from refunds.rules.plan import WHY, PlannedLeg
from refunds.states import ExecutionState, Route


class ArrivalOut(Shape):
    earliest_at = s.DateTimeField()
    latest_at = s.DateTimeField()
    basis = s.ChoiceField(["at_once", "own_history", "working_days", "weekends_only"])


class WhyOut(Shape):
    code = s.CharField()
    explanation = s.CharField()


class AttemptOut(Shape):
    refund_no = s.CharField()
    state = s.ChoiceField(ExecutionState.choices)


class LegOut(Shape):
    sequence = s.IntegerField()
    transaction = s.UUIDField(source="transaction_id")
    method = s.ChoiceField(["refund", "void", "transfer", "cash", "store_credit"])
    route = s.ChoiceField(Route.choices)
    amount_fen = s.IntegerField()
    payer_fen = s.IntegerField(
        help_text="what the payer gets of it; less than `amount_fen` where a coupon paid a part of the sale"
    )
    expected_arrival = ArrivalOut()
    why = WhyOut()
    state = s.CharField(help_text="of its latest attempt; `planned` before the first, `given_up` where nobody goes on")
    attempts = AttemptOut(many=True, help_text="`executions` has all of each")


class PlanOut(Shape):
    hash = s.CharField()
    legs = LegOut(many=True)


#: What a leg on a route of a person is called.
_METHODS = {Route.BANK_TRANSFER: "transfer", Route.CASH: "cash", Route.STORE_CREDIT: "store_credit"}


def leg_json(
    leg: PlannedLeg | Leg,
    *,
    payer_fen: int,
    sale: PaidFrom,
    at: datetime,
    state: str = plans.PLANNED,
    attempts: Sequence[Execution] = (),
) -> dict[str, Any]:
    """A leg of a plan; ``executions`` beside it say all of its attempts."""
    return LegOut.of(
        leg,
        payer_fen=payer_fen,
        method=_METHODS.get(Route(leg.route), attempts[-1].method if attempts else "refund"),
        expected_arrival=arrival_json(funding=sale.funding, profile=sale.profile, at=at, route=leg.route),
        why={"code": leg.why, "explanation": str(WHY[leg.why])},
        state=state,
        attempts=AttemptOut.all_of(attempts),
    )


def new_plan_json(
    legs: Sequence[PlannedLeg],
    sale: Sale,
    *,
    at: datetime,
    executions: Sequence[Execution] = (),
    request_id: UUID | None = None,
) -> dict[str, Any]:
    """The plan of a quote, or of a request that is just being stored."""
    found = []
    paid = [planning.payment_of(sale, leg) for leg in legs]
    payer_fen = shares.payer_shares(zip(legs, paid, strict=True), request_id=request_id)
    for leg, payment in zip(legs, paid, strict=True):
        attempts = [row for row in executions if row.sequence == leg.sequence]
        state = str(attempts[-1].state) if attempts else plans.PLANNED
        share = payer_fen[leg.sequence]
        found.append(leg_json(leg, payer_fen=share, sale=payment, at=at, state=state, attempts=attempts))
    return {"hash": planning.hash_of(legs), "legs": found}


def arrival_json(*, funding: str, profile: Profile, at: datetime, route: str) -> dict[str, Any]:
    return ArrivalOut.of(expected_arrival(funding=funding, profile=profile, at=at, route=route))


class QuoteOut(Shape):
    transaction = s.UUIDField(source="id")
    amount_fen = s.IntegerField()
    refundable_fen = s.IntegerField()
    verdict = VerdictOut()
    plan = PlanOut(allow_null=True, help_text="none where the verdict refuses")
    trade_query_url = s.CharField(
        allow_null=True,
        help_text="POST there asks the channel about a payment that is not known to be made; null otherwise",
    )
    expected_arrival = ArrivalOut()
