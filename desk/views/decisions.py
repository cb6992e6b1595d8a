"""What people do with a refund. Each view parses the form, makes one domain call and says what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from core.errors import Conflict, DomainError, Invalid
from core.money import yuan_grouped
from desk import forms, refund_page, ways, words
from desk.access import Scope, is_htmx, staff_page
from desk.addresses import refund as refund_url
from desk.addresses import return_to
from desk.uploads import pictures_of
from desk.views.answers import go_on, refusal
from desk.views.refund import page
from merchants import rights
from refunds.evidence import files
from refunds.facts import conditions
from refunds.intake import resubmitting
from refunds.intake.resubmitting import Correction
from refunds.models import RefundRequest
from refunds.payouts import ways_back
from refunds.review import deciding
from refunds.review.handing_over import hand_over
from refunds.states import State

#: Does one thing to a loaded refund and says so in a sentence.
Act = Callable[[RefundRequest, datetime], str]


@require_POST
@staff_page()
def approve(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Approve what was asked for, or less."""

    def act(found: RefundRequest, at: datetime) -> str:
        approved = deciding.approve(
            request_id=found.pk,
            by=scope.by,
            at=at,
            version=forms.version(request.POST),
            amount_fen=forms.approved_amount_fen(request.POST),
            note=request.POST.get("comment", "").strip()[:500],
        )
        return gettext("%(number)s approved: ¥%(amount)s goes back to the customer.") % {
            "number": number,
            "amount": yuan_grouped(approved.approved_fen or 0),
        }

    return _answer(request, scope, number, act, dialog="approve")


@require_POST
@staff_page()
def reject(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Refuse, with a coded reason and words to the customer."""

    def act(found: RefundRequest, at: datetime) -> str:
        said = forms.rejection(request.POST)
        version = forms.version(request.POST)
        deciding.reject(
            request_id=found.pk, by=scope.by, at=at, version=version, reason=said.reason, message=said.message
        )
        return gettext("%(number)s rejected; the customer is told. No money moved.") % {"number": number}

    return _answer(request, scope, number, act, dialog="reject")


@require_POST
@staff_page()
def info(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Ask the customer for what is missing."""

    def act(found: RefundRequest, at: datetime) -> str:
        message = forms.information_wanted(request.POST, language=found.customer_locale)
        version = forms.version(request.POST)
        deciding.request_info(request_id=found.pk, by=scope.by, at=at, version=version, message=message)
        return gettext("%(number)s: the customer is asked; the clock is paused.") % {"number": number}

    return _answer(request, scope, number, act, dialog="info")


@require_POST
@staff_page()
def claim(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Take it onto one's own desk."""

    def act(found: RefundRequest, at: datetime) -> str:
        deciding.claim(request_id=found.pk, by=scope.by, at=at)
        return gettext("%(number)s is yours.") % {"number": number}

    return _answer(request, scope, number, act)


@require_POST
@staff_page()
def release(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Give it back to the queue."""

    def act(found: RefundRequest, at: datetime) -> str:
        deciding.release(request_id=found.pk, by=scope.by, at=at)
        return gettext("%(number)s is back in the queue.") % {"number": number}

    return _answer(request, scope, number, act)


@require_POST
@staff_page()
def reassign(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Hand it to a colleague."""

    def act(found: RefundRequest, at: datetime) -> str:
        chosen = request.POST.get("staff", "")
        to = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else 0
        colleague = hand_over(request_id=found.pk, to=to, by=scope.by, at=at)
        return gettext("%(number)s is with %(name)s now.") % {"number": number, "name": colleague.name}

    return _answer(request, scope, number, act, dialog="reassign")


@require_POST
@staff_page()
def cancel(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Withdraw it before anything was sent."""

    def act(found: RefundRequest, at: datetime) -> str:
        version = forms.version(request.POST)
        ways_back.cancel(
            request_id=found.pk,
            by=scope.by,
            at=at,
            message=request.POST.get("message", "").strip()[:500],
            expected_version=version,
        )
        return gettext("%(number)s cancelled. No money moved.") % {"number": number}

    return _answer(request, scope, number, act, dialog="cancel")


@require_POST
@staff_page()
def retry(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Send a failed payout out again."""

    def act(found: RefundRequest, at: datetime) -> str:
        # Whoever may not is told so first, not asked to confirm.
        conditions.check(rights.Act.RETRY, by=scope.by, request=found)
        forms.check_confirmed(request.POST)
        ways_back.retry(request_id=found.pk, by=scope.by, at=at, version=forms.version(request.POST))
        return gettext("%(number)s goes out to the channel again.") % {"number": number}

    return _answer(request, scope, number, act, dialog="retry")


@require_POST
@staff_page()
def resubmit(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Send it in again with what was missing or wrong; the policy judges it anew."""

    def act(found: RefundRequest, at: datetime) -> str:
        version = forms.version(request.POST)
        news = request.POST.get("text", "").strip()
        way = ways.read(request.POST)
        another = "route" in request.POST and way.route != found.route
        correction = Correction(
            amount_fen=forms.approved_amount_fen(request.POST),
            route=way.route if another else None,
            payee=way.account,
            customer_consent=True if request.POST.get("consent") else None,
            description="\n".join(part for part in (found.description, news) if part)[:1000] if news else None,
        )
        changed = resubmitting.resubmit(
            request_id=found.pk, correction=correction, by=scope.by, at=at, expected_version=version
        )
        done = (
            gettext("%(number)s approved by rule.")
            if changed.state == State.APPROVED
            else gettext("%(number)s submitted.")
        )
        return done % {"number": number}

    return _answer(request, scope, number, act, dialog="resubmit")


@require_POST
@staff_page()
def add_evidence(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """Pictures that the customer brought to the store."""

    def act(found: RefundRequest, at: datetime) -> str:
        pictures = pictures_of(request)
        if not pictures:
            raise Invalid("no picture was chosen", code="nothing_sent")
        files.add(
            request_id=found.pk,
            pictures=pictures,
            by=scope.by,
            at=at,
            note=request.POST.get("text", "").strip()[:200],
        )
        return gettext("The evidence is added.")

    return _answer(request, scope, number, act, dialog="evidence")


@require_POST
@staff_page()
def note(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """A note for colleagues."""

    def act(found: RefundRequest, at: datetime) -> str:
        deciding.add_note(request_id=found.pk, by=scope.by, at=at, text=request.POST.get("text", ""))
        return gettext("The note is saved.")

    return _answer(request, scope, number, act)


def _answer(request: HttpRequest, scope: Scope, number: str, act: Act, *, dialog: str = "") -> HttpResponse:
    """Back to where the person came from; after a refusal the refund as it is now, with the reason."""
    found = refund_page.find(scope, number)
    try:
        done = act(found, timezone.now())
    except DomainError as error:
        if error.code == "role_required":
            raise
        return _refused(request, scope, number, error, dialog)
    messages.success(request, done)
    return go_on(request, return_to(request, refund_url(number)))


def _refused(request: HttpRequest, scope: Scope, number: str, error: DomainError, dialog: str) -> HttpResponse:
    if is_htmx(request):
        # The form stays as it is with all that was typed, and says why.
        return refusal(request, error, look_url=refund_url(number) if isinstance(error, Conflict) else "")
    fresh = refund_page.find(scope, number)
    # A form that was filled in badly is shown again; anything else wants a look at the refund first.
    if isinstance(error, Invalid) and dialog:
        return page(request, scope, fresh, open_dialog=dialog, form_error=words.explain(error), status=422)
    messages.error(request, words.explain(error))
    return page(request, scope, fresh, status=words.status(error))
