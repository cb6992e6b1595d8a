"""Batches: filed with a file, looked at, confirmed by a second person, called off."""

from collections.abc import Callable
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from desk import forms
from desk.access import Scope, staff_posts, staff_reads
from desk.batches.page import batch_page, batches_page
from desk.rendering import render_page
from desk.settings.layout import show, take
from merchants.rights import Act
from refunds.intake import batches as acts

_MOST_MINUTES = 1_440


@staff_reads(Act.FILE_BATCH)
def batches(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The last ones. The page's script hands a file to the API, which takes batches in."""
    return render_page(request, "desk/batches.html", batches_page(scope=scope))


@staff_reads(Act.FILE_BATCH)
def batch(request: HttpRequest, scope: Scope, batch_id: int) -> HttpResponse:
    """How far one is, and what became of its rows."""
    found = acts.find(batch_id=batch_id, by=scope.by)
    return show(request, batch_page(scope=scope, batch=found, wanted=request.GET))


@staff_posts(Act.CONFIRM_BATCH)
def confirm(request: HttpRequest, scope: Scope, batch_id: int) -> HttpResponse:
    """Let it run."""

    def act() -> str:
        minutes = forms.whole(request.POST.get("window_minutes", ""), digits=4)
        window = acts.WINDOW if minutes is None else timedelta(minutes=min(minutes, _MOST_MINUTES))
        skip_bad = request.POST.get("skip_bad") == "1"
        acts.confirm(batch_id=batch_id, by=scope.by, at=timezone.now(), skip_bad=skip_bad, window=window)
        return gettext("Confirmed.")

    return _take(request, scope, batch_id, "confirm", act)


@staff_posts(Act.FILE_BATCH)
def cancel(request: HttpRequest, scope: Scope, batch_id: int) -> HttpResponse:
    """Call it off."""

    def act() -> str:
        acts.cancel(batch_id=batch_id, by=scope.by, at=timezone.now())
        return gettext("The batch is cancelled.")

    return _take(request, scope, batch_id, "cancel", act)


def _take(request: HttpRequest, scope: Scope, batch_id: int, form: str, act: Callable[[], str]) -> HttpResponse:
    found = acts.find(batch_id=batch_id, by=scope.by)
    return take(
        request,
        form=form,
        act=act,
        page=lambda: batch_page(scope=scope, batch=found, wanted={}),
        back=reverse("desk:batch", args=[batch_id]),
    )
