"""A draft of the policy. Owners and managers of all stores only."""

from collections.abc import Mapping
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import DomainError, Invalid
from desk import forms as typed_in
from desk import words
from desk.access import Scope, staff_page, staff_posts
from desk.policy_draft import form as forms
from desk.policy_draft.page import policy_draft_page, written_of
from desk.rendering import done, render_page
from merchants.models import PolicyDraft
from merchants.policies import drafting
from merchants.policies.drafting import DraftChanged, DraftClosed
from merchants.rights import Act
from refunds.rules import in_words


@staff_page(Act.DRAFT_POLICY)
def policy_draft(request: HttpRequest, scope: Scope, draft_id: int) -> HttpResponse:
    """The draft; a POST saves its form. A save upon another's is refused, and shows both in one form."""
    draft = drafting.draft_of(draft_id=draft_id, by=scope.by)
    if request.method != "POST":
        page = policy_draft_page(scope=scope, draft=draft, at=timezone.now())
        return render_page(request, "desk/policy_draft.html", page)
    values = forms.sent(request.POST)
    parsed = forms.parse(values, base=draft.rules)
    if parsed.errors:
        refusal = Invalid("fields cannot be read", code="form_has_errors")
        return _typed(request, scope, draft, values, refusal, errors=parsed.errors)
    try:
        in_words.check_names(parsed.written.rules)
        drafting.write(
            draft_id=draft.pk,
            revision=typed_in.number(request.POST, "revision"),
            written=parsed.written,
            by=scope.by,
            at=timezone.now(),
        )
    except DraftChanged as error:
        return _both(request, scope, draft, values, error)
    except (Invalid, DraftClosed) as error:
        return _typed(request, scope, draft, values, error)
    return done(
        request, gettext("The draft is saved. Nothing has changed for refunds yet."), "desk:policy-draft", draft.pk
    )


@staff_posts(Act.DRAFT_POLICY)
def ask(request: HttpRequest, scope: Scope, draft_id: int) -> HttpResponse:
    """Ask a colleague to publish."""
    draft = drafting.draft_of(draft_id=draft_id, by=scope.by)
    try:
        drafting.ask(
            draft_id=draft.pk,
            revision=typed_in.number(request.POST, "revision"),
            reason=request.POST.get("reason", ""),
            colleague_id=typed_in.whole(request.POST.get("colleague", ""), digits=18),
            effective_at=_effective_at(request),
            by=scope.by,
            at=timezone.now(),
        )
    except DomainError as error:
        return _acted(request, scope, draft, error)
    return done(request, gettext("Your colleague is asked to publish it."), "desk:policy-draft", draft.pk)


@staff_posts(Act.PUBLISH_POLICY)
def publish(request: HttpRequest, scope: Scope, draft_id: int) -> HttpResponse:
    """Put it in force, as the second pair of eyes, or alone where there is nobody else."""
    draft = drafting.draft_of(draft_id=draft_id, by=scope.by)
    try:
        typed_in.check_confirmed(request.POST)
        version = drafting.publish(
            draft_id=draft.pk,
            revision=typed_in.number(request.POST, "revision"),
            says_alone=request.POST.get("alone") == "1",
            reason=request.POST.get("reason"),
            effective_at=_effective_at(request),
            by=scope.by,
            at=timezone.now(),
        )
    except DomainError as error:
        return _acted(request, scope, draft, error)
    return done(request, gettext("Version %(number)s is published.") % {"number": version.number}, "desk:policy")


@staff_posts(Act.DRAFT_POLICY)
def discard(request: HttpRequest, scope: Scope, draft_id: int) -> HttpResponse:
    draft = drafting.draft_of(draft_id=draft_id, by=scope.by)
    try:
        drafting.discard(
            draft_id=draft.pk, revision=typed_in.number(request.POST, "revision"), by=scope.by, at=timezone.now()
        )
    except DomainError as error:
        return _acted(request, scope, draft, error)
    return done(request, gettext("The draft is discarded."), "desk:policy")


@staff_posts(Act.DRAFT_POLICY)
def catch_up(request: HttpRequest, scope: Scope, draft_id: int) -> HttpResponse:
    """The versions that were published since are known to who writes."""
    draft = drafting.draft_of(draft_id=draft_id, by=scope.by)
    try:
        drafting.catch_up(
            draft_id=draft.pk, revision=typed_in.number(request.POST, "revision"), by=scope.by, at=timezone.now()
        )
    except DomainError as error:
        return _acted(request, scope, draft, error)
    return redirect("desk:policy-draft", draft.pk)


def _effective_at(request: HttpRequest) -> datetime | None:
    """None: at once. Raises ``Invalid``."""
    text = request.POST.get("effective_at", "")
    return typed_in.moment(text) if request.POST.get("when") == "later" else None


def _both(
    request: HttpRequest, scope: Scope, draft: PolicyDraft, mine: forms.Values, error: DraftChanged
) -> HttpResponse:
    """What a colleague saved meanwhile, and a form with both: theirs where only they wrote, one's own elsewhere."""
    draft = drafting.draft_of(draft_id=draft.pk, by=scope.by)
    before = draft.revisions.filter(number=typed_in.number(request.POST, "revision")).first()
    base, theirs = written_of(before or draft), written_of(draft)
    values = forms.merged(base=forms.values_of(base), mine=mine, theirs=forms.values_of(theirs))
    return _typed(
        request,
        scope,
        draft,
        values,
        error,
        meanwhile=in_words.changes(base.rules, theirs.rules, old_guides=base.guides, new_guides=theirs.guides),
    )


def _typed(
    request: HttpRequest,
    scope: Scope,
    draft: PolicyDraft,
    values: forms.Values,
    error: DomainError,
    *,
    errors: Mapping[str, str] | None = None,
    meanwhile: list[in_words.Change] | None = None,
) -> HttpResponse:
    """The form again with all that was typed, and why it was not saved."""
    page = policy_draft_page(
        scope=scope,
        draft=draft,
        at=timezone.now(),
        values=values,
        errors=errors,
        error=words.short(error),
        meanwhile=meanwhile or (),
    )
    return render_page(request, "desk/policy_draft.html", page, status=words.status(error))


def _acted(request: HttpRequest, scope: Scope, draft: PolicyDraft, error: DomainError) -> HttpResponse:
    """The draft as it is now, and why the act beside it was refused, with what was typed there."""
    page = policy_draft_page(
        scope=scope,
        draft=drafting.draft_of(draft_id=draft.pk, by=scope.by),
        at=timezone.now(),
        act_error=words.short(error),
        act={name: request.POST.get(name, "") for name in ("reason", "when", "effective_at", "colleague")},
    )
    return render_page(request, "desk/policy_draft.html", page, status=words.status(error))
