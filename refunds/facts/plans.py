"""The legs of a stored request: what they are, where each stands, and which of them may be paid out now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.audit.actors import Actor
from core.audit.record import record_of
from core.errors import Conflict
from core.sql import save_fields
from merchants import policies
from refunds.models import Execution, Leg, RefundRequest
from refunds.models.execution import new_execution
from refunds.models.hand_accounts import METHOD_BY_HAND, account_of, is_by_hand
from refunds.rules import plan
from refunds.rules.method import MethodChoice, choose_method
from refunds.rules.plan import PlanRule
from refunds.states import EXECUTION_ENDED, ExecutionState
from terminals.models import Funding, Transaction

#: Where a leg stands without a payout: nobody has begun, or nobody will.
PLANNED, GIVEN_UP = "planned", "given_up"

#: What is read of a leg for the payment that it goes back by.
OF_PAYMENT = (
    "request_id",
    "sequence",
    "transaction__channel",
    "transaction__channel_transaction_no",
    "transaction__amount_fen",
)

#: The code of a payout that a person gave up because its channel account took no calls.
ACCOUNT_GIVEN_UP = "account_given_up"
#: A channel's word (``payment_channels.contract.Retry``): the account has to be put right first.
_AFTER_MENDING = "after_mending"


@dataclass(frozen=True, slots=True)
class LegStatus:
    """A leg with its payouts, the latest one last. ``state`` is that one's, or ``planned`` or ``given_up``."""

    leg: Leg
    state: str
    attempts: Sequence[Execution]

    @property
    def is_paid(self) -> bool:
        return self.state == ExecutionState.SUCCEEDED

    @property
    def is_open(self) -> bool:
        """A payout of it is under way."""
        return bool(self.attempts) and self.attempts[-1].state not in EXECUTION_ENDED

    @property
    def has_failed(self) -> bool:
        """It stands still until a person does something."""
        return self.state in (ExecutionState.FAILED, ExecutionState.CANCELLED)

    @property
    def is_barred(self) -> bool:
        """Its channel account takes no calls, or is no longer in use, and no call under its number can have arrived: what was
        never asked about was refused each time.
        """
        last = self.attempts[-1] if self.attempts else None
        if last is None or last.queries or last.state not in (ExecutionState.HELD, ExecutionState.READY):
            return False
        return last.failure_retry == _AFTER_MENDING or not (
            is_by_hand(self.leg.route) or last.channel_account.is_active
        )


def end_barred(one: LegStatus, *, request: RefundRequest, by: Actor, at: datetime, note: str = "") -> None:
    """End the payout of a leg whose account takes no calls, unpaid. The caller holds the request and the payout."""
    last = one.attempts[-1]
    last.state, last.due_at, last.ended_at = ExecutionState.FAILED, None, at
    last.failure_code, last.failure_remedy = ACCOUNT_GIVEN_UP, "other_way"
    last.failure_retry = last.failure_retry or _AFTER_MENDING
    save_fields([last], ("state", "due_at", "ended_at", "failure_code", "failure_retry", "failure_remedy"))
    record_of(
        request,
        by=by,
        action="refund.give_up_account",
        at=at,
        data={"refund_no": last.refund_no, "leg": one.leg.sequence, "note": note},
    )


def legs_of(request: RefundRequest) -> list[Leg]:
    """The stored legs; of an everyday refund the one that it is, unsaved."""
    if request.leg_count:
        return sorted(request.legs.all(), key=lambda leg: leg.sequence)
    amount_fen = request.amount_fen if request.approved_fen is None else request.approved_fen
    return [
        Leg(
            request=request,
            sequence=1,
            transaction_id=request.transaction_id,
            route=request.route,
            amount_fen=amount_fen,
            reserved_fen=request.reserved_fen,
            refunded_fen=request.refunded_fen,
            why="only_payment",
        )
    ]


def payments_of(requests: Iterable[RefundRequest]) -> dict[UUID, list[Transaction]]:
    """By request, the payments that it goes back by, in the order of its legs, where it has several; none of an everyday refund,
    and where there are only such, without asking the database.
    """
    found: dict[UUID, list[Transaction]] = {}
    if in_legs := [request.pk for request in requests if request.leg_count]:
        legs = Leg.objects.filter(request_id__in=in_legs).select_related("transaction").only(*OF_PAYMENT)
        for leg in legs.order_by("request_id", "sequence"):
            payments = found.setdefault(leg.request_id, [])
            if leg.transaction not in payments:
                payments.append(leg.transaction)
    return found


def standing_of(request: RefundRequest, executions: Iterable[Execution] | None = None) -> list[LegStatus]:
    """Where each leg stands; ``executions`` are the request's, where they are known already."""
    payouts = request.executions.all() if executions is None else executions
    by_age = sorted(payouts, key=lambda row: (row.created_at, row.attempt_no))
    found = []
    for leg in legs_of(request):
        # A refund of one leg pays by whatever attempt; legs of a plan have a sequence that no earlier plan had.
        attempts = [row for row in by_age if not request.leg_count or row.sequence == leg.sequence]
        state = attempts[-1].state if attempts else PLANNED
        if request.leg_count and not leg.reserved_fen and request.reserved_fen:
            state = GIVEN_UP
        found.append(LegStatus(leg, str(state), attempts))
    return found


def may_start(legs: Sequence[LegStatus]) -> list[Leg]:
    """Legs to pay out now: not begun, and nothing that goes before them is still to be paid.

    Legs of one payment go one after another, and halt where one fails. What a person pays comes when all the rest is done.
    """
    found = []
    for one in legs:
        if one.state != PLANNED or not one.leg.reserved_fen:
            continue
        by_hand = is_by_hand(one.leg.route)
        before = [
            other
            for other in legs
            if other.leg.sequence < one.leg.sequence
            and (other.leg.transaction_id == one.leg.transaction_id or (by_hand and not is_by_hand(other.leg.route)))
        ]
        if all(other.is_paid or other.state == GIVEN_UP for other in before):
            found.append(one.leg)
    return found


def payouts(request: RefundRequest, legs: Sequence[Leg], *, at: datetime, attempt_no: int = 1) -> list[Execution]:
    """The payouts of these legs, unsaved. Raises ``Conflict`` where a payment cannot be refunded through its channel."""
    sales = _sales(leg.transaction_id for leg in legs)
    found = []
    for leg in legs:
        sale = sales[leg.transaction_id]
        if sale.status != "success" or (sale.channel_account_id is None and not is_by_hand(leg.route)):
            raise Conflict("a payment cannot be refunded on its original route", code="original_route_impossible")
        account_id = account_of(request, leg.route) if is_by_hand(leg.route) else sale.channel_account_id
        assert account_id is not None
        choice = _choice(leg, sale, at)
        found.append(
            new_execution(request, channel_account_id=account_id, choice=choice, at=at, attempt_no=attempt_no, leg=leg)
        )
    return found


def _choice(leg: Leg, sale: Transaction, at: datetime) -> MethodChoice:
    if is_by_hand(leg.route):
        return METHOD_BY_HAND
    others = RefundRequest.objects.filter(transaction_id=sale.pk, leg_count=0, reserved_fen__gt=0).count()
    others += Leg.objects.filter(transaction_id=sale.pk, reserved_fen__gt=0).exclude(request_id=leg.request_id).count()
    return choose_method(
        profile=sale.profile,
        amount_fen=leg.amount_fen,
        paid_fen=sale.amount_fen,
        other_refunds=others,
        paid_at=sale.paid_at,
        at=at,
    )


def narrowed(request: RefundRequest, amount_fen: int, *, at: datetime) -> list[Leg]:
    """The legs for a smaller amount than the request's, within what its legs hold of their payments; unsaved."""
    rules = policies.rules_in_force(merchant_id=request.merchant_id, at=at)
    legs = legs_of(request)
    sales = _sales(leg.transaction_id for leg in legs)
    payable = [
        plan.Payable(
            transaction_id=pk,
            paid_at=sale.paid_at,
            balance_fen=sum(leg.amount_fen for leg in legs if leg.transaction_id == pk),
            refunds_left=sum(leg.transaction_id == pk for leg in legs),
            route=next(leg.route for leg in legs if leg.transaction_id == pk),
            is_stored_value=sale.funding == Funding.BALANCE,
        )
        for pk, sale in sales.items()
    ]
    chosen = plan.choose(
        amount_fen=amount_fen, payments=payable, rule=PlanRule(rules.plan_rule), tranche_fen=rules.tranche_fen
    )
    return rows(request, chosen, after=legs[0].sequence - 1)


def rows(request: RefundRequest, chosen: Iterable[plan.PlannedLeg], *, after: int = 0) -> list[Leg]:
    """Planned legs as they are stored, unsaved, each holding its amount; numbered from ``after`` on."""
    return [
        Leg(
            request=request,
            sequence=after + one.sequence,
            transaction_id=one.transaction_id,
            route=one.route,
            amount_fen=one.amount_fen,
            reserved_fen=one.amount_fen,
            why=one.why,
        )
        for one in chosen
    ]


def hash_of(request: RefundRequest) -> str:
    """The hash of the request's plan, as a quote gave it."""
    legs = legs_of(request)
    first = legs[0].sequence
    return plan.plan_hash((leg.sequence - first + 1, leg.transaction_id, leg.route, leg.amount_fen) for leg in legs)


def _sales(ids: Iterable[UUID]) -> dict[UUID, Transaction]:
    found = Transaction.objects.select_related("channel_account").defer("channel_account__sealed_credentials")
    return {sale.pk: sale for sale in found.filter(pk__in=set(ids)).order_by("paid_at", "pk")}
