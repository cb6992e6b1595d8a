"""A refund from the desk: find the sale, see the quote while typing, submit."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import DomainError, Invalid, NotFound
from desk import drafts, no_receipt, numbers, progress, rows, verdicts, ways, words
from desk.access import Scope, is_htmx, staff_page
from desk.addresses import refund as refund_url
from desk.drafts import Typed
from desk.uploads import pictures_of
from desk.views.answers import go_on, refusal
from merchants import channels
from refunds.evidence import files
from refunds.intake import judging, submitting
from refunds.intake.building import Submission
from refunds.intake.claims import Draft
from refunds.intake.judging import PolicyRefused
from refunds.models import IdempotencyRecord
from refunds.rules.arrival import expected_arrival
from refunds.rules.policy import Verdict
from refunds.states import Reason, State
from refunds.telling.destinations import destination_label
from terminals.models import Transaction, TransactionLine

_CANDIDATES = 20
_EMPTY = Typed(amount="", reason="", note="", phone="", email="", consent=False, pieces={})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page()
def new(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The page; a POST submits."""
    if request.method == "POST":
        return _submit(request, scope)
    sale = _sale(request.GET.get("sale", ""), scope) if request.GET.get("sale") else None
    candidates: list[Transaction] = []
    error = ""
    searched = any(request.GET.get(name) for name in ("q", "amount", "on", "tail", "sku"))
    if sale is None and searched:
        try:
            candidates = _candidates(request, scope)
        except Invalid as refusal:
            error = words.short(refusal)
    if len(candidates) == 1:
        sale, candidates = candidates[0], []
    return _page(request, scope, sale, candidates=candidates, searched=searched, find_error=error)


@require_POST
@staff_page()
def quote(request: HttpRequest, scope: Scope) -> HttpResponse:
    """What the policy says to the form as it stands. Nothing is stored."""
    now = timezone.now()
    form = drafts.typed(request.POST)
    sale = _sale(request.POST.get("sale", ""), scope)
    if not form.reason:
        return render(request, "desk/new.html#quote", {"quote": None})
    try:
        draft = _draft(form, sale)
        if not form.consent:
            # Not asked yet is no refusal: the form cannot be sent without it.
            draft = replace(draft, customer_consent=None)
        _, verdict, _ = judging.quote(draft=draft, by=scope.by, at=now)
        shown = _quote(draft, verdict, sale, now)
    except Invalid as error:
        shown = {"errors": [words.short(error)]}
    return render(request, "desk/new.html#quote", {"quote": shown})


def _submit(request: HttpRequest, scope: Scope) -> HttpResponse:
    now = timezone.now()
    form = drafts.typed(request.POST)
    sale = _sale(request.POST.get("sale", ""), scope)
    key = request.POST.get("idempotency_key", "")[:64]
    try:
        _check_complete(key, form)
        pictures = pictures_of(request)
        submission = submitting.submit(
            draft=_draft(form, sale), by=scope.by, at=now, before_commit=_once(scope, key, request, now)
        )
    except DomainError as error:
        # Sent twice: the first one counts, also where it left nothing to refund for the second.
        if number := _made_before(scope, key):
            return go_on(request, refund_url(number))
        if isinstance(error, NotFound):
            raise
        if is_htmx(request):
            # The form keeps all that was typed, and the pictures, which no page could give back.
            return refusal(request, error)
        verdict = error.facts.get("verdict") if isinstance(error, PolicyRefused) else None
        shown = _quote(_draft(form, sale), verdict, sale, now) if verdict else None
        return _page(
            request, scope, sale, form=form, quote=shown, errors=[words.explain(error)], status=words.status(error)
        )
    stored = submission.request
    if pictures:
        files.add(request_id=stored.pk, pictures=pictures, by=scope.by, at=now)
    done = (
        gettext("%(number)s submitted.") if stored.state == State.IN_REVIEW else gettext("%(number)s approved by rule.")
    )
    messages.success(request, done % {"number": stored.number})
    return go_on(request, refund_url(stored.number))


def _made_before(scope: Scope, key: str) -> str:
    """The number of the refund that this form made already; empty for none."""
    first = IdempotencyRecord.objects.filter(principal=_principal(scope), key=key).first() if key else None
    return str(json.loads(first.body)["number"]) if first else ""


def _check_complete(key: str, form: Typed) -> None:
    if not key:
        raise Invalid("the form names no key", code="form_incomplete")
    if not form.consent:
        raise Invalid("the customer's consent is missing", code="consent_missing")


def _once(scope: Scope, key: str, request: HttpRequest, at: datetime) -> Any:
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
    return drafts.draft(form, sale=sale, lines=_lines(sale), locale=locale)


def _lines(sale: Transaction) -> list[TransactionLine]:
    return list(sale.lines.order_by("position"))


def _sale(text: str, scope: Scope) -> Transaction:
    """The sale of the form, by its id. Raises ``NotFound``."""
    try:
        wanted = UUID(text)
    except ValueError as error:
        raise NotFound("there is no such sale") from error
    sale = scope.sales().select_related("store", "terminal", "channel_account").filter(pk=wanted).first()
    if sale is None:
        raise NotFound("there is no such sale")
    return sale


def _candidates(request: HttpRequest, scope: Scope) -> list[Transaction]:
    text = request.GET.get("q", "").strip()
    if text:
        found = numbers.recognise(text, scope=scope).sales.order_by("-paid_at", "-pk")
    else:
        found = no_receipt.candidates(no_receipt.facts(request.GET), scope=scope)
    return list(found.select_related("store", "terminal", "channel_account")[:_CANDIDATES])


# --- what the page shows ------------------------------------------------------------------------------------------


def _page(
    request: HttpRequest,
    scope: Scope,
    sale: Transaction | None,
    *,
    candidates: list[Transaction] | None = None,
    searched: bool = False,
    find_error: str = "",
    form: Typed = _EMPTY,
    quote: dict[str, Any] | None = None,
    errors: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    query = request.GET
    context = {
        "now": now,
        "query": query.get("q", ""),
        "facts": {name: query.get(name, "") for name in ("amount", "on", "tail", "sku")},
        "searched": searched,
        "find_error": find_error,
        "candidates": rows.sales(candidates or []),
        "sale": _sale_card(sale, form, now) if sale else None,
        "form": form.as_form(),
        "errors": errors or [],
        "reasons": [{"value": item.value, "label": item.label, "hint": ""} for item in Reason],
        "quote": quote,
        "quote_url": reverse("desk:quote"),
        "submit_url": reverse("desk:new"),
        "routes": ways.options(merchant_id=scope.staff.merchant_id, at=now),
        "idempotency_key": request.POST.get("idempotency_key", "")[:64] or secrets.token_urlsafe(24),
    }
    return render(request, "desk/new.html", context, status=status)


def _sale_card(sale: Transaction, form: Typed, now: datetime) -> dict[str, Any]:
    days = max(0, (now - sale.paid_at).days)
    window = sale.profile.window_days if sale.channel_account else None
    return {
        **rows.sale(sale),
        "id": str(sale.pk),
        "channel_label": channels.label(sale.channel),
        "window_label": gettext("day %(day)s of %(window)s") % {"day": days, "window": window}
        if window
        else gettext("day %(day)s") % {"day": days},
        "lines": [
            {
                "id": line.pk,
                "name": line.name,
                "sku": line.sku,
                "unit_price_fen": line.unit_price_fen,
                "quantity": line.quantity,
                "refundable_quantity": line.quantity - line.reserved_quantity,
                "typed": form.pieces.get(line.pk, 0),
            }
            for line in _lines(sale)
        ],
    }


def _quote(draft: Draft, verdict: Verdict, sale: Transaction, at: datetime) -> dict[str, Any]:
    stored = verdict.as_json()
    decision = verdict.decision.value
    arrival = expected_arrival(funding=sale.funding, profile=sale.profile, at=at, route=draft.route)
    return {
        "decision": decision,
        "decision_label": {
            "approve": gettext("Paid at once, without a person"),
            "review": gettext("A reviewer decides"),
            "refuse": gettext("Cannot be refunded like this"),
        }[decision],
        "tone": verdicts.tone(decision),
        "amount_fen": draft.amount_fen,
        "max_fen": verdict.max_amount_fen,
        "route_label": destination_label(sale=sale, route=draft.route),
        "arrival_label": progress.arrival_label(arrival),
        "tier_label": verdicts.tier_label(verdict.tier) if decision == "review" else "",
        "evidence_label": "",
        "rules": verdicts.lines(stored["rules"]),
        "errors": [],
    }
