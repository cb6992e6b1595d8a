"""The bell, and the list that it leads to."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from desk.access import Scope, staff_posts, staff_reads
from desk.addresses import refund as refund_url
from desk.rendering import render_page
from refunds.models import StaffNotice
from refunds.review import mentions

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class StaffNoticesPage:
    notices: Sequence[StaffNotice]
    has_unread: bool


@staff_reads()
def staff_notices(request: HttpRequest, scope: Scope) -> HttpResponse:
    """One's own, the newest first."""
    notices = list(mentions.notices(by=scope.by)[:_SHOWN])
    return render_page(
        request, "desk/staff_notices.html", StaffNoticesPage(notices, any(one.read_at is None for one in notices))
    )


@staff_reads()
def bell(request: HttpRequest, scope: Scope) -> HttpResponse:
    """How many are unread now."""
    return render(request, "shell/bell.html", {"unread": mentions.unread(by=scope.by)})


@staff_posts()
def read(request: HttpRequest, scope: Scope, notice_id: int) -> HttpResponse:
    """On to the refund, and the notice is read."""
    notice = mentions.read(notice_id=notice_id, by=scope.by, at=timezone.now())
    return redirect(refund_url(notice.request.number))


@staff_posts()
def read_all(_request: HttpRequest, scope: Scope) -> HttpResponse:
    """All are read."""
    mentions.read_all(by=scope.by, at=timezone.now())
    return redirect("desk:staff-notices")
