"""Deputies: given for a time and ended early. Owners and managers only."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Invalid, existing
from desk import forms, words
from desk.access import Scope, staff_page, staff_posts
from desk.deputies.page import deputies_page
from desk.rendering import done, render_page
from merchants import delegations
from merchants.rights import Act

_FIELDS = ("absent", "deputy", "starts_at", "ends_at", "limit")


@staff_page(Act.DELEGATE)
def deputies(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST makes somebody a deputy."""
    now, error = timezone.now(), ""
    if request.method == "POST":
        try:
            row = delegations.give(
                absent=_person(request, "absent"),
                deputy=_person(request, "deputy"),
                starts_at=forms.moment(request.POST.get("starts_at", ""), code="delegation_time"),
                ends_at=forms.moment(request.POST.get("ends_at", ""), code="delegation_time"),
                limit_fen=_limit_fen(request),
                by=scope.by,
                at=now,
            )
        except Invalid as refused:
            error = words.explain(refused)
        else:
            said = gettext("%(deputy)s decides for %(absent)s.")
            return done(request, said % {"deputy": row.deputy.name, "absent": row.absent.name}, "desk:deputies")
    typed = {name: request.POST.get(name, "") for name in _FIELDS}
    page = deputies_page(scope=scope, at=now, typed=typed, form_error=error)
    return render_page(request, "desk/deputies.html", page, status=422 if error else 200)


@staff_posts(Act.DELEGATE)
def revoke(request: HttpRequest, scope: Scope, delegation_id: int) -> HttpResponse:
    """End it now."""
    row = delegations.revoke(delegation_id=delegation_id, by=scope.by, at=timezone.now())
    said = gettext("%(deputy)s no longer decides for %(absent)s.")
    return done(request, said % {"deputy": row.deputy.name, "absent": row.absent.name}, "desk:deputies")


def _person(request: HttpRequest, name: str) -> int:
    return existing(forms.whole(request.POST.get(name, ""), digits=18), "colleague")


def _limit_fen(request: HttpRequest) -> int | None:
    typed = request.POST.get("limit", "").strip()
    return forms.amount_fen(typed) if typed else None
