"""The audit trail: read, taken away, verified. Owners, managers and finance of the whole merchant."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.audit.checkpoints import as_line
from core.database.timeouts import reports
from core.errors import Conflict, DomainError, Invalid, existing
from desk import words
from desk.access import Scope, staff_posts, staff_reads
from desk.addresses import with_query
from desk.audit.page import Verified, audit_page, lines, narrowed
from desk.rendering import as_file, done, render_page
from merchants import audit_trail
from merchants.rights import Act


@staff_reads(Act.SEE_AUDIT)
@reports
def audit(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Newest first."""
    return render_page(request, "desk/audit.html", audit_page(scope=scope, query=request.GET))


@staff_reads(Act.SEE_AUDIT)
@reports
def audit_csv(request: HttpRequest, scope: Scope) -> HttpResponseBase:
    """The list of the same address as a file; that it was taken is in the trail."""
    query, now = request.GET, timezone.now()
    _, found = narrowed(query, scope=scope)
    try:
        found = audit_trail.taken_away(found, filters=query.dict(), by=scope.by, at=now)
    except Invalid as error:
        messages.error(request, words.short(error))
        return redirect(with_query(reverse("desk:audit"), query))
    return as_file(lines(found), name=f"audit-{timezone.localtime(now):%Y%m%d-%H%M%S}.csv")


@staff_reads(Act.SEE_AUDIT)
@reports
def chain(request: HttpRequest, scope: Scope) -> HttpResponseBase:
    """The whole trail with its checkpoints, for ``clients/verify.py``."""
    now = timezone.now()
    found = audit_trail.chain_taken_away(by=scope.by, at=now)
    name = f"audit-chain-{timezone.localtime(now):%Y%m%d-%H%M%S}.jsonl"
    return as_file((f"{line}\n".encode() for line in found), name=name)


@staff_reads(Act.SEE_AUDIT)
def checkpoint(request: HttpRequest, scope: Scope) -> HttpResponseBase:
    """The newest checkpoint, to be kept elsewhere."""
    last = existing(audit_trail.checkpoints_of(by=scope.by).order_by("-pk").first(), "checkpoint")
    return as_file(as_line(last.body, last.signatures), name=f"checkpoint-{last.seq}.json")


@staff_posts(Act.SEE_AUDIT)
def holder(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Who is mailed a checkpoint every day."""
    try:
        audit_trail.name_holder(address=request.POST.get("mail", "").strip(), by=scope.by, at=timezone.now())
    except Invalid as error:
        return _refused(request, scope, error)
    return done(request, gettext("Saved."), "desk:audit")


@staff_posts(Act.SEE_AUDIT)
@reports
def verify(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Look at what was written since the chain was last found whole, now."""
    recent = Verified(*audit_trail.verify_recent(by=scope.by))
    return render_page(request, "desk/audit.html", audit_page(scope=scope, query=request.GET, recent=recent))


@staff_posts(Act.SEE_AUDIT)
def verify_whole(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Have every event looked at, in the background."""
    try:
        audit_trail.ask_for_whole(by=scope.by, at=timezone.now())
    except Conflict as error:
        return _refused(request, scope, error)
    return done(
        request, gettext("The whole trail is being verified. What is found stands here when it is done."), "desk:audit"
    )


def _refused(request: HttpRequest, scope: Scope, error: DomainError) -> HttpResponse:
    page = audit_page(scope=scope, query=request.GET, error=words.short(error))
    return render_page(request, "desk/audit.html", page, status=words.status(error))
