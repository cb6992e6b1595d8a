"""Closing a day once everything in it agrees or is resolved, and reopening it with a note."""

from datetime import datetime

from django.db import transaction

from core.audit.record import record_of
from core.errors import Conflict, Invalid, NotFound
from core.plain_text import one_line
from merchants.principals import Principal
from merchants.rights import Act, check_may
from reconciliation import days, matching
from reconciliation.models import ReconciliationDay
from reconciliation.models.bill import DayState


class CannotClose(Conflict, code="cannot_close"):
    """Something is open yet; ``code`` says what: ``bill_missing``, ``differences_open`` or ``payouts_pending``."""


class NotClosed(Conflict, code="day_not_closed"):
    """Only a closed day can be reopened."""


def why_not_close(day: ReconciliationDay) -> str:
    """The code of what keeps the day from being closed; empty where nothing does."""
    if day.bill_id is None:
        return "bill_missing"
    if day.open_differences:
        return "differences_open"
    return "payouts_pending" if day.pending else ""


@transaction.atomic
def close(*, day_id: int, by: Principal, at: datetime) -> ReconciliationDay:
    """Close a day of which nothing is open, as compared at this moment. Raises ``CannotClose``, ``DayClosed``, ``Forbidden``."""
    day = _own(day_id, by)
    if day.bill_id is not None:
        matching.compare(day=day, at=at)
    if code := why_not_close(day):
        raise CannotClose("the day cannot be closed yet", code=code)
    day.state, day.closed_at, day.closed_by_id, day.due_at = DayState.CLOSED, at, by.staff_id, None
    day.save(update_fields=["state", "closed_at", "closed_by", "due_at"])
    figures = {"ours_fen": day.ours_fen, "bill_fen": day.bill_fen, "matched": day.matched}
    _record(day, "reconciliation.close", by, at, **figures)
    return day


@transaction.atomic
def reopen(*, day_id: int, note: str, by: Principal, at: datetime) -> ReconciliationDay:
    """Open a closed day again, saying why. Raises ``NotClosed``, ``Invalid``, ``Forbidden``."""
    check_may(Act.CLOSE_DAY, by=by)
    text = one_line(note, limit=500)
    if not text:
        raise Invalid("say why the day is opened again", code="message_required")
    day = (
        ReconciliationDay.objects.select_for_update(of=("self",))
        .select_related("channel_account")
        .filter(pk=day_id, merchant_id=by.acting_for)
        .first()
    )
    if day is None:
        raise NotFound("there is no such day of reconciliation")
    if day.state != DayState.CLOSED:
        raise NotClosed("this day is open")
    day.state, day.closed_at, day.closed_by, day.reopen_note = DayState.OPEN, None, None, text
    day.save(update_fields=["state", "closed_at", "closed_by", "reopen_note"])
    _record(day, "reconciliation.reopen", by, at, note=text)
    return day


def _own(day_id: int, by: Principal) -> ReconciliationDay:
    check_may(Act.CLOSE_DAY, by=by)
    if not ReconciliationDay.objects.filter(pk=day_id, merchant_id=by.acting_for).exists():
        raise NotFound("there is no such day of reconciliation")
    return days.locked(day_id)


def _record(day: ReconciliationDay, action: str, by: Principal, at: datetime, **data: object) -> None:
    record_of(
        day,
        by=by.actor,
        action=action,
        at=at,
        data={"account": day.channel_account.code, "date": day.date.isoformat(), **data},
    )
