"""The customer's answer to "we need something from you"."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import Invalid
from core.plain_text import plain_text
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.evidence import files
from refunds.evidence.files import Picture
from refunds.facts import conditions
from refunds.intake import resubmitting
from refunds.intake.resubmitting import Correction
from refunds.models import RefundRequest
from refunds.models.evidence import EvidenceKind
from refunds.states import State

MAX_WORDS = 500
_MAX_DESCRIPTION = 1000


@transaction.atomic
def answer(
    *,
    request_id: UUID,
    words: str,
    pictures: Sequence[Picture],
    by: Principal,
    at: datetime,
    kind: str = EvidenceKind.PHOTO,
) -> RefundRequest:
    """Add words and pictures and send the request in again, in one commit.

    Raises ``Invalid`` for an empty answer, ``WrongState`` when nothing is asked any more, what ``evidence.add`` raises, and
    ``PolicyRefused`` when a hard limit stands against the refund by now.
    """
    words = plain_text(words, limit=MAX_WORDS)
    if not words and not pictures:
        raise Invalid("an answer has words or pictures", code="empty_answer")
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RESUBMIT, by=by, request=request, at=at)
    if request.state != State.NEEDS_INFO:
        raise lifecycle.WrongState("nothing is asked of the customer now", state=request.state)
    files.add(request_id=request_id, pictures=pictures, kind=kind, by=by, at=at)
    correction = Correction(description=joined(request.description, words))
    return resubmitting.resubmit(request_id=request_id, correction=correction, by=by, at=at)


def joined(description: str, words: str) -> str:
    """The answer below what was said before; where both are too long, the answer is kept whole."""
    if not words or not description:
        return words or description
    room = _MAX_DESCRIPTION - len(words) - 2
    return f"{description[:room]}\n\n{words}"
