"""Which payouts wait for a person who is looking."""

from __future__ import annotations

from django.db.models import QuerySet

from core.errors import Forbidden
from merchants.models import Role, Staff
from refunds import permissions
from refunds.desk.access import Scope
from refunds.desk.keyset import CAP, Capped
from refunds.models import RefundRequest
from refunds.states import Route, State


def waiting(scope: Scope) -> QuerySet[RefundRequest]:
    """What this person's role pays, in their stores: a cashier cash, the others everything."""
    rows = scope.requests().filter(state=State.MANUAL_PENDING)
    return rows.filter(route=Route.CASH) if scope.staff.role == Role.CASHIER else rows


def count(scope: Scope) -> Capped:
    """How many, counted up to the cap, once a request."""
    if "by_hand" not in scope.known:
        scope.known["by_hand"] = Capped(waiting(scope).order_by()[: CAP + 1].count())
    counted: Capped = scope.known["by_hand"]
    return counted


def may_pay(request: RefundRequest, staff: Staff) -> bool:
    """Whether this person may say what came of it; the domain checks again."""
    try:
        permissions.check_may_pay_by_hand(staff=staff, request=request)
    except Forbidden:
        return False
    return True
