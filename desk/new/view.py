"""A refund from the desk: find the sale, see the quote while typing, submit."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext

from core import barcodes
from core.errors import DomainError, Invalid, NotFound, existing
from core.money import yuan_grouped
from desk import forms, numbers, words
from desk.access import Scope, staff_page, staff_posts
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.forms import sorted_uploads
from desk.new import finding
from desk.new.finding import wanted
from desk.new.form import Typed
from desk.new.form import draft as draft_of
from desk.new.form import typed as typed_in
from desk.new.page import QuotePart, guide_for, new_page, quote_of
from desk.rendering import go_on, is_htmx, refusal, render_page
from refunds.evidence import files
from refunds.intake import compensating, judging
from refunds.intake.building import Submission
from refunds.intake.claims import Draft
from refunds.intake.judging import EvidenceMissing, PolicyRefused
from refunds.models import IdempotencyRecord
from refunds.models.evidence import EvidenceKind
from refunds.rules import worth
from refunds.rules.policy import KIND_OF_REASON
from refunds.states import Route, State
from terminals import orders
from terminals.models import Transaction

_CANDIDATES = 20


@staff_page()
def new(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The page; a POST submits."""
    if request.method == "POST":
        return _submit(request, scope)
    sale = _sale(request.GET.get("sale", ""), scope) if request.GET.get("sale") else None
    candidates: list[Transaction] = []
    error, typed = "", wanted(request.GET)
    if sale is None and typed.anything:
        try:
            found = finding.candidates(typed, scope=scope)
            candidates = list(found.select_related("store", "terminal", "channel_account")[:_CANDIDATES])
        except Invalid as refusal:
            error = words.short(refusal)
    if len(candidates) == 1:
        sale, candidates = candidates[0], []
    page = new_page(
        request=request,
        scope=scope,
        sale=sale,
        at=timezone.now(),
        candidates=candidates,
        find_error=error,
        form=Typed(),
    )
    return render_page(request, "desk/new.html", page)


@staff_posts()
def scan(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Read the code in a picture, where the browser could not: the sale that it names is looked for."""
    try:
        (picture,) = forms.pictures_of(request)[:1] or (None,)
        found = barcodes.text_in(picture.whole) if picture else ""
    except Invalid as error:
        messages.error(request, words.short(error))
        return redirect("desk:new")
    if not found:
        messages.error(request, gettext("No code can be read in the picture. Go nearer, or type the number."))
        return redirect("desk:new")
    return redirect(with_query(reverse("desk:new"), q=found[: numbers.LONGEST]))


@staff_posts()
def quote(request: HttpRequest, scope: Scope) -> HttpResponse:
    """What the policy says to the form as it stands. Nothing is stored."""
    now, form, part = timezone.now(), typed_in(request.POST), QuotePart()
    sale = _sale(request.POST.get("sale", ""), scope)
    if form.reason:
        try:
            draft = _draft(form, sale)
            if not form.consent:
                # Not asked yet is no refusal: the form cannot be sent without it.
                draft = replace(draft, customer_consent=None)
            _, verdict, legs = judging.quote(draft=draft, by=scope.by, at=now)
            part = QuotePart(quote_of(draft, verdict, sale, now, legs))
        except Invalid as error:
            part = QuotePart(quote_error=words.short(error))
        part = replace(part, guide=guide_for(KIND_OF_REASON.get(form.reason, ""), scope=scope, at=now))
    return render_page(request, "desk/new.html#quote", part)


def _submit(request: HttpRequest, scope: Scope) -> HttpResponse:
    now = timezone.now()
    form = typed_in(request.POST)
    sale = _sale(request.POST.get("sale", ""), scope)
    key = request.POST.get("idempotency_key", "")[:64]
    ahead: list[UUID] = []
    try:
        if not key:
            raise Invalid("the form names no key", code="form_incomplete")
        if not form.consent:
            raise Invalid("the customer's consent is missing", code="consent_missing")
        for kind, pictures in sorted_uploads(request).items():
            ahead += [row.pk for row in files.send_ahead(pictures=pictures, kind=kind, by=scope.by, at=now)]
        draft = _draft(form, sale)
        ahead += _signature(request, draft, scope, now)
        submission = compensating.submit(
            draft=replace(draft, evidence=ahead),
            by=scope.by,
            at=now,
            before_commit=_once(scope, key, request, now),
        )
    except DomainError as error:
        files.forget_unclaimed(at=now, ids=ahead)
        # Sent twice: the first one counts, also where it left nothing to refund for the second.
        if number := _made_before(scope, key):
            return go_on(request, refund_url(number))
        if isinstance(error, NotFound):
            raise
        if is_htmx(request):
            # The form keeps all that was typed, and the pictures, which no page could give back.
            return refusal(request, error)
        verdict = error.facts.get("verdict") if isinstance(error, PolicyRefused | EvidenceMissing) else None
        page = new_page(
            request=request,
            scope=scope,
            sale=sale,
            at=now,
            form=form,
            quote=quote_of(_draft(form, sale), verdict, sale, now) if verdict else None,
            error=words.explain(error),
        )
        return render_page(request, "desk/new.html", page, status=words.status(error))
    stored = submission.request
    done = (
        gettext("%(number)s submitted.") if stored.state != State.APPROVED else gettext("%(number)s approved by rule.")
    )
    messages.success(request, done % {"number": stored.number})
    return go_on(request, refund_url(stored.number))


def _signature(request: HttpRequest, draft: Draft, scope: Scope, at: datetime) -> list[UUID]:
    """What the customer signed on the screen, kept with what it was for."""
    upload = request.FILES.get("signature")
    if upload is None:
        return []
    terms = {"amount": yuan_grouped(draft.amount_fen), "route": Route(draft.route).label}
    note = gettext("The customer's signature: agrees to ¥%(amount)s, %(route)s") % terms
    picture = files.read_picture(upload=upload)
    kept = files.send_ahead(pictures=[picture], kind=EvidenceKind.OTHER, note=note, by=scope.by, at=at)
    return [row.pk for row in kept]


def _made_before(scope: Scope, key: str) -> str:
    """The number of the refund that this form made already; empty for none."""
    first = IdempotencyRecord.objects.filter(principal=_principal(scope), key=key).first() if key else None
    return str(json.loads(first.body)["number"]) if first else ""


def _once(scope: Scope, key: str, request: HttpRequest, at: datetime) -> Callable[[Submission], None]:
    """Stores the key of the form with the request: sent twice, it makes one."""

    def add(submission: Submission) -> None:
        submission.idempotency = IdempotencyRecord(
            principal=_principal(scope),
            key=key,
            fingerprint=hashlib.sha256(request.POST.urlencode().encode()).digest(),
            status=201,
            body=json.dumps({"id": str(submission.request.pk), "number": submission.request.number}),
            created_at=at,
        )

    return add


def _principal(scope: Scope) -> str:
    # Apart from the keys that the same person sends to the API: the two have answers of their own kind.
    return f"desk:{scope.staff.pk}"


def _draft(form: Typed, sale: Transaction) -> Draft:
    locale = "en" if (get_language() or "").startswith("en") else "zh-Hans"
    payments = orders.siblings(sale)
    return draft_of(form, sale=sale, payments=payments, lines=worth.with_worth_of(payments), locale=locale)


def _sale(text: str, scope: Scope) -> Transaction:
    """The sale of the form, by its id. Raises ``NotFound``."""
    try:
        wanted = UUID(text)
    except ValueError as error:
        raise NotFound("there is no such sale") from error
    return existing(
        scope.sales().select_related("store", "terminal", "channel_account").filter(pk=wanted).first(), "sale"
    )
