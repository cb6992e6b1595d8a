"""The same decision for many refunds: first as a dry run with totals, then for real, each by itself.

There is no second way of deciding: every row goes through the domain call of a single decision, and can be taken back as long.
The dry run makes the same calls and rolls them back, so that it promises exactly what will happen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from core.dry_run import taken_back
from core.errors import DomainError, Invalid
from core.plain_text import colon
from desk import forms, words
from desk.access import Scope, staff_posts
from desk.addresses import return_to
from desk.forms import RejectReasonChoice
from desk.rendering import go_on, is_htmx, refusal, render_page
from desk.undo import show_undo
from merchants.principals import Principal
from merchants.rights import Act
from merchants.signing import MustSign
from refunds.models import PendingDecision, RefundRequest
from refunds.models.approval import Decision
from refunds.review import deciding, pending
from refunds.states import RejectReason, State


@dataclass(frozen=True, slots=True)
class Allowed:
    """``key`` is ``<number>@<version>``: the version that was looked at. ``overdue``: its time has run out."""

    number: str
    amount_fen: int
    key: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class Refused:
    number: str
    amount_fen: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPage:
    action: str
    action_label: str
    total_fen: int
    allowed: Sequence[Allowed]
    refused: Sequence[Refused]
    return_to: str
    reject_reasons: Sequence[RejectReasonChoice]


#: As many as one page of the desk can hold, with room.
_MOST = 100


@dataclass(frozen=True, slots=True)
class BulkAction:
    """What is to be done to every chosen refund. ``versions`` are those that the person saw in the dry run."""

    action: str
    by: Principal
    at: datetime
    versions: dict[str, int]
    reason: str = ""
    message: str = ""


def _decide(
    decision: Decision, row: RefundRequest, version: int, order: BulkAction, **said: str
) -> PendingDecision | None:
    return pending.decide(request_id=row.pk, decision=decision, by=order.by, at=order.at, version=version, **said)[1]


_DEEDS: dict[str, Callable[[RefundRequest, int, BulkAction], object]] = {
    "approve": lambda row, version, order: _decide(Decision.APPROVE, row, version, order),
    "reject": lambda row, version, order: _decide(
        Decision.REJECT, row, version, order, reason=order.reason, message=order.message
    ),
    "claim": lambda row, _version, order: deciding.claim(request_id=row.pk, by=order.by, at=order.at),
    "release": lambda row, _version, order: deciding.release(request_id=row.pk, by=order.by, at=order.at),
    "undo": lambda row, _version, order: pending.undo(request_id=row.pk, by=order.by, at=order.at),
}


@staff_posts(Act.CLAIM)
def bulk(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Without ``confirm`` the dry run, with it the deed; keys are ``<number>`` or ``<number>@<version>``."""
    back = return_to(request, reverse("desk:queue"))
    try:
        order = _order(request, scope)
    except DomainError as error:
        if is_htmx(request) and request.POST.get("confirm"):
            return refusal(request, error)
        messages.error(request, words.explain(error))
        return go_on(request, back)
    chosen = scope.requests().filter(number__in=order.versions).only("number", "version", "amount_fen", "due_at")
    rows = list(chosen.order_by("due_at", "pk"))
    if not request.POST.get("confirm"):
        return render_page(request, "desk/bulk.html", _dry_run(order, rows, back))
    errors = [(row, _refusal(row, order)) for row in rows]
    done = [row.pk for row, why in errors if why is None]
    first = 0
    if order.action in ("approve", "reject") and (waiting := list(PendingDecision.objects.filter(pk__in=done))):
        show_undo(request, waiting[0])
        done = list(set(done) - {one.pk for one in waiting})
    if order.action == "approve":
        first = RefundRequest.objects.filter(pk__in=done, state=State.IN_REVIEW).count()
    _report(request, order.action, done=len(done) - first)
    if first:
        said = ngettext("%(n)s refund has 1 of 2 approvals.", "%(n)s refunds have 1 of 2 approvals.", first)
        messages.success(request, said % {"n": first})
    for row, why in errors:
        if why is not None:
            messages.error(request, f"{row.number}{colon()}{words.explain(why)}")
    return go_on(request, back)


def _order(request: HttpRequest, scope: Scope) -> BulkAction:
    action = request.POST.get("action", "")
    if action not in _DEEDS:
        raise Invalid("no such bulk action", code="form_incomplete")
    keys = request.POST.getlist("keys")[:_MOST]
    if not keys:
        raise Invalid("nothing was chosen", code="nothing_chosen")
    versions: dict[str, int] = {}
    for key in keys:
        number, _, version = key.partition("@")
        seen = forms.whole(version, digits=8)
        versions[number] = -1 if seen is None else seen
    order = BulkAction(action, scope.by, timezone.now(), versions)
    if action == "reject" and request.POST.get("confirm"):
        said = forms.rejection(request.POST)
        return replace(order, reason=said.reason, message=said.message)
    return order


def _dry_run(order: BulkAction, rows: list[RefundRequest], back: str) -> BulkPage:
    # The reason and the words of a rejection are asked for in the dialog; any will do to see whether it would be allowed.
    trial = replace(order, reason=RejectReason.NOT_COVERED.value, message=gettext("Dry run"))
    allowed, refused = [], []
    for row in rows:
        with taken_back():
            error = _refusal(row, trial)
        if error is None:
            allowed.append(
                Allowed(row.number, row.amount_fen, f"{row.number}@{_version(row, order)}", row.due_at < order.at)
            )
        else:
            refused.append(Refused(row.number, row.amount_fen, words.short(error)))
    labels = {
        "approve": gettext("Approve and refund"),
        "reject": gettext("Reject the refunds"),
        "claim": gettext("Claim"),
        "release": gettext("Release"),
        "undo": gettext("Undo"),
    }
    return BulkPage(
        action=order.action,
        action_label=labels[order.action],
        total_fen=sum(item.amount_fen for item in allowed),
        allowed=allowed,
        refused=refused,
        return_to=back,
        reject_reasons=forms.reject_reasons(),
    )


def _version(row: RefundRequest, order: BulkAction) -> int:
    """Where no version came along (the desk's check boxes) the one of this moment is meant."""
    version = order.versions[row.number]
    return row.version if version < 0 else version


def _refusal(row: RefundRequest, order: BulkAction) -> DomainError | None:
    """Do it; None where it was done."""
    try:
        _DEEDS[order.action](row, _version(row, order), order)
    except MustSign as asked:
        # Each is signed by itself, with its own fields before one's eyes.
        return asked.as_refusal()
    except DomainError as error:
        return error
    return None


def _report(request: HttpRequest, action: str, *, done: int) -> None:
    if not done:
        return
    counted = {
        "approve": ngettext("%(n)s refund approved.", "%(n)s refunds approved.", done),
        "reject": ngettext("%(n)s refund rejected.", "%(n)s refunds rejected.", done),
        "claim": ngettext("%(n)s refund claimed.", "%(n)s refunds claimed.", done),
        "release": ngettext("%(n)s refund released.", "%(n)s refunds released.", done),
        "undo": ngettext(
            "%(n)s refund is on your desk again. No money moved, and nobody was told.",
            "%(n)s refunds are on your desk again. No money moved, and nobody was told.",
            done,
        ),
    }[action]
    messages.success(request, counted % {"n": done})
