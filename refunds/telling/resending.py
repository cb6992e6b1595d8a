"""Sending a dead message again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.errors import Conflict, NotFound
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from refunds import lifecycle
from refunds.models import Notification
from refunds.models.notification import NotificationState


class NotGivenUp(Conflict):
    """Only a message that was given up needs a person."""

    code = "not_given_up"


@transaction.atomic
def resend(*, notification_id: int, by: Principal, at: datetime) -> Notification:
    """Queue a dead message again, with all its retries. Raises ``NotFound``, ``Forbidden`` or ``NotGivenUp``."""
    check_may(Act.RESEND, by=by)
    messages = Notification.objects.select_for_update(of=("self",)).select_related("request").defer("recipient")
    found = messages.filter(pk=notification_id).first()
    if found is None:
        raise NotFound("there is no such message")
    subject = Subject(merchant_id=found.merchant_id, store_id=found.request.store_id)
    check_may(Act.RESEND, by=by, subject=subject)
    if found.state != NotificationState.DEAD:
        raise NotGivenUp("the message was not given up")
    Notification.objects.filter(pk=found.pk).update(
        state=NotificationState.PENDING, attempts=0, due_at=at, last_error=""
    )
    data = {"event": found.event, "medium": found.medium}
    lifecycle.record_act(found.request, "refund.resend", by=by.actor, at=at, data=data)
    lifecycle.ring_after_commit([lifecycle.NOTIFY])
    return found
