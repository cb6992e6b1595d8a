"""What the page shows on which two people end a payout with proof from the channel's portal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from desk.access import Scope
from desk.refund.page import Piece, pieces
from merchants import channels
from merchants.rights import Act
from refunds.facts import conditions
from refunds.models import RefundRequest
from refunds.models.evidence import EvidenceKind
from refunds.payouts import ending
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
