"""A draft's proof: what is wrong with it, what it lets happen, what it would have decided. For those who write drafts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext

from analytics.trials import repairing, running, shadow
from core.calendar import midnight
from core.errors import DomainError, Invalid, NotFound
from desk import forms, words
from desk.access import Scope, staff_posts, staff_reads
from desk.filters import day_typed
from desk.policy_proof.page import policy_proof_page
from desk.rendering import done, render_page
from merchants.policies import drafting
from merchants.rights import Act


@staff_reads(Act.DRAFT_POLICY)
def policy_proof(request: HttpRequest, scope: Scope, draft_id: int) -> HttpResponse:
    """The page; ``trial`` chooses one of the draft's trials."""
    return _page(request, scope, draft_id)


def _act(act: Callable[..., str]) -> Callable[..., HttpResponseBase]:
    """A view of an act: back to the page with what was done, or the page with why it was not."""

    @staff_posts(Act.DRAFT_POLICY)
    @wraps(act)
    def view(request: HttpRequest, scope: Scope, /, **ids: int) -> HttpResponse:
        try:
            said = act(request, scope, **ids)
        except NotFound:
            raise
        except DomainError as error:
            return _page(request, scope, ids["draft_id"], refusal=error)
        return done(request, said, "desk:policy-proof", ids["draft_id"])

    return view


@_act
def repair(request: HttpRequest, scope: Scope, draft_id: int) -> str:
    """Save the draft with the repair of one finding in it."""
    repairing.repair(
        draft_id=draft_id,
        revision=forms.number(request.POST, "revision"),
        code=request.POST.get("code", ""),
        path=request.POST.get("path", ""),
        by=scope.by,
        at=timezone.now(),
    )
    return gettext("The draft is saved with this repair in it.")


@_act
def start_trial(request: HttpRequest, scope: Scope, draft_id: int) -> str:
    """Try it on the days that were chosen, the last one whole."""
    since, until = _day(request, "since"), _day(request, "until") + timedelta(days=1)
    running.start(draft_id=draft_id, since=since, until=until, by=scope.by, at=timezone.now())
    return gettext("The trial is on its way. You may leave this page meanwhile.")


@_act
def cancel_trial(request: HttpRequest, scope: Scope, draft_id: int, trial_id: int) -> str:
    running.cancel(trial_id=trial_id, by=scope.by, at=timezone.now())
    return gettext("The trial is cancelled.")


@_act
def start_shadow(request: HttpRequest, scope: Scope, draft_id: int) -> str:
    shadow.start(draft_id=draft_id, days=forms.number(request.POST, "days"), by=scope.by, at=timezone.now())
    return gettext("The draft rides along now. No refund is decided otherwise by it.")


@_act
def stop_shadow(request: HttpRequest, scope: Scope, draft_id: int, shadow_id: int) -> str:
    shadow.stop(shadow_id=shadow_id, by=scope.by, at=timezone.now())
    return gettext("The draft rides along no more. What it said is kept.")


def _page(request: HttpRequest, scope: Scope, draft_id: int, *, refusal: DomainError | None = None) -> HttpResponse:
    draft = drafting.draft_of(draft_id=draft_id, by=scope.by)
    page = policy_proof_page(
        draft=draft,
        at=timezone.now(),
        query=request.GET.dict(),
        trial_id=forms.whole(request.GET.get("trial", ""), digits=18),
        error="" if refusal is None else words.short(refusal),
    )
    status = 200 if refusal is None else words.status(refusal)
    return render_page(request, "desk/policy_proof.html", page, status=status)


def _day(request: HttpRequest, name: str) -> datetime:
    """The beginning of the day that was chosen. Raises ``Invalid``."""
    day = day_typed(request.POST.get(name, ""))
    if day is None:
        raise Invalid("the form has no such day", code="trial_period")
    return midnight(day)
