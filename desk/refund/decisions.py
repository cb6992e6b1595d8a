"""What people do with a refund. Each parses the form, makes one domain call and says what came of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict, DomainError, Invalid
from core.money import yuan_grouped
from core.plain_text import listed, sentences
from desk import forms, ways, words
from desk.access import Scope, staff_posts
from desk.addresses import refund as refund_url
from desk.addresses import return_to
from desk.forms import uploads_of
from desk.queue import listing
from desk.refund.page import find
from desk.refund.view import answer
from desk.rendering import go_on, is_htmx, refusal
from desk.templatetags.desk_format import when_minute
from desk.undo import show_undo, undoable
from merchants.principals import Principal
from merchants.rights import Act
from reconciliation import differences, portal
from refunds.evidence import files
from refunds.facts import conditions
from refunds.intake import compensating, rerouting, resubmitting
from refunds.intake.resubmitting import Correction
from refunds.models import RefundRequest
from refunds.models.approval import Decision
from refunds.models.evidence import EvidenceKind
from refunds.payouts import ways_back
from refunds.review import agreeing, deciding, mentions, pending
from refunds.review.agreeing import Consent
from refunds.review.handing_over import hand_over
from refunds.states import BY_HAND, State

#: A header of whoever decides without leaving the page.
STAYS = "Stays"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: of which refund, by whom, when, and with what in the form."""

    request: HttpRequest
    found: RefundRequest
    by: Principal
    at: datetime

    @property
    def form(self) -> QueryDict:
        return self.request.POST

    @property
    def version(self) -> int:
        """Of the refund that the person had before them. Raises ``Invalid``."""
        return forms.version(self.form)

    @property
    def named(self) -> dict[str, str]:
        """What sentences call it."""
        return {"number": self.found.number}

    def typed(self, name: str, longest: int) -> str:
        return self.form.get(name, "").strip()[:longest]


View = Callable[[HttpRequest, str], HttpResponseBase]


def decision(dialog: str = "", *, goes_on: bool = False) -> Callable[[Callable[[Asked], str]], View]:
    """A view of an act that says in a sentence what it did.

    Back to where the person came from, or to the next refund where it ``goes_on``; after a refusal the refund as it is now, with
    the reason, and ``dialog`` open where the form was filled in badly.
    """

    def decorate(act: Callable[[Asked], str]) -> View:
        @staff_posts()
        @wraps(act)
        def view(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
            asked = Asked(request, find(scope, number), scope.by, timezone.now())
            try:
                said = act(asked)
            except DomainError as error:
                if error.code == "role_required":
                    raise
                return _refused(request, scope, number, error, dialog)
            url = return_to(request, refund_url(number))
            if goes_on and STAYS not in request.headers:
                url = listing.next_url(url, after=asked.found, scope=scope, at=asked.at)
            return _done(request, scope, said, url)

        return view

    return decorate


def _done(request: HttpRequest, scope: Scope, said: str, url: str) -> HttpResponse:
    """On to ``url``; who stays on the page, with the next refund already, gets what can be taken back and what was said."""
    if request.headers.get(STAYS):
        answer_ = render(request, "shell/undo.html", {"undoable": undoable(request, scope, at=timezone.now())})
        if said:
            answer_["HX-Trigger"] = json.dumps({"toast": {"message": said, "tone": "ok"}})
        return answer_
    if said:
        messages.success(request, said)
    return go_on(request, url)


def _refused(request: HttpRequest, scope: Scope, number: str, error: DomainError, dialog: str) -> HttpResponse:
    if is_htmx(request):
        # The form stays as it is with all that was typed, and says why.
        return refusal(request, error, look_url=refund_url(number) if isinstance(error, Conflict) else "")
    fresh = find(scope, number)
    # A form that was filled in badly is shown again; anything else wants a look at the refund first.
    if isinstance(error, Invalid) and dialog:
        return answer(request, scope, fresh, open_dialog=dialog, form_error=words.explain(error), status=422)
    messages.error(request, words.explain(error))
    return answer(request, scope, fresh, status=words.status(error))


@decision("approve", goes_on=True)
def approve(asked: Asked) -> str:
    """Approve what was asked for, or less."""
    approved, undo_until = pending.decide(
        request_id=asked.found.pk,
        decision=Decision.APPROVE,
        by=asked.by,
        at=asked.at,
        version=asked.version,
        amount_fen=forms.approved_amount_fen(asked.form),
        note=asked.typed("comment", 500),
    )
    if undo_until is not None:
        return show_undo(asked.request, undo_until)
    if approved.state == State.IN_REVIEW:
        return (
            gettext("%(number)s: 1 of 2 approvals. Nothing is paid until somebody else approves it, too.") % asked.named
        )
    return gettext("%(number)s approved: ¥%(amount)s goes back to the customer.") % {
        **asked.named,
        "amount": yuan_grouped(approved.approved_fen or 0),
    }


@decision("reject", goes_on=True)
def reject(asked: Asked) -> str:
    """Refuse, with a coded reason and words to the customer."""
    said, version = forms.rejection(asked.form), asked.version
    _, undo_until = pending.decide(
        request_id=asked.found.pk,
        decision=Decision.REJECT,
        by=asked.by,
        at=asked.at,
        version=version,
        reason=said.reason,
        message=said.message,
    )
    if undo_until is not None:
        return show_undo(asked.request, undo_until)
    return gettext("%(number)s rejected; the customer is told. No money moved.") % asked.named


@decision()
def undo(asked: Asked) -> str:
    """Take back one's own decision before it takes effect."""
    pending.undo(request_id=asked.found.pk, by=asked.by, at=asked.at)
    return gettext("%(number)s is on your desk again. No money moved, and nobody was told.") % asked.named


@decision("info", goes_on=True)
def info(asked: Asked) -> str:
    """Ask the customer for what is missing."""
    message = forms.information_wanted(asked.form, language=asked.found.customer_locale)
    version = asked.version
    deciding.request_info(request_id=asked.found.pk, by=asked.by, at=asked.at, version=version, message=message)
    return gettext("%(number)s: the customer is asked; the clock is paused.") % asked.named


@decision("extend")
def extend(asked: Asked) -> str:
    """Give it the time that the customer agreed to."""
    until = forms.moment(asked.form.get("until", ""))
    version = forms.version(asked.form)
    deciding.extend(
        request_id=asked.found.pk,
        by=asked.by,
        at=asked.at,
        version=version,
        until=until,
        reason=asked.typed("reason", 500),
        consent=asked.form.get("consent") == "1" and (_consent(asked) if "means" in asked.form else True),
    )
    return gettext("%(number)s has time until %(time)s; the customer is told.") % {
        **asked.named,
        "time": when_minute(until),
    }


def _consent(asked: Asked) -> Consent:
    """Who agreed and how: it was said just now."""
    said = {name: asked.typed(name, longest) for name, longest in (("agreed_by", 60), ("means", 20), ("words", 500))}
    return Consent(agreed_at=asked.at, **said)


@decision()
def agree(asked: Asked) -> str:
    """Note what else the customer agreed to."""
    agreed = agreeing.agree_amount(
        request_id=asked.found.pk,
        amount_fen=forms.amount_fen(asked.form.get("amount", "")),
        consent=_consent(asked),
        by=asked.by,
        at=asked.at,
        version=asked.version,
    )
    return gettext("%(number)s: ¥%(amount)s is agreed with the customer.") % {
        **asked.named,
        "amount": yuan_grouped(agreed.amount_fen or 0),
    }


@decision()
def reopen(asked: Asked) -> str:
    """Take a rejected one up again, with new evidence."""
    version = asked.version
    conditions.check(Act.REOPEN, by=asked.by, request=asked.found, at=asked.at)
    files_in = uploads_of(asked.request, kind=EvidenceKind.OTHER)
    ahead = files.send_ahead(pictures=files_in, kind=EvidenceKind.OTHER, by=asked.by, at=asked.at)
    try:
        resubmitting.reopen(
            request_id=asked.found.pk,
            evidence=[row.pk for row in ahead],
            note=asked.typed("note", 300),
            by=asked.by,
            at=asked.at,
            version=version,
        )
    except DomainError:
        files.forget_unclaimed(at=asked.at, ids=[row.pk for row in ahead])
        raise
    return gettext("%(number)s is in review again.") % asked.named


@decision()
def compensation(asked: Asked) -> str:
    """Ask for what is owed on top of a deposit."""
    account = forms.account(asked.form, "owed")
    asked_for = compensating.ask(request_id=asked.found.pk, account=account, by=asked.by, at=asked.at)
    return gettext("%(number)s submitted.") % {"number": asked_for.number}


@decision()
def claim(asked: Asked) -> str:
    """Take it onto one's own desk."""
    deciding.claim(request_id=asked.found.pk, by=asked.by, at=asked.at)
    return gettext("%(number)s is yours.") % asked.named


@decision()
def release(asked: Asked) -> str:
    """Give it back to the queue."""
    deciding.release(request_id=asked.found.pk, by=asked.by, at=asked.at)
    return gettext("%(number)s is back in the queue.") % asked.named


@decision("reassign")
def reassign(asked: Asked) -> str:
    """Hand it to a colleague."""
    to = forms.whole(asked.form.get("staff", ""), digits=18) or 0
    colleague = hand_over(request_id=asked.found.pk, to=to, by=asked.by, at=asked.at)
    return gettext("%(number)s is with %(name)s now.") % {**asked.named, "name": colleague.name}


@decision("cancel")
def cancel(asked: Asked) -> str:
    """Withdraw it before anything was sent."""
    ways_back.cancel(
        request_id=asked.found.pk,
        by=asked.by,
        at=asked.at,
        message=asked.typed("message", 500),
        expected_version=asked.version,
    )
    return gettext("%(number)s cancelled. No money moved.") % asked.named


@decision("retry")
def retry(asked: Asked) -> str:
    """Send a failed payout out again."""
    # Whoever may not is told so first, not asked to confirm.
    conditions.check(Act.RETRY, by=asked.by, request=asked.found)
    forms.check_confirmed(asked.form)
    ways_back.retry(request_id=asked.found.pk, by=asked.by, at=asked.at, version=asked.version)
    return gettext("%(number)s goes out to the channel again.") % asked.named


@decision()
def give_up_leg(asked: Asked) -> str:
    """Give up a part that failed; what was paid stands."""
    ways_back.give_up_leg(
        request_id=asked.found.pk,
        sequence=_leg(asked),
        note=asked.typed("text", 300),
        by=asked.by,
        at=asked.at,
        version=asked.version,
    )
    return gettext("%(number)s: the part that failed is given up.") % asked.named


@decision()
def move_leg(asked: Asked) -> str:
    """Have a person pay a part that failed, or send it through the account that took its account's place."""
    way = ways.read(asked.form)
    rerouting.move_leg(
        request_id=asked.found.pk,
        sequence=_leg(asked),
        route=way.route,
        account=way.account,
        customer_consent=bool(asked.form.get("consent")),
        by=asked.by,
        at=asked.at,
        version=asked.version,
    )
    if way.route not in BY_HAND:
        return gettext("%(number)s goes out to the channel again.") % asked.named
    return gettext("%(number)s: a person pays the part that failed.") % asked.named


def _leg(asked: Asked) -> int:
    return forms.whole(asked.form.get("leg", ""), digits=4) or 0


@decision()
def adopt(asked: Asked) -> str:
    """Take the refund made in the channel's portal into the books."""
    named: Mapping[str, Any] = {
        "request_id": asked.found.pk,
        "by": asked.by,
        "at": asked.at,
        "version": asked.version,
    }
    adopted = differences.adopt_of_request(**named) or portal.adopt(**named)
    return words.adopted(adopted)


@decision("resubmit")
def resubmit(asked: Asked) -> str:
    """Send it in again with what was missing or wrong; the policy judges it anew."""
    found, version = asked.found, asked.version
    news = asked.form.get("text", "").strip()
    way = ways.read(asked.form)
    another = "route" in asked.form and way.route != found.route
    correction = Correction(
        amount_fen=forms.approved_amount_fen(asked.form),
        route=way.route if another else None,
        payee=way.account,
        customer_consent=True if asked.form.get("consent") else None,
        description="\n".join(part for part in (found.description, news) if part)[:1000] if news else None,
    )
    changed = resubmitting.resubmit(
        request_id=found.pk, correction=correction, by=asked.by, at=asked.at, expected_version=version
    )
    if changed.state == State.APPROVED:
        return gettext("%(number)s approved by rule.") % asked.named
    return gettext("%(number)s submitted.") % asked.named


@decision("evidence")
def add_evidence(asked: Asked) -> str:
    """Pictures and papers that the customer brought to the store."""
    kind = asked.form.get("kind", "") or EvidenceKind.PHOTO
    pictures = uploads_of(asked.request, kind=kind)
    if not pictures:
        raise Invalid("no picture was chosen", code="nothing_sent")
    files.add(
        request_id=asked.found.pk, pictures=pictures, by=asked.by, at=asked.at, kind=kind, note=asked.typed("text", 200)
    )
    return gettext("The evidence is added.")


@decision()
def note(asked: Asked) -> str:
    """A note for colleagues."""
    text = asked.form.get("text", "")
    told = deciding.add_note(request_id=asked.found.pk, by=asked.by, at=asked.at, text=text)
    said = gettext("The note is saved.")
    if told:
        said = gettext("The note is saved; %(names)s are told.") % {"names": listed(one.name for one in told)}
    missed = mentions.missed(text, request=asked.found)
    if not missed:
        return said
    nobody = gettext("Nobody who works here is called %(names)s: write the whole name.")
    return sentences(said, nobody % {"names": listed(f"@{name}" for name in missed)})
