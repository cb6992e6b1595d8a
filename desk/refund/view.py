"""One refund: its page, its progress, its pictures, the customer's contact."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import NotFound
from desk import people, rows
from desk.access import Scope, staff_posts, staff_reads
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.queue.listing import position
from desk.refund.page import RefundPage, RefundPart, dialogs, find
from desk.refund.page import refund as shown
from desk.rendering import is_htmx, render_page, render_parts
from merchants.rights import Act
from refunds.evidence.picture_response import picture_response
from refunds.models import Evidence, RefundRequest
from refunds.review.revealing import Contact, reveal

_DIALOGS = frozenset({"approve", "reject", "info", "extend", "cancel", "resubmit", "evidence", "reassign", "retry"}) | {
    *("ask_goods", "send_goods", "receive_goods", "offer")
}


@staff_reads()
def refund(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The whole refund."""
    dialog = request.GET.get("do", "")
    return answer(request, scope, find(scope, number), open_dialog=dialog if dialog in _DIALOGS else "")


def answer(
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
    people.has_before_them(found, staff=scope.staff, by=scope.by, at=now)
    in_queue = scope.may(Act.SEE_QUEUE)
    page = RefundPage(
        now=now,
        refund=shown(found, scope=scope, at=now, revealed=revealed),
        back_url=with_query(reverse("desk:queue"), request.GET) if in_queue else reverse("desk:refunds"),
        back_label=gettext("Review queue") if in_queue else gettext("All refunds"),
        position=position(request.GET, request=found, scope=scope, at=now) if in_queue else None,
        return_to=with_query(refund_url(found.number), request.GET),
        flow_url=with_query(reverse("desk:queue"), request.GET, selected=found.number, flow="1")
        if in_queue and scope.may(Act.CLAIM)
        else "",
        dialogs=dialogs(found, at=now, opened=open_dialog, error=form_error),
    )
    return render_page(request, "desk/refund.html", page, status=status)


@staff_reads()
def show_progress(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The steps and who else looks. Once anything changed, a claim included, the whole page is loaded anew."""
    found = find(scope, number)
    now = timezone.now()
    people.look(request_id=found.pk, staff=scope.staff, at=now)
    if request.GET.get("stamp") != rows.stamp(found):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    part = RefundPart(now, shown(found, scope=scope, at=now))
    return render_parts(request, "desk/refund.html", part, "progress", "viewers")


@staff_posts()
def look(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """This person has it before them, or with ``left`` no longer; who else does."""
    found, now = scope.requests().only("claimed_by").filter(number=number).first(), timezone.now()
    if found is None:
        raise NotFound("there is no such refund request")
    if request.POST.get("left"):
        people.leave(request_id=found.pk, staff=scope.staff, at=now)
        return HttpResponse(status=204)
    people.has_before_them(found, staff=scope.staff, by=scope.by, at=now)
    others = people.viewers(request_ids=[found.pk], but=scope.staff, at=now).get(found.pk, [])
    return render(request, "desk/refund/viewers.html", {"viewers": others})


@staff_posts()
def reveal_contact(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The customer's full contact, once, with an audit event."""
    found, now = find(scope, number), timezone.now()
    contact = reveal(request=found, by=scope.by, at=now)
    if not is_htmx(request):
        return answer(request, scope, found, revealed=contact)
    part = RefundPart(now, shown(found, scope=scope, at=now, revealed=contact))
    return render_page(request, "desk/refund.html#contact", part)


@staff_reads()
def evidence(request: HttpRequest, scope: Scope, number: str, evidence_id: UUID) -> HttpResponse:
    """A stored picture, whole or (``?size=small``) small."""
    piece = Evidence.objects.filter(pk=evidence_id, request__in=scope.requests().filter(number=number)).first()
    return picture_response(piece, small=request.GET.get("size") == "small")
