"""Opening hours, other days and more time after a disaster. Owners and managers."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict, DomainError, Invalid, NotFound
from desk import words
from desk.access import Scope, staff_posts, staff_reads
from desk.hours.form import EVERY, typed_day, typed_disaster, typed_hours
from desk.hours.page import hours_page
from desk.rendering import done, render_page
from merchants import opening
from merchants.rights import Act
from merchants.stores import store_by_code
from refunds.review import grace


@staff_reads(Act.SET_HOURS)
def hours(request: HttpRequest, scope: Scope) -> HttpResponse:
    """All of it."""
    return render_page(request, "desk/hours.html", hours_page(scope=scope, at=timezone.now()))


@staff_posts(Act.SET_HOURS)
def set_store(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """Say when a store is open."""
    store = store_by_code(code, by=scope.by)
    try:
        opening.set_hours(
            store_id=store.pk,
            hours=typed_hours(request.POST),
            shown=request.POST.get("shown", "") or request.POST.get(EVERY, ""),
            by=scope.by,
            at=timezone.now(),
        )
    except Invalid as error:
        return _refused(request, scope, error, store_code=code, error=words.short(error))
    return done(request, gettext("The hours of %(store)s are saved.") % {"store": store.name}, "desk:hours")


@staff_posts(Act.SET_HOURS)
def set_day(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Say what a day is."""
    try:
        day = typed_day(request.POST.get("date", ""))
        opening.set_day(day=day, kind=request.POST.get("kind", ""), by=scope.by, at=timezone.now())
    except Invalid as error:
        return _refused(request, scope, error, day_error=words.short(error))
    return done(request, gettext("%(day)s is saved.") % {"day": day}, "desk:hours")


@staff_posts(Act.GIVE_GRACE)
def declare(request: HttpRequest, scope: Scope) -> HttpResponse:
    """More time after a disaster."""
    try:
        said = typed_disaster(request.POST)
        given = grace.declare(
            store_ids=None if said.stores is None else _store_ids(scope, said.stores),
            starts_at=said.starts_at,
            ends_at=said.ends_at,
            hours=said.hours,
            reason=said.reason,
            by=scope.by,
            at=timezone.now(),
        )
    except (Conflict, Invalid) as error:
        return _refused(request, scope, error, grace_error=words.short(error))
    return done(request, gettext("%(hours)s hours more are given.") % {"hours": given.hours}, "desk:hours")


def _store_ids(scope: Scope, codes: list[str]) -> list[int]:
    ids = list(scope.stores().filter(code__in=codes).values_list("pk", flat=True))
    if len(ids) != len(set(codes)):
        raise NotFound("there is no such store")
    return ids


@staff_posts(Act.GIVE_GRACE)
def end(request: HttpRequest, scope: Scope, grace_id: int) -> HttpResponse:
    """No more from now on."""
    try:
        grace.end(grace_id=grace_id, by=scope.by, at=timezone.now())
    except Conflict as error:
        return _refused(request, scope, error, grace_error=words.short(error))
    return done(request, gettext("It is ended. What has more time keeps it."), "desk:hours")


def _refused(request: HttpRequest, scope: Scope, refusal: DomainError, **said: str) -> HttpResponse:
    """The page with all that was typed, and what was wrong with it."""
    page = hours_page(scope=scope, at=timezone.now(), typed=request.POST.dict(), **said)
    return render_page(request, "desk/hours.html", page, status=words.status(refusal))
