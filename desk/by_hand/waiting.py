"""Which payouts wait for a person who is looking."""

from __future__ import annotations

from django.db.models import QuerySet

from desk.access import Scope
from desk.keyset import CAP, Capped
from merchants.rights import Act
from refunds.models import RefundRequest
from refunds.states import Route, State


def waiting(scope: Scope) -> QuerySet[RefundRequest]:
    """What this person's role pays, in their stores: a cashier cash, the others everything."""
    rows = scope.requests().filter(state=State.MANUAL_PENDING)
    return rows if scope.may(Act.PAY_BY_HAND) else rows.filter(route=Route.CASH)


def count(scope: Scope) -> Capped:
    """How many, counted up to the cap, once a request."""
    if "by_hand" not in scope.known:
        scope.known["by_hand"] = Capped(waiting(scope).order_by()[: CAP + 1].count())
    counted: Capped = scope.known["by_hand"]
    return counted
