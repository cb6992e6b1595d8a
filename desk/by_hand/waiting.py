"""Which payouts wait for a person who is looking."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from desk.access import Scope
from desk.keyset import CAP, Capped
from merchants.rights import Act
from refunds.models import Execution, RefundRequest
from refunds.states import BY_HAND, EXECUTION_ENDED, ExecutionState, Route, State


def waiting(scope: Scope) -> QuerySet[RefundRequest]:
    """What this person's role pays, in their stores: a cashier cash, the others everything; of a plan, a leg of it."""
    routes = tuple(BY_HAND) if scope.may(Act.PAY_BY_HAND) else (Route.CASH,)
    leg = Execution.objects.filter(request=OuterRef("pk"), channel_account__channel__in=routes).exclude(
        state__in=(*EXECUTION_ENDED, ExecutionState.READY, ExecutionState.SENDING)
    )
    whole = Q(state=State.MANUAL_PENDING, leg_count=0, route__in=routes)
    in_part = Q(state__in=(State.MANUAL_PENDING, State.PARTIALLY_REFUNDED), leg_count__gt=0)
    return scope.requests().filter(whole | (in_part & Exists(leg)))


def count(scope: Scope) -> Capped:
    """How many, counted up to the cap, once a request."""
    if "by_hand" not in scope.known:
        scope.known["by_hand"] = Capped(waiting(scope).order_by()[: CAP + 1].count())
    counted: Capped = scope.known["by_hand"]
    return counted
