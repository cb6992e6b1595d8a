"""The policy for every member of staff; drafts, reviews and notes of rule changes begin here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import DomainError
from desk import forms, words
from desk.access import Scope, staff_posts, staff_reads
from desk.filters import day_typed
from desk.policy.page import policy_page
from desk.rendering import done, render_page
from merchants import channel_rules
from merchants.policies import drafting, reviewing
from merchants.rights import Act


@staff_reads(Act.SEE_POLICY)
def policy(request: HttpRequest, scope: Scope) -> HttpResponse:
    return _page(request, scope)


@staff_posts(Act.DRAFT_POLICY)
def start_draft(request: HttpRequest, scope: Scope) -> HttpResponse:
    """A draft from the rules in force, or from an old version: rolling back."""
    number = forms.whole(request.POST.get("version", ""))
    draft = drafting.start(by=scope.by, at=timezone.now(), from_number=number)
    return redirect("desk:policy-draft", draft.pk)


@staff_posts(Act.REVIEW_POLICY)
def reviewed(request: HttpRequest, scope: Scope) -> HttpResponse:
    try:
        row = reviewing.review(
            by=scope.by,
            at=timezone.now(),
            months=forms.whole(request.POST.get("months", ""), digits=4) or 0,
            note=request.POST.get("note", ""),
        )
    except DomainError as error:
        return _page(request, scope, error)
    return done(
        request, gettext("Noted. The next review is due in %(months)s months.") % {"months": row.months}, "desk:policy"
    )


@staff_posts(Act.ADD_CHANNEL_RULE)
def add_rule_change(request: HttpRequest, scope: Scope) -> HttpResponse:
    names = ("channel", "effective_date", "text", "source")
    typed = {name: request.POST.get(name, "").strip() for name in names}
    try:
        channel_rules.add(
            channel=typed["channel"],
            effective_date=day_typed(typed["effective_date"]),
            text=typed["text"],
            source=typed["source"],
            by=scope.by,
            at=timezone.now(),
        )
    except DomainError as error:
        return _page(request, scope, error, typed)
    return done(request, gettext("Noted."), "desk:policy")


@staff_posts(Act.SEE_POLICY)
def seen_rule_change(request: HttpRequest, scope: Scope, change_id: int) -> HttpResponse:
    channel_rules.mark_seen(change_id=change_id, by=scope.by, at=timezone.now())
    return redirect("desk:policy")


def _page(
    request: HttpRequest, scope: Scope, error: DomainError | None = None, typed: dict[str, str] | None = None
) -> HttpResponse:
    page = policy_page(scope=scope, at=timezone.now(), form_error=words.short(error) if error else "", typed=typed)
    return render_page(request, "desk/policy.html", page, status=words.status(error) if error else 200)
