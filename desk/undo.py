"""Decisions of this person that can still be taken back, for the strip with their countdown on every page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from core.money import yuan_grouped
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from refunds.models import PendingDecision
from refunds.models.approval import Decision

#: Until when the session has anything to take back: without it nothing is read.
_UNTIL = "undo_until"


@dataclass(frozen=True, slots=True)
class Undoable:
    """``left_s`` is how soon the decision takes effect, in seconds; ``return_to`` is the refund, on the desk again. Several that
    were decided at once have their ``numbers``, and are taken back at once.
    """

    number: str
    said: str
    left_s: int
    url: str
    return_to: str
    numbers: Sequence[str] = ()


def show_undo(request: HttpRequest, pending: PendingDecision) -> str:
    """The pages show it from now on, and say all that there is to say: ""."""
    request.session[_UNTIL] = pending.effective_at.timestamp()
    return ""


def undoable(request: HttpRequest, scope: Scope, *, at: datetime) -> Sequence[Undoable]:
    """What this person can still take back, the latest first."""
    if at.timestamp() >= request.session.get(_UNTIL, 0):
        return ()
    rows = PendingDecision.objects.filter(staff=scope.staff, effective_at__gt=at).order_by("-effective_at")
    at_once: dict[tuple[datetime, str], list[PendingDecision]] = {}
    for row in rows.select_related("request"):
        at_once.setdefault((row.decided_at, row.decision), []).append(row)
    return [_undoable(found[0], at) if len(found) == 1 else _of_several(found, at) for found in at_once.values()]


def _of_several(rows: Sequence[PendingDecision], at: datetime) -> Undoable:
    told = {"n": len(rows), "amount": yuan_grouped(sum(row.request.amount_fen for row in rows))}
    said = gettext("%(n)s refunds are rejected.") % told
    if rows[0].decision == Decision.APPROVE:
        said = gettext("%(n)s refunds are approved: ¥%(amount)s in all.") % told
    numbers = [row.request.number for row in rows]
    back = with_query(reverse("desk:queue"), view="mine")
    return Undoable(numbers[0], said, _left_s(rows[0], at), reverse("desk:bulk"), back, numbers)


def _undoable(row: PendingDecision, at: datetime) -> Undoable:
    number = row.request.number
    said = gettext("%(number)s is rejected.") % {"number": number}
    if row.decision == Decision.APPROVE:
        amount = yuan_grouped(row.said.get("amount_fen") or row.request.amount_fen)
        said = gettext("%(number)s is approved: ¥%(amount)s.") % {"number": number, "amount": amount}
    back = with_query(reverse("desk:queue"), view="mine", selected=number)
    return Undoable(number, said, _left_s(row, at), refund_url(number, "undo"), back)


def _left_s(row: PendingDecision, at: datetime) -> int:
    return math.ceil((row.effective_at - at).total_seconds())
