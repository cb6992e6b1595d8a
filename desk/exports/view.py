"""Lists as files: asked for, followed, taken, called off."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from core.errors import Invalid
from desk import words
from desk.access import Scope, staff_posts, staff_reads
from desk.addresses import return_to
from desk.exports.page import exports_page
from desk.rendering import as_file, render_page
from merchants.rights import Act
from refunds.review import exporting


@staff_reads(Act.EXPORT)
def exports(request: HttpRequest, scope: Scope) -> HttpResponse:
    """One's own files of the last days."""
    return render_page(request, "desk/exports.html", exports_page(scope=scope, at=timezone.now()))


@staff_posts(Act.EXPORT)
def ask(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Have a list made into a file."""
    try:
        exporting.ask(
            page=request.POST.get("page", ""),
            query=request.POST.get("query", ""),
            form=request.POST.get("form", ""),
            language=get_language() or "zh-hans",
            by=scope.by,
            at=timezone.now(),
        )
    except Invalid as error:
        messages.error(request, words.short(error))
        return redirect(return_to(request, reverse("desk:exports")))
    return redirect("desk:exports")


@staff_reads(Act.EXPORT)
def file(request: HttpRequest, scope: Scope, export_id: int) -> HttpResponseBase:
    found = exporting.take(export_id=export_id, by=scope.by, at=timezone.now())
    name = f"{found.page}-{timezone.localtime(found.asked_at):%Y%m%d-%H%M%S}.{found.form}"
    return as_file(bytes(found.content), name=name)


@staff_posts(Act.EXPORT)
def cancel(request: HttpRequest, scope: Scope, export_id: int) -> HttpResponse:
    exporting.cancel(export_id=export_id, by=scope.by, at=timezone.now())
    return redirect("desk:exports")
