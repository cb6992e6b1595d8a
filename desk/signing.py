"""A second factor that is shown with an act: the exact fields of what is decided, and the passkey's prompt or a code beside them.

The answer goes with the same form once more: put into the form that asked by htmx, otherwise a page that holds the form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from desk.rendering import REFUSED, is_htmx, render_page
from merchants.principals import Shown
from merchants.signing import MustSign, shown_in_session

_PASSKEY, _CODE = "signed_by_passkey", "signed_by_code"

_LABELS = {
    "request": _("About"),
    "version": _("Version"),
    "amount": _("Amount"),
    "payee": _("Payee"),
    "route": _("Route"),
    "policy_version": _("Policy version"),
    "decision": _("Decision"),
    "reason": _("Reason"),
    "rules": _("Rules (SHA-256)"),
    "effective_from": _("In force from"),
    "scopes": _("Rights of the key"),
    "store": _("Store"),
    "mandate": _("Limits"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A field and what it says."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPage:
    """``lines`` are the statement's fields, each with its words; ``held`` the form's own fields, sent once more."""

    lines: Sequence[Line]
    always: bool
    passkey: str
    takes_code: bool
    was_wrong: bool
    action: str
    held: Sequence[Line]


def shown_by(request: HttpRequest) -> Shown:
    """What this browser shows of a second factor: its session's, and what is sent with this form."""
    shown = shown_in_session(request.session, request.META)
    if request.method == "POST":
        shown.passkey, shown.code = request.POST.get(_PASSKEY, "")[:20_000], request.POST.get(_CODE, "")[:40]
    return shown


def page(request: HttpRequest, asked: MustSign) -> HttpResponse:
    """What is to be shown with the act, for the form that asked, or as a page of its own."""
    said = asked.statement
    told = {name: said.told.get(name, str(value)) for name, value in said.fields.items()}
    held = [
        Line(name, text)
        for name, texts in request.POST.lists()
        if name not in (_PASSKEY, _CODE, "csrfmiddlewaretoken")
        for text in texts
    ]
    found = SigningPage(
        lines=[Line(str(_LABELS.get(name, name)), text or "--") for name, text in told.items()],
        always=asked.always,
        passkey=asked.passkey,
        takes_code=asked.takes_code,
        was_wrong=asked.was_wrong,
        action=request.get_full_path(),
        held=held,
    )
    # To be asked is no refusal; what was shown and is wrong is one.
    status = 403 if asked.was_wrong else 200
    answer = render_page(request, "desk/signing.html" + "#fields" * is_htmx(request), found, status=status)
    answer[REFUSED] = "1"
    return answer
