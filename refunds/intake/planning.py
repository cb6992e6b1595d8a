"""The plan of a refund that is taken in: by which payments of its order it goes back, chosen by the merchant's rule."""

from collections.abc import Sequence
from uuid import UUID

from core.errors import Conflict, Invalid
from merchants import policies
from refunds.facts import sums
from refunds.facts.sums import CapReached
from refunds.intake.claims import Draft
from refunds.intake.facts import Sale
from refunds.models.hand_accounts import is_by_hand
from refunds.rules import plan
from refunds.rules.plan import NotCovered, PlannedLeg, PlanRule


class PlanChanged(Conflict, code="plan_changed"):
    """Another plan than the one that was seen holds by now: ``facts["legs"]``, of ``facts["sale"]``."""


def planned(sale: Sale, draft: Draft, *, but: UUID | None = None) -> tuple[PlannedLeg, ...]:
    """The legs of this refund; ``but`` is the stored request that is judged again. Raises ``Invalid`` where the payments together
    cannot take it, or a drawer would give more of the order than the merchant lets it.
    """
    only = PlannedLeg(1, sale.id, draft.route, draft.amount_fen, "only_payment")
    if is_by_hand(draft.route):
        return (only,)
    rules = policies.rules_of(sale.policy_version_id)
    is_in_parts = rules.tranche_fen is not None and draft.amount_fen > rules.tranche_fen
    if not sale.payments and not is_in_parts:
        return (only,)
    try:
        legs = plan.choose(
            amount_fen=draft.amount_fen,
            payments=[one.capacity for one in sale.payments or (sale,)],
            rule=PlanRule(rules.plan_rule),
            tranche_fen=rules.tranche_fen,
        )
    except NotCovered as error:
        raise Invalid(
            "the order's payments have less left to refund than was asked for", code="exceeds_refundable"
        ) from error
    for leg in legs:
        if is_by_hand(leg.route):
            try:
                sums.check_route_cap(
                    transaction_id=sale.id,
                    route=leg.route,
                    amount_fen=leg.amount_fen,
                    limit_fen=rules.route_rule(leg.route).limit_fen,
                    but=but,
                )
            except CapReached as error:
                raise Invalid(str(error), code=error.code) from error
    return legs


def check_seen(legs: Sequence[PlannedLeg], sale: Sale, seen: str) -> None:
    """Raise ``PlanChanged`` where the caller has seen another plan."""
    if seen and seen != hash_of(legs):
        raise PlanChanged("the plan is another one by now: look at it and send its hash", legs=legs, sale=sale)


def hash_of(legs: Sequence[PlannedLeg]) -> str:
    """What tells two plans apart: legs, payments, routes and amounts."""
    return plan.plan_hash((leg.sequence, leg.transaction_id, leg.route, leg.amount_fen) for leg in legs)


def payment_of(sale: Sale, leg: PlannedLeg) -> Sale:
    """The payment that a leg goes back by."""
    return next((one for one in sale.payments if one.id == leg.transaction_id), sale)
