"""Two approvals: who gave the first, whether it lapsed, and whether enough people are there for what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from core.money import yuan_grouped
from desk import people
from desk.access import Scope
from desk.templatetags.desk_format import when_minute
from merchants import principals
from merchants.rights import Act
from refunds.facts import approvals, conditions, sums
from refunds.models import Approval, RefundRequest
from refunds.review.handing_over import colleagues
from refunds.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """Sentences, empty where there is nothing to say: how many approvals there are, and that too few people are on duty."""

    said: str = ""
    too_few: str = ""


def second(
    request: RefundRequest, *, rows: Sequence[Approval], scope: Scope, may_approve: bool, at: datetime
) -> Second:
    """``rows`` are the request's decisions with their people; ``may_approve`` is the reader's own right."""
    if request.state != State.IN_REVIEW:
        return Second()
    sum_fen = sums.deciding_fen(request=request, amount_fen=request.amount_fen)
    needed = approvals.needed(request=request, sum_fen=sum_fen, at=at)
    given = approvals.counting(request, rows, at=at)
    if needed < 2 and may_approve:
        return Second()
    missing = needed - len(given) - may_approve
    there = _on_duty(request, scope=scope, at=at) if missing > 0 and scope.may(Act.SEE_QUEUE) else missing
    return Second(said=_said(request, rows, given, needed, at), too_few=_too_few(missing, there))


def _on_duty(request: RefundRequest, *, scope: Scope, at: datetime) -> int:
    able = colleagues(request=request, at=at).exclude(pk=scope.staff.pk)
    here = people.on_duty(able)
    return sum(not conditions.has_hand_in(request, by=principals.of_staff(one)) for one in here)


def _too_few(missing: int, there: int) -> str:
    if there >= missing:
        return ""
    if not there:
        return gettext("Nobody else who may approve this is on duty.")
    return gettext("Fewer people who may approve this are on duty than it needs.")


def _said(
    request: RefundRequest, rows: Sequence[Approval], given: Sequence[Approval], needed: int, at: datetime
) -> str:
    lapsed = [row for row in rows if row.version == request.version and row.lapses_at and row.lapses_at <= at]
    one = (given or lapsed)[-1] if given or lapsed else None
    if one is None:
        return gettext("Two people have to approve this one.") if needed > 1 else ""
    values = {
        "name": one.staff.name,
        "amount": yuan_grouped(one.amount_fen or 0),
        "until": when_minute(one.lapses_at),
    }
    if given:
        return gettext("1 of 2 approvals: %(name)s approved ¥%(amount)s. It counts until %(until)s.") % values
    return (
        gettext(
            "%(name)s approved ¥%(amount)s, and no second approval came until %(until)s: it is in plain review again."
        )
        % values
    )
