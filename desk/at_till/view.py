"""A refund decided at the till: what its code opens on the phone of who may decide."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import DomainError, NotFound
from desk import words
from desk.access import Scope, staff_page
from desk.addresses import refund as refund_url
from desk.at_till.page import AtTillPage, asked
from desk.rendering import done, render_page
from merchants.rights import Act
from refunds.review import at_the_till
from refunds.states import State


@staff_page(Act.APPROVE)
def at_till(request: HttpRequest, scope: Scope, token: str) -> HttpResponse:
    """Opening the code makes it this person's; a POST decides. Who has decided with it is led to what became of it."""
    now, error = timezone.now(), ""
    if request.method == "POST":
        try:
            if request.POST.get("decision") == "approve":
                decided = at_the_till.approve(token=token, by=scope.by, at=now)
            else:
                decided = at_the_till.reject(
                    token=token,
                    reason=request.POST.get("reason_code", ""),
                    message=request.POST.get("message", "").strip()[:500],
                    by=scope.by,
                    at=now,
                )
        except NotFound:
            raise
        except DomainError as refused:
            if before := at_the_till.decided_by(token=token, by=scope.by):
                return redirect(refund_url(before.number))
            error, status = words.explain(refused), words.status(refused)
        else:
            said = {
                State.REJECTED: gettext("%(number)s: rejected. The till shows it."),
                State.IN_REVIEW: gettext("%(number)s: yours is the first of two approvals. The till shows it."),
            }.get(State(decided.state), gettext("%(number)s: approved. The till shows it."))
            return done(request, said % {"number": decided.number}, refund_url(decided.number))
    try:
        row = at_the_till.scan(token=token, by=scope.by, at=now)
    except NotFound:
        raise
    except DomainError as refused:
        if before := at_the_till.decided_by(token=token, by=scope.by):
            return redirect(refund_url(before.number))
        page = AtTillPage(asked=None, error=error or words.explain(refused))
        return render_page(request, "desk/at_till.html", page, status=words.status(refused))
    page = AtTillPage(asked=asked(row, scope=scope), error=error)
    return render_page(request, "desk/at_till.html", page, status=status if error else 200)
