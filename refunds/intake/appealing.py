"""A customer sees a rejection differently: once, with words and files, before another reviewer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import Conflict, Invalid
from core.plain_text import plain_text
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.evidence import files
from refunds.evidence.files import Picture
from refunds.facts import conditions
from refunds.intake import resubmitting
from refunds.intake.answering import MAX_WORDS, joined
from refunds.intake.resubmitting import Correction
from refunds.models import CustomerReport, RefundRequest
from refunds.models.customer_report import ReportKind
from refunds.models.evidence import EvidenceKind
from refunds.states import State


class AppealedBefore(Conflict, code="appealed_before"):
    """A rejection is appealed against once."""


def may_appeal(request: RefundRequest, *, by: Principal) -> bool:
    """Whether this customer can still appeal."""
    if request.state != State.REJECTED or not conditions.may(Act.RESUBMIT, by=by, request=request):
        return False
    return not CustomerReport.objects.filter(request=request, kind=ReportKind.APPEAL).exists()


@transaction.atomic
def appeal(
    *,
    request_id: UUID,
    words: str,
    pictures: Sequence[Picture],
    by: Principal,
    at: datetime,
    kind: str = EvidenceKind.PHOTO,
) -> RefundRequest:
    """Put a rejected request before a person once more, who is none of those that rejected it (``conditions.hands_in``).

    Raises ``Invalid`` without words, ``WrongState``, ``AppealedBefore``, what ``files.add`` raises, and ``PolicyRefused`` where
    a hard limit stands against the refund by now; then the appeal is not used up.
    """
    words = plain_text(words, limit=MAX_WORDS)
    if not words:
        raise Invalid("an appeal says why", code="empty_answer")
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RESUBMIT, by=by, request=request, at=at)
    if CustomerReport.objects.filter(request_id=request_id, kind=ReportKind.APPEAL).exists():
        raise AppealedBefore("this rejection was appealed against before")
    if request.state != State.REJECTED:
        raise lifecycle.WrongState("there is no rejection to appeal against", state=request.state)
    CustomerReport.objects.create(
        merchant_id=request.merchant_id, request=request, kind=ReportKind.APPEAL, words=words, said_at=at
    )
    if pictures:
        files.add(request_id=request_id, pictures=pictures, kind=kind, by=by, at=at)
    lifecycle.record_act(request, "refund.appeal", by=by.actor, at=at, data={"pictures": len(pictures)})
    correction = Correction(description=joined(request.description, words))
    return resubmitting.resubmit(request_id=request_id, correction=correction, by=by, at=at)
