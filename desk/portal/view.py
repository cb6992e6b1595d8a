"""Ending a payout with proof from the channel's portal: finance and owners, two people, a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import DomainError, Invalid
from desk import forms, words
from desk.access import Scope, staff_page, staff_posts
from desk.forms import pictures_of
from desk.refund.page import Piece, find, pieces
from desk.rendering import done, render_page
from merchants import channels
from merchants.rights import Act
from refunds.evidence.files import Picture
from refunds.facts import conditions
from refunds.models import RefundRequest
from refunds.models.evidence import EvidenceKind
from refunds.payouts import ending
from refunds.payouts.ending import Finding
from refunds.states import State
from refunds.telling import payout_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form as it was filled in; ``shows`` is ``paid``, ``nothing`` or not chosen."""

    shows: str = ""
    channel_refund_no: str = ""
    paid_at: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What somebody found; ``yours``: somebody else confirms it."""

    by: str
    at: datetime
    paid: bool
    channel_refund_no: str
    paid_at: datetime | None
    note: str
    yours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPage:
    """``waits``: whether there is a payout to end; ``blocked``: this person had a hand in it. Amounts in fen."""

    number: str
    version: int
    channel_label: str
    amount_fen: int
    refund_no: str
    sent_at: datetime | None
    says: str
    waits: bool
    blocked: bool
    proposal: Proposal | None
    pictures: Sequence[Piece]
    typed: Typed
    error: str


def portal_page(*, found: RefundRequest, scope: Scope, typed: Typed, error: str = "") -> PortalPage:
    """``found`` comes from ``desk.refund.page.find``."""
    silent = ending.silent(found)
    payout = silent or payout_words.newest(found)
    receipts = found.evidence.filter(kind=EvidenceKind.RECEIPT).order_by("-added_at", "-pk")
    return PortalPage(
        number=found.number,
        version=found.version,
        channel_label=channels.label(payout.channel_account.channel if payout else found.channel),
        amount_fen=payout.amount_fen if payout else found.approved_fen or found.amount_fen,
        refund_no=payout.refund_no if payout else "",
        sent_at=payout.first_sent_at if payout else None,
        says=payout_words.to_staff(payout) if payout else "",
        waits=silent is not None,
        blocked=not conditions.may(Act.END_UNKNOWN, by=scope.by, request=found),
        proposal=_proposal(found, scope),
        pictures=pieces(found.number, receipts[:3]),
        typed=typed,
        error=error,
    )


def _proposal(found: RefundRequest, scope: Scope) -> Proposal | None:
    said = ending.proposed(found)
    if said is None:
        return None
    paid_at = said.data["paid_at"]
    return Proposal(
        by=said.actor_name,
        at=said.at,
        paid=said.data["paid"],
        channel_refund_no=said.data["channel_refund_no"],
        paid_at=timezone.localtime(datetime.fromisoformat(paid_at)) if paid_at else None,
        note=said.data["note"],
        yours=(said.actor_kind, said.actor_id) == (scope.by.actor.kind, scope.by.actor.id),
    )


@staff_page(Act.END_UNKNOWN)
def say(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The form; a POST says what the portal shows, and decides nothing."""
    found = find(scope, number)
    if request.method != "POST":
        return _page(request, scope, found)
    try:
        ending.check(found, by=scope.by)
        ending.propose(
            request_id=found.pk,
            finding=_finding(request.POST),
            picture=_one_picture(request),
            by=scope.by,
            at=timezone.now(),
            version=forms.version(request.POST),
        )
    except DomainError as error:
        return _page(request, scope, find(scope, number), error=error)
    said = gettext("%(number)s: written down. Somebody else of finance confirms it.") % {"number": number}
    return done(request, said, "desk:end-unknown", number)


@staff_posts(Act.END_UNKNOWN)
def confirm(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """What was said happens."""
    found = find(scope, number)
    try:
        ending.check(found, by=scope.by)
        forms.check_confirmed(request.POST)
        ended = ending.confirm(request_id=found.pk, by=scope.by, at=timezone.now(), version=forms.version(request.POST))
    except DomainError as error:
        return _page(request, scope, find(scope, number), error=error)
    said = (
        gettext("%(number)s is paid; the customer is told.")
        if ended.state == State.REFUNDED
        else gettext("%(number)s was not paid; it can be sent out again under the same number.")
    )
    return done(request, said % {"number": number}, "desk:refund", number)


def _finding(form: QueryDict) -> Finding:
    typed = _typed(form)
    if typed.shows not in ("paid", "nothing"):
        raise Invalid("the form does not say what the portal shows", code="finding_missing")
    if typed.shows == "nothing":
        return Finding(paid=False, note=typed.note)
    return Finding(
        paid=True,
        channel_refund_no=typed.channel_refund_no,
        paid_at=forms.moment(typed.paid_at),
        note=typed.note,
    )


def _one_picture(request: HttpRequest) -> Picture:
    pictures = pictures_of(request)
    if not pictures:
        raise Invalid("no picture was chosen", code="nothing_sent")
    return pictures[0]


def _typed(form: QueryDict) -> Typed:
    return Typed(
        shows=form.get("shows", ""),
        channel_refund_no=form.get("channel_refund_no", "").strip()[:64],
        paid_at=form.get("paid_at", ""),
        note=form.get("note", "").strip()[:300],
    )


def _page(
    request: HttpRequest, scope: Scope, found: RefundRequest, *, error: DomainError | None = None
) -> HttpResponse:
    text = words.short(error) if error else ""
    page = portal_page(found=found, scope=scope, typed=_typed(request.POST), error=text)
    return render_page(request, "desk/portal.html", page, status=words.status(error) if error else 200)
