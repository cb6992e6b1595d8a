"""One refund: its page, its preview, its progress, its voucher."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from desk import presence, refund_page, rows, ways
from desk.access import Scope, is_htmx, staff_page
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.desk_list import position
from desk.forms import info_items, reject_reasons
from desk.people import with_role
from merchants.rights import Act
from refunds.evidence.picture_response import picture_response
from refunds.models import Evidence, RefundRequest
from refunds.review.handing_over import colleagues
from refunds.review.revealing import Contact, reveal
from refunds.states import OPEN_FOR_REVIEW, ExecutionState, Reason, State
from refunds.telling import tracking
from refunds.telling.destinations import destination_label

#: From where a request is sent in again, by another route if need be.
_RESUBMITTED = (State.NEEDS_INFO, State.FAILED, State.REJECTED)
_DIALOGS = frozenset({"approve", "reject", "info", "cancel", "resubmit", "evidence", "reassign", "retry"})


@require_safe
@staff_page()
def refund(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The whole refund."""
    found = refund_page.find(scope, number)
    dialog = request.GET.get("do", "")
    return page(request, scope, found, open_dialog=dialog if dialog in _DIALOGS else "")


def page(
    request: HttpRequest,
    scope: Scope,
    found: RefundRequest,
    *,
    open_dialog: str = "",
    form_error: str = "",
    revealed: Contact | None = None,
    status: int = 200,
) -> HttpResponse:
    """The refund's page, also as the answer to an action that was refused."""
    now = timezone.now()
    presence.look(request_id=found.pk, staff=scope.staff, at=now)
    in_queue = scope.may(Act.SEE_QUEUE)
    back = with_query(reverse("desk:queue"), request.GET) if in_queue else reverse("desk:refunds")
    context = {
        "now": now,
        "refund": refund_page.refund(found, scope=scope, at=now, revealed=revealed),
        "back_url": back,
        "back_label": gettext("Review queue") if in_queue else gettext("All refunds"),
        "position": position(request.GET, request=found, scope=scope, at=now) if in_queue else None,
        "return_to": with_query(refund_url(found.number), request.GET),
        **dialogs(found, open_dialog, form_error),
    }
    return render(request, "desk/detail.html", context, status=status)


@require_safe
@staff_page(Act.SEE_QUEUE)
def pane(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The preview beside the queue; a decision in it goes on with the next row."""
    now = timezone.now()
    found = refund_page.find(scope, number)
    presence.look(request_id=found.pk, staff=scope.staff, at=now)
    query = request.GET.copy()
    following = query.pop("next", [""])[-1]
    leads = rows.queue_addresses(number, query, following=str(following))
    context = {
        "now": now,
        "selected": {**refund_page.refund(found, scope=scope, at=now), "url": leads["url"]},
        "return_to": leads["return_to"],
        **dialogs(found),
    }
    return render(request, "desk/queue.html#pane", context)


@require_safe
@staff_page()
def show_progress(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The steps and who else looks. Once anything changed, a claim included, the whole page is loaded anew."""
    found = refund_page.find(scope, number)
    now = timezone.now()
    presence.look(request_id=found.pk, staff=scope.staff, at=now)
    if request.GET.get("stamp") != rows.stamp(found):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    context = {"now": now, "refund": refund_page.refund(found, scope=scope, at=now), "fragment": True}
    parts = (render_to_string(f"desk/detail.html#{part}", context, request) for part in ("progress", "viewers"))
    return HttpResponse("".join(parts))


@require_POST
@staff_page()
def reveal_contact(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The customer's full contact, once, with an audit event."""
    found = refund_page.find(scope, number)
    contact = reveal(request=found, by=scope.by, at=timezone.now())
    if not is_htmx(request):
        return page(request, scope, found, revealed=contact)
    now = timezone.now()
    context = {"now": now, "refund": refund_page.refund(found, scope=scope, at=now, revealed=contact)}
    return render(request, "desk/detail.html#contact", context)


@require_safe
@staff_page()
def evidence(request: HttpRequest, scope: Scope, number: str, evidence_id: UUID) -> HttpResponse:
    """A stored picture, whole or (``?size=small``) small."""
    piece = Evidence.objects.filter(pk=evidence_id, request__in=scope.requests().filter(number=number)).first()
    return picture_response(piece, small=request.GET.get("size") == "small")


@require_safe
@staff_page()
def voucher(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The voucher to print."""
    found = refund_page.find(scope, number)
    paid = found.executions.filter(state=ExecutionState.SUCCEEDED).order_by("-created_at").first()
    sale = found.transaction
    returned = dict(found.lines.values_list("line_id", "quantity"))
    context: dict[str, Any] = {
        "merchant_name": scope.staff.merchant.name,
        "store_name": found.store.name,
        "terminal_code": found.terminal.code if found.terminal else "",
        "number": found.number,
        "sale_number": sale.order_no,
        "amount_fen": found.approved_fen or found.amount_fen,
        "refunded_at": found.succeeded_at,
        "state_label": State(found.state).label,
        "route_label": destination_label(sale=sale, route=found.route),
        "channel_refund_no": paid.channel_refund_no if paid else "",
        "goods_summary": refund_page.goods_summary(list(sale.lines.order_by("position")), returned),
        "reason_label": Reason(found.reason).label,
        "handled_by": _handlers(found),
        "tracking_url": tracking.url_for(found.pk),
        "back_url": refund_url(found.number),
    }
    return render(request, "desk/voucher.html", context)


def _handlers(found: RefundRequest) -> list[str]:
    names = [refund_page.requester_label(found)]
    return [*names, *found.approvals.order_by("pk").values_list("staff__name", flat=True)]


def dialogs(found: RefundRequest | None, open_dialog: str = "", form_error: str = "") -> dict[str, Any]:
    """What the decisions' dialogs offer for a refund."""
    now = timezone.now()
    people = colleagues(request=found, at=now) if found is not None and found.state in OPEN_FOR_REVIEW else ()
    return {
        "open_dialog": open_dialog,
        "form_error": form_error,
        "reject_reasons": reject_reasons(language=found.customer_locale if found is not None else ""),
        "info_items": info_items(),
        "routes": ways.options(merchant_id=found.merchant_id, at=now)
        if found is not None and found.state in _RESUBMITTED
        else [],
        "way": ways.Way(route=found.route) if found is not None else ways.Way(),
        "assignees": [{"value": str(staff.pk), "label": with_role(staff)} for staff in people],
    }
