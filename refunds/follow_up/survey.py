"""Stage 6, follow-up: ask how it went, then close."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from core.audit.actors import SYSTEM
from core.errors import Conflict, Invalid
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions
from refunds.follow_up import reports
from refunds.lifecycle import Move
from refunds.models import RefundRequest, Survey
from refunds.models.customer_report import ReportKind
from refunds.models.survey import RatingReason
from refunds.states import PAID, State

#: How long an answer is waited for before the case is closed.
CLOSE_AFTER = timedelta(days=7)
#: A score like this is followed up by a person.
LOW_SCORE = 2
_BATCH = 200


class AlreadyRated(Conflict, code="already_rated"):
    """The customer has answered before."""


def work(*, at: datetime) -> int:
    """Move on what has rested long enough. Returns how many requests moved."""
    moved = 0
    while (count := _move_batch(at)) > 0:
        moved += count
    return moved


@transaction.atomic
def _move_batch(at: datetime) -> int:
    due = (
        RefundRequest.objects.select_for_update(skip_locked=True)
        .filter(step_due_at__lte=at, state__in=[State.REFUNDED, State.FOLLOW_UP])
        .order_by("pk")
        .values_list("pk", "state")[:_BATCH]
    )
    moves = [
        Move(pk, "begin_follow_up", SYSTEM, at, arguments={"close_at": at + CLOSE_AFTER})
        if state == State.REFUNDED
        else Move(pk, "close", SYSTEM, at)
        for pk, state in due
    ]
    lifecycle.advance_many(moves)
    return len(moves)


@transaction.atomic
def rate(
    *, request_id: UUID, score: int, comment: str, reasons: Collection[str] = (), by: Principal, at: datetime
) -> Survey:
    """The customer's answer, once, after the money moved; of ``reasons`` those that are ours."""
    if not 1 <= score <= 5:
        raise Invalid("a score is 1 to 5", code="score_out_of_range")
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RATE, by=by, request=request, at=at)
    if request.state not in PAID:
        raise Conflict("the refund has not arrived yet", code="state_conflict", state=request.state)
    about = [reason.value for reason in RatingReason if reason in reasons]
    try:
        with transaction.atomic():
            survey = Survey.objects.create(
                request=request, score=score, reasons=about, comment=comment.strip()[:500], at=at
            )
    except IntegrityError as error:
        raise AlreadyRated("this refund was rated before") from error
    lifecycle.record_act(request, "refund.rated", by=by.actor, at=at, data={"score": score, "reasons": about})
    if score <= LOW_SCORE:
        words = f"{score}/5 {survey.comment}"
        reports.keep(request_id=request_id, kind=ReportKind.LOW_SCORE, words=words, is_case=True, by=by, at=at)
    return survey
