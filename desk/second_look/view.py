"""Second looks: one at a time, and how far they agree."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict, Invalid
from desk import words
from desk.access import Scope, staff_posts, staff_reads
from desk.rendering import render_page
from desk.second_look.page import second_looks_page
from merchants.rights import Act
from refunds.evidence.picture_response import picture_response
from refunds.models import Evidence
from refunds.review import second_look

_TEMPLATE = "desk/second_look.html"


@staff_reads(Act.APPROVE)
def second_looks(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The one that has waited longest."""
    now = timezone.now()
    look = second_look.next_for(by=scope.by, at=now)
    page = second_looks_page(look, scope=scope, at=now, dialog=request.GET.get("do", ""))
    return render_page(request, _TEMPLATE, page)


@staff_posts(Act.APPROVE)
def answer(request: HttpRequest, scope: Scope, look_id: int) -> HttpResponse:
    """How one would have decided; then the next one."""
    now, form = timezone.now(), request.POST
    try:
        second_look.answer(
            look_id=look_id, decision=form.get("decision", ""), note=form.get("note", ""), by=scope.by, at=now
        )
    except Conflict as error:
        messages.error(request, words.short(error))
    except Invalid as error:
        look = second_look.find(look_id=look_id, by=scope.by, at=now)
        page = second_looks_page(
            look,
            scope=scope,
            at=now,
            dialog=form.get("decision", ""),
            note=form.get("note", ""),
            error=words.short(error),
        )
        return render_page(request, _TEMPLATE, page, status=422)
    else:
        messages.success(request, gettext("Noted. Nothing about the refund changes."))
    return redirect("desk:second-looks")


@staff_reads(Act.APPROVE)
def evidence(request: HttpRequest, scope: Scope, look_id: int, evidence_id: UUID) -> HttpResponse:
    """A picture of the refund that is looked at."""
    look = second_look.find(look_id=look_id, by=scope.by, at=timezone.now())
    piece = Evidence.objects.filter(pk=evidence_id, request_id=look.request_id).first()
    return picture_response(piece, small=request.GET.get("size") == "small")
