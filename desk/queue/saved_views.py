"""The saved views of the review desk: what each holds, and how many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from desk.access import Scope
from desk.keyset import CAP, Capped
from merchants.models import Staff
from refunds.facts import approvals, delay
from refunds.states import OPEN_FOR_REVIEW, State

#: With less time left than this a request is about to be late; the clock turns amber at the same moment.
SOON = timedelta(minutes=20)

#: Where a channel did not do what it was asked.
TROUBLE = (State.FAILED, State.UNKNOWN)


#: What somebody decided a moment ago is in no view any more; in SQL below.
UNDECIDED_YET = Q(pending_decision=None)
_UNDECIDED_YET = "NOT EXISTS (SELECT FROM refunds_pendingdecision p WHERE p.request_id = refunds_refundrequest.id)"


@dataclass(frozen=True, slots=True)
class View:
    """``condition`` for the ORM and ``sql`` for counting say the same; a test holds them against each other.

    ``urgent`` views have their number in red.
    """

    name: str
    label: Promise | str
    condition: Callable[[Staff, datetime], Q]
    sql: str
    urgent: bool = False


VIEWS: tuple[View, ...] = (
    View("waiting", _("Waiting for review"), lambda _staff, _at: Q(state=State.IN_REVIEW), "state = 'in_review'"),
    View(
        "mine",
        _("On my desk"),
        lambda staff, _at: Q(state__in=OPEN_FOR_REVIEW, claimed_by=staff),
        "state IN ('in_review', 'needs_info') AND claimed_by_id = %(staff)s",
    ),
    View(
        "unclaimed",
        _("Unclaimed"),
        lambda _staff, _at: Q(state=State.IN_REVIEW, claimed_by=None),
        "state = 'in_review' AND claimed_by_id IS NULL",
    ),
    View(
        "soon",
        _("Almost late"),
        lambda _staff, at: Q(state=State.IN_REVIEW, due_at__lt=at + SOON),
        "state = 'in_review' AND due_at < %(soon)s",
        urgent=True,
    ),
    View(
        "escalated",
        _("Escalated"),
        lambda _staff, _at: Q(state=State.IN_REVIEW, escalated_at__isnull=False),
        "state = 'in_review' AND escalated_at IS NOT NULL",
        urgent=True,
    ),
    View(
        "delayed",
        _("12 days and more"),
        lambda _staff, at: delay.long(at),
        "state = ANY(%(open)s) AND created_at <= %(long_since)s",
        urgent=True,
    ),
    View(
        "second",
        _("Waits for a second approver"),
        lambda _staff, at: Q(
            Exists(approvals.given_first().filter(request_id=OuterRef("pk"), lapses_at__gt=at)), state=State.IN_REVIEW
        ),
        "state = 'in_review' AND EXISTS (SELECT 1 FROM refunds_approval a WHERE a.request_id = refunds_refundrequest.id "
        "AND a.version = refunds_refundrequest.version AND a.decision = 'approve' AND a.lapses_at > %(now)s)",
    ),
    View("info", _("Waiting for the customer"), lambda _staff, _at: Q(state=State.NEEDS_INFO), "state = 'needs_info'"),
    View("goods", _("Goods on their way"), lambda _staff, _at: Q(state=State.WAITING_GOODS), "state = 'waiting_goods'"),
    View(
        "trouble",
        _("Channel trouble"),
        lambda _staff, _at: Q(state__in=TROUBLE),
        "state IN ('failed', 'unknown')",
        urgent=True,
    ),
)


def view_named(name: str) -> View:
    """The saved view of this name; the first for any other."""
    return next((view for view in VIEWS if view.name == name), VIEWS[0])


def counts(*, scope: Scope, at: datetime) -> Mapping[str, Capped]:
    """How many refunds each view holds, each counted up to the cap, in one statement a request."""
    if "counts" not in scope.known:
        scope.known["counts"] = _count(scope, at)
    counted: Mapping[str, Capped] = scope.known["counts"]
    return counted


def _count(scope: Scope, at: datetime) -> Mapping[str, Capped]:
    stores = "" if scope.store_ids is None else " AND store_id = ANY(%(stores)s)"
    parts = ", ".join(
        "(SELECT count(*) FROM (SELECT 1 FROM refunds_refundrequest "  # noqa: S608 - fixed texts, values are parameters
        f"WHERE merchant_id = %(merchant)s AND {view.sql}{stores} AND {_UNDECIDED_YET} LIMIT {CAP + 1}) AS capped)"
        for view in VIEWS
    )
    values: dict[str, Any] = {
        "merchant": scope.staff.merchant_id,
        "staff": scope.staff.pk,
        "soon": at + SOON,
        "open": [state.value for state in delay.OPEN],
        "long_since": delay.long_since(at),
        "now": at,
        "stores": sorted(scope.store_ids or ()),
    }
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {parts}", values)
        found = cursor.fetchone()
    assert found is not None
    return {view.name: Capped(number) for view, number in zip(VIEWS, found, strict=True)}
