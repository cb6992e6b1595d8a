"""Refunds that take so long that the law will call it deliberate delay (``refunds.rules.floor``)."""

from datetime import datetime, timedelta

from django.db.models import Q

from refunds.models import RefundRequest
from refunds.rules.floor import DELAY_WARNING_DAY
from refunds.states import PAID, State

#: Neither paid nor ended without money; what failed is still owed.
OPEN = tuple(state for state in State if state not in (*PAID, State.REJECTED, State.CANCELLED, State.SUBMITTED))
_LONG = timedelta(days=DELAY_WARNING_DAY)


def long_since(at: datetime) -> datetime:
    """What was asked for before then is in its twelfth day or later, and had better be paid."""
    return at - _LONG


def long(at: datetime) -> Q:
    """Refunds that are open or unpaid for that long."""
    return Q(state__in=OPEN, created_at__lte=long_since(at))


def is_long(request: RefundRequest, *, at: datetime) -> bool:
    """Whether a refund is open or unpaid for that long."""
    return request.state in OPEN and request.created_at <= long_since(at)
