"""Payouts that wait for a person: the list, and the form in which that person says what came of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import codes
from core.dry_run import taken_back
from core.errors import DomainError, Forbidden, Invalid, NotFound
from desk import forms, refund_page, words
from desk.access import Scope, staff_page
from desk.addresses import refund as refund_url
from desk.by_hand import count, waiting
from desk.hand_confirmation import Said, read, seal, unseal
from desk.uploads import pictures_of
from merchants.rights import Act
from refunds.evidence.files import Picture
from refunds.facts import conditions, payees
from refunds.models import RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.payouts import by_hand as payouts
from refunds.review.revealing import Contact, reveal
from refunds.states import HandTrouble, Route, State

_SHOWN = 200
#: After fifteen days a refund counts as held back on purpose (侵害消费者权益行为处罚办法); three days leave time to act.
_SLOW_AFTER_DAYS, _LATE_AFTER_DAYS = 3, 12


@require_safe
@staff_page(Act.PAY_CASH, Act.PAY_BY_HAND)
def by_hand(request: HttpRequest, scope: Scope) -> HttpResponse:
    """What waits to be paid, the longest first. Cashiers see the cash of their stores."""
    found = waiting(scope)
    rows = found.select_related("store", "transaction", "payee").order_by("decided_at", "pk")[:_SHOWN]
    now = timezone.now()
    context = {
        "now": now,
        "rows": [_row(row, now) for row in rows],
        "total": count(scope),
        "shown": _SHOWN,
    }
    return render(request, "desk/by_hand.html", context)


def _row(row: RefundRequest, now: datetime) -> dict[str, Any]:
    payee = payees.of(row)
    return {
        "number": row.number,
        "url": refund_url(row.number),
        "pay_url": refund_url(row.number, "pay-by-hand"),
        "route": row.route,
        "route_label": Route(row.route).label,
        "payee": payees.masked(payee) if payee else None,
        "amount_fen": row.approved_fen,
        "store_name": row.store.name,
        "since": row.decided_at,
        **_age((now - (row.decided_at or now)).days),
    }


def _age(days: int) -> dict[str, str]:
    """How long it waits, once that is worth a word."""
    if days < _SLOW_AFTER_DAYS:
        return {"age_label": "", "age_tone": ""}
    label = gettext("waits for %(n)s days") % {"n": days}
    return {"age_label": label, "age_tone": "bad" if days >= _LATE_AFTER_DAYS else "warn"}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.PAY_CASH, Act.PAY_BY_HAND)
def pay_by_hand(request: HttpRequest, scope: Scope, number: str) -> HttpResponseBase:
    """In two steps: the form, and a page that shows what is about to be recorded. Only that page's POST records it."""
    found = refund_page.find(scope, number)
    if not is_by_hand(found.route):
        raise NotFound("the channel pays this refund")
    if not scope.may(conditions.pay_act(found.route)):
        raise Forbidden("your role does not pay on this route", code="role_required")
    if request.method != "POST":
        return _form(request, scope, found)
    sealed = request.POST.get("confirmation", "")
    said: Said | None = None
    try:
        said = unseal(sealed, request=found, by=scope.by) if sealed else read(request.POST)
        if sealed and request.POST.get("edit"):
            return _form(request, scope, found, typed=said)
        if not sealed:
            _try(scope, found, said)
            return _second_step(request, scope, found, said)
        done = _record(scope, found, said, tuple(pictures_of(request)))
    except DomainError as error:
        fresh = refund_page.find(scope, number)
        if sealed and said is not None and isinstance(error, Invalid):
            return _second_step(request, scope, fresh, said, error=error)
        return _form(request, scope, fresh, typed=said, error=words.short(error), status=words.status(error))
    messages.success(request, done)
    return redirect(reverse("desk:by-hand"))


def _try(scope: Scope, found: RefundRequest, said: Said) -> None:
    """Make the call and take it back, so that the second step shows nothing that would be refused."""
    with taken_back():
        _record(scope, found, said)


def _record(scope: Scope, found: RefundRequest, said: Said, pictures: tuple[Picture, ...] = ()) -> str:
    return _confirm(scope, found, said, pictures) if said.paid else _give_up(scope, found, said)


def _confirm(scope: Scope, found: RefundRequest, said: Said, pictures: tuple[Picture, ...]) -> str:
    payment = payouts.Payment(
        reference_no=said.reference_no,
        paid_at=forms.moment(said.paid_at),
        drawer=said.drawer if found.route == Route.CASH else "",
    )
    payouts.confirm(
        request_id=found.pk,
        payment=payment,
        by=scope.by,
        at=timezone.now(),
        version=said.version,
        pictures=pictures,
    )
    return gettext("%(number)s is paid; the customer is told.") % {"number": found.number}


def _give_up(scope: Scope, found: RefundRequest, said: Said) -> str:
    payouts.give_up(
        request_id=found.pk,
        trouble=said.trouble,
        note=said.note,
        by=scope.by,
        at=timezone.now(),
        version=said.version,
    )
    return gettext("%(number)s was not paid; the refund can be corrected or sent out again.") % {"number": found.number}


def _second_step(
    request: HttpRequest, scope: Scope, found: RefundRequest, said: Said, *, error: DomainError | None = None
) -> HttpResponse:
    """Amount, payee and number, to be compared once more. Nothing in it is focused: another Enter does nothing."""
    payee = payees.of(found)
    context = {
        "number": found.number,
        "amount_fen": found.approved_fen,
        "route": found.route,
        "route_label": Route(found.route).label,
        "store_name": found.store.name,
        "payee": payees.masked(payee) if payee else None,
        "said": said,
        "paid_at": forms.moment(said.paid_at) if said.paid else None,
        "trouble_label": "" if said.paid else HandTrouble(said.trouble).label,
        "confirmation": seal(said, request=found, by=scope.by),
        "error": words.short(error) if error else "",
    }
    return render(request, "desk/pay_by_hand_confirm.html", context, status=words.status(error) if error else 200)


@require_POST
@staff_page(Act.PAY_CASH, Act.PAY_BY_HAND)
def reveal_payee(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The account in full, to make the transfer; the look is recorded like every other."""
    found = refund_page.find(scope, number)
    if found.route != Route.BANK_TRANSFER:
        raise NotFound("this refund goes to no account")
    return _form(request, scope, found, revealed=reveal(request=found, by=scope.by, at=timezone.now()))


def _form(
    request: HttpRequest,
    scope: Scope,
    found: RefundRequest,
    *,
    typed: Said | None = None,
    error: str = "",
    status: int = 200,
    revealed: Contact | None = None,
) -> HttpResponse:
    now = timezone.localtime()
    payee = payees.of(found)
    context = {
        "now": now,
        "number": found.number,
        "version": found.version,
        "refund_url": refund_url(found.number),
        "waits": found.state == State.MANUAL_PENDING,
        "blocked": ""
        if conditions.may(conditions.pay_act(found.route), by=scope.by, request=found)
        else codes.words("two_persons_needed"),
        "amount_fen": found.approved_fen,
        "route": found.route,
        "route_label": Route(found.route).label,
        "store_name": found.store.name,
        "payee": payees.masked(payee) if payee else None,
        "revealed": revealed,
        "reveal_url": refund_url(found.number, "pay-by-hand-reveal") if payee and scope.may(Act.REVEAL) else "",
        "drawers": list(found.store.terminals.order_by("code").values_list("code", flat=True)),
        "troubles": [{"value": item.value, "label": item.label} for item in HandTrouble],
        "error": error,
        "typed": {
            "reference_no": typed.reference_no if typed else "",
            "paid_at": (typed.paid_at if typed else "") or now.strftime("%Y-%m-%dT%H:%M"),
            "drawer": (typed.drawer if typed else "") or (found.terminal.code if found.terminal else ""),
            "trouble": typed.trouble if typed else "",
            "note": typed.note if typed else "",
        },
    }
    return render(request, "desk/pay_by_hand.html", context, status=status)
