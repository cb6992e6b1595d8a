"""Sending a message that was given up once more."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.audit.record import record
from core.errors import Conflict, Forbidden, NotFound
from refunds import lifecycle
from refunds.desk.access import Scope, may_see_queue
from refunds.models import Notification
from refunds.models.notification import NotificationState


class NotGivenUp(Conflict):
    """Only a message that was given up needs a person."""

    code = "not_given_up"


@transaction.atomic
def resend(*, notification_id: int, scope: Scope, at: datetime) -> Notification:
    """Put a message back in line, with all its tries anew. Raises ``NotFound``, ``Forbidden`` or ``NotGivenUp``."""
    if not may_see_queue(scope.staff):
        raise Forbidden("your role does not send messages", code="role_required")
    found = scope.notifications().select_for_update(of=("self",)).filter(pk=notification_id).defer("recipient").first()
    if found is None:
        raise NotFound("there is no such message")
    if found.state != NotificationState.DEAD:
        raise NotGivenUp("the message was not given up")
    Notification.objects.filter(pk=found.pk).update(
        state=NotificationState.PENDING, attempts=0, due_at=at, last_error=""
    )
    record(
        merchant_id=found.merchant_id,
        by=scope.staff.actor,
        action="refund.resend",
        object_type="refund_request",
        object_id=found.request_id,
        at=at,
        data={"event": found.event, "medium": found.medium},
    )
    lifecycle.ring_after_commit([lifecycle.NOTIFY])
    return found
