"""The same decision for many refunds: first as a dry run with totals, then for real, each by itself.

There is no second way of deciding: every row goes through the domain call of a single decision. The dry run makes the same
calls and rolls them back, so that it promises exactly what will happen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from core.dry_run import taken_back
from core.errors import DomainError, Invalid
from desk import forms, words
from desk.access import Scope, is_htmx, staff_page
from desk.addresses import return_to
from desk.views.answers import go_on, refusal
from merchants.principals import Principal
from merchants.rights import Act
from refunds.models import RefundRequest
from refunds.review import deciding
from refunds.states import RejectReason

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


Deed = Callable[[RefundRequest, int, BulkAction], object]

_DEEDS: dict[str, Deed] = {
    "approve": lambda row, version, order: deciding.approve(
        request_id=row.pk, by=order.by, at=order.at, version=version
    ),
    "reject": lambda row, version, order: deciding.reject(
        request_id=row.pk,
        by=order.by,
        at=order.at,
        version=version,
        reason=order.reason,
        message=order.message,
    ),
    "claim": lambda row, _version, order: deciding.claim(request_id=row.pk, by=order.by, at=order.at),
    "release": lambda row, _version, order: deciding.release(request_id=row.pk, by=order.by, at=order.at),
}


@require_POST
@staff_page(Act.CLAIM)
def bulk(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Without ``confirm`` the dry run, with it the deed; keys are ``<number>`` or ``<number>@<version>``."""
    back = return_to(request, reverse("desk:queue"))
    try:
        order = _order(request, scope)
        rows = _rows(scope, order)
    except DomainError as error:
        if is_htmx(request) and request.POST.get("confirm"):
            return refusal(request, error)
        messages.error(request, words.explain(error))
        return go_on(request, back)
    if not request.POST.get("confirm"):
        return _dry_run(request, order, rows, back)
    done, refused = [], []
    for row in rows:
        try:
            _DEEDS[order.action](row, order.versions.get(row.number, row.version), order)
            done.append(row)
        except DomainError as error:
            refused.append((row, error))
    _report(request, order.action, done, refused)
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
        versions[number] = int(version) if version.isascii() and version.isdigit() and len(version) < 9 else -1
    reason, message = "", ""
    if action == "reject" and request.POST.get("confirm"):
        said = forms.rejection(request.POST)
        reason, message = said.reason, said.message
    return BulkAction(action, scope.by, timezone.now(), versions, reason, message)


def _rows(scope: Scope, order: BulkAction) -> list[RefundRequest]:
    rows = list(
        scope.requests()
        .filter(number__in=order.versions)
        .only("number", "version", "amount_fen")
        .order_by("due_at", "pk")
    )
    # Where no version came along (the desk's check boxes) the one of this moment is meant.
    for row in rows:
        if order.versions[row.number] < 0:
            order.versions[row.number] = row.version
    return rows


def _dry_run(request: HttpRequest, order: BulkAction, rows: list[RefundRequest], back: str) -> HttpResponse:
    # The reason and the words of a rejection are asked for in the dialog; any will do to see whether it would be allowed.
    trial = BulkAction(
        order.action, order.by, order.at, order.versions, RejectReason.NOT_COVERED.value, gettext("Dry run")
    )
    allowed: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for row in rows:
        shown = {"number": row.number, "amount_fen": row.amount_fen}
        error = _would_refuse(row, trial)
        if error is None:
            allowed.append({**shown, "key": f"{row.number}@{order.versions[row.number]}"})
        else:
            refused.append({**shown, "reason": words.short(error)})
    context = {
        "action": order.action,
        "action_label": _label(order.action),
        "keys": [item["key"] for item in allowed],
        "count": len(allowed),
        "total_fen": sum(item["amount_fen"] for item in allowed),
        "allowed": allowed,
        "refused": refused,
        "bulk_url": reverse("desk:bulk"),
        "return_to": back,
        "reject_reasons": forms.reject_reasons(),
    }
    return render(request, "desk/bulk.html", context)


def _would_refuse(row: RefundRequest, order: BulkAction) -> DomainError | None:
    """Make the call and take it back."""
    try:
        with taken_back():
            _DEEDS[order.action](row, order.versions[row.number], order)
    except DomainError as error:
        return error
    return None


def _label(action: str) -> str:
    return {
        "approve": gettext("Approve and refund"),
        "reject": gettext("Reject the refunds"),
        "claim": gettext("Claim"),
        "release": gettext("Release"),
    }[action]


def _report(
    request: HttpRequest, action: str, done: list[RefundRequest], refused: list[tuple[RefundRequest, DomainError]]
) -> None:
    if done:
        counted = {
            "approve": ngettext("%(n)s refund approved.", "%(n)s refunds approved.", len(done)),
            "reject": ngettext("%(n)s refund rejected.", "%(n)s refunds rejected.", len(done)),
            "claim": ngettext("%(n)s refund claimed.", "%(n)s refunds claimed.", len(done)),
            "release": ngettext("%(n)s refund released.", "%(n)s refunds released.", len(done)),
        }[action]
        messages.success(request, counted % {"n": len(done)})
    for row, error in refused:
        messages.error(request, f"{row.number}: {words.explain(error)}")
