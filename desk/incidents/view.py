"""Incidents: opened, put before their provider, apologised for, closed."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import DomainError, Forbidden, NotFound
from desk import forms, words
from desk.access import Scope, staff_page, staff_posts, staff_reads
from desk.incidents.page import incident_page, incidents_page
from desk.rendering import done, render_page
from merchants.rights import Act
from refunds.follow_up import incidents as domain
from refunds.follow_up.incidents import Apologies, Problem, Ticket

_FIELDS = ("title", "store", "terminal", "channel", "error_code", "began_at", "ended_at")


@staff_page(Act.REPORT_INCIDENT)
def incidents(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST opens an incident. An address may say what stands in its form at first."""
    now, error = timezone.now(), ""
    typed = _typed(request, *_FIELDS)
    if request.method == "POST":
        try:
            problem = Problem(
                title=typed["title"],
                began_at=forms.moment(typed["began_at"]),
                ended_at=_moment(typed["ended_at"]),
                store=typed["store"][:20],
                terminal=typed["terminal"][:20],
                channel=typed["channel"][:20],
                error_code=typed["error_code"][:60],
            )
            opened = domain.open_incident(problem=problem, by=scope.by, at=now)
        except (NotFound, Forbidden):
            raise
        except DomainError as refused:
            error = words.explain(refused)
        else:
            return redirect("desk:incident", incident_id=opened.pk)
    page = incidents_page(scope=scope, at=now, typed=typed, form_error=error)
    return render_page(request, "desk/incidents.html", page, status=422 if error else 200)


@staff_reads(Act.REPORT_INCIDENT)
def incident(request: HttpRequest, scope: Scope, incident_id: int) -> HttpResponse:
    """One incident with what it affects."""
    return _page(request, scope, incident_id)


@staff_posts(Act.HANDLE_INCIDENT)
def ticket(request: HttpRequest, scope: Scope, incident_id: int) -> HttpResponse:
    """What the provider was asked and promised."""
    typed = _typed(request, "provider", "ticket_no", "promised_at", "cost")
    try:
        asked = Ticket(
            provider=typed["provider"],
            ticket_no=typed["ticket_no"],
            promised_at=_moment(typed["promised_at"]),
            cost_fen=forms.amount_fen(typed["cost"]) if typed["cost"] else None,
        )
        wait = "refunds_wait" in request.POST
        domain.ask_provider(incident_id=incident_id, ticket=asked, refunds_wait=wait, by=scope.by, at=timezone.now())
    except DomainError as error:
        return _refused(request, scope, incident_id, error, typed)
    return done(request, gettext("Noted; the incident is due by what was promised."), "desk:incident", incident_id)


@staff_posts(Act.HANDLE_INCIDENT)
def answer(request: HttpRequest, scope: Scope, incident_id: int) -> HttpResponse:
    """What the provider answered."""
    typed = _typed(request, "words")
    try:
        domain.note_answer(incident_id=incident_id, words=typed["words"], by=scope.by, at=timezone.now())
    except DomainError as error:
        return _refused(request, scope, incident_id, error, typed)
    return done(request, gettext("The answer is noted."), "desk:incident", incident_id)


@staff_posts(Act.HANDLE_INCIDENT)
def apologise(request: HttpRequest, scope: Scope, incident_id: int) -> HttpResponse:
    """First who would be written to, then, ``confirmed``, the messages."""
    dry_run = request.POST.get("confirmed") != "1"
    try:
        told = domain.apologise(incident_id=incident_id, dry_run=dry_run, by=scope.by, at=timezone.now())
    except DomainError as error:
        return _refused(request, scope, incident_id, error, {})
    if dry_run:
        return _page(request, scope, incident_id, would=told)
    return done(request, gettext("Written to: %(n)s people.") % {"n": told.people}, "desk:incident", incident_id)


@staff_posts(Act.HANDLE_INCIDENT)
def close(request: HttpRequest, scope: Scope, incident_id: int) -> HttpResponse:
    """End it."""
    typed = _typed(request, "cause", "prevention", "ended_at")
    try:
        domain.close(
            incident_id=incident_id,
            cause=typed["cause"],
            prevention=typed["prevention"],
            ended_at=_moment(typed["ended_at"]),
            by=scope.by,
            at=timezone.now(),
        )
    except DomainError as error:
        return _refused(request, scope, incident_id, error, typed)
    return done(request, gettext("The incident is closed."), "desk:incident", incident_id)


def _typed(request: HttpRequest, *names: str) -> dict[str, str]:
    said = request.POST if request.method == "POST" else request.GET
    return {name: said.get(name, "").strip()[:500] for name in names}


def _moment(text: str) -> datetime | None:
    return forms.moment(text) if text else None


def _refused(
    request: HttpRequest, scope: Scope, incident_id: int, error: DomainError, typed: dict[str, str]
) -> HttpResponse:
    if isinstance(error, (NotFound, Forbidden)):
        raise error
    return _page(request, scope, incident_id, error=error, typed=typed)


def _page(
    request: HttpRequest,
    scope: Scope,
    incident_id: int,
    *,
    would: Apologies | None = None,
    error: DomainError | None = None,
    typed: dict[str, str] | None = None,
) -> HttpResponse:
    found = domain.find(incident_id=incident_id, by=scope.by)
    text = words.explain(error) if error else ""
    page = incident_page(found, scope=scope, at=timezone.now(), typed=typed, would=would, form_error=text)
    return render_page(request, "desk/incident.html", page, status=words.status(error) if error else 200)
