"""How many approve a refund, and the first of two approvals while it waits for the second."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, QuerySet

from merchants import policies
from refunds.models import Approval, RefundRequest
from refunds.models.approval import Decision
from refunds.rules import policy
from refunds.states import State


def needed(*, request: RefundRequest, sum_fen: int, at: datetime, routes: Collection[str] = ()) -> int:
    """How many approve, by ``sums.deciding_fen``, the policy in force now and ``routes``, by default the request's own."""
    rules = policies.rules_in_force(merchant_id=request.merchant_id, at=at)
    return policy.approvers(rules, routes or routes_of(request), sum_fen)


def routes_of(request: RefundRequest) -> set[str]:
    """By which routes it goes back."""
    return {leg.route for leg in request.legs.all()} if request.leg_count else {request.route}


def lapses_at(*, request: RefundRequest, at: datetime) -> datetime:
    """Until when a first approval given now waits for the second."""
    rules = policies.rules_in_force(merchant_id=request.merchant_id, at=at)
    return at + timedelta(hours=rules.second_approval_hours)


def given_first() -> QuerySet[Approval]:
    """First approvals of requests that have not changed since: another amount, payee or route is another version."""
    given = Approval.objects.filter(decision=Decision.APPROVE, lapses_at__isnull=False)
    return given.filter(version=F("request__version"))


def first_of_two(*, request: RefundRequest, at: datetime) -> Approval | None:
    """The one that waits for a second now."""
    return firsts(requests=[request], at=at).get(request.pk)


def firsts(*, requests: Sequence[RefundRequest], at: datetime) -> dict[UUID, Approval]:
    """``first_of_two`` of each that has one, in one statement. A later one takes the place of one over another amount."""
    rows = given_first().filter(request_id__in=[request.pk for request in requests], lapses_at__gt=at)
    return {row.request_id: row for row in rows.select_related("staff").order_by("pk")}


def givers(some: Iterable[Approval | None]) -> frozenset[int]:
    """Who stands behind approvals: those who gave them and those for whom they were given."""
    people = (pk for one in some if one is not None for pk in (one.staff_id, one.on_behalf_of_id))
    return frozenset(pk for pk in people if pk is not None)


def counting(request: RefundRequest, rows: Iterable[Approval], *, at: datetime) -> list[Approval]:
    """Of a request's decisions those that count as approvals now, the first of two before the second."""
    given = sorted((row for row in rows if row.decision == Decision.APPROVE), key=lambda row: row.pk)
    if request.state == State.IN_REVIEW:
        waits = [row for row in given if row.version == request.version and row.lapses_at and row.lapses_at > at]
        return waits[-1:]
    final = next((row for row in reversed(given) if row.lapses_at is None), None)
    if final is None or request.by_rule or request.approved_fen is None:
        return []
    before = [row for row in given if row.lapses_at is not None and row.version == final.version - 1]
    return [*(before[-1:] if final.needed > 1 else ()), final]
