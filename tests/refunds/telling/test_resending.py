"""Sending a dead message again."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, NotFound
from merchants.principals import of_staff
from refunds.models import Notification
from refunds.models.notification import NotificationState
from refunds.telling import outbox
from refunds.telling.outbox import NotGivenUp, resend
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def dead() -> Notification:
    make_request(make_sale(make_merchant(), 50_000), 30_000, email="w@example.com")
    outbox.write_notifications(at=timezone.now())
    message = Notification.objects.get()
    message.state, message.attempts, message.due_at = NotificationState.DEAD, 6, None
    message.save()
    return message


def test_dead_message_is_queued_again_with_all_its_retries(dead: Notification) -> None:
    now = timezone.now()
    resend(notification_id=dead.pk, by=of_staff(make_staff(dead.request.merchant, "reviewer")), at=now)
    dead.refresh_from_db()
    assert (dead.state, dead.attempts, dead.due_at) == (NotificationState.PENDING, 0, now)
    event = AuditEvent.objects.get(action="refund.resend")
    assert (event.object_id, event.data) == (str(dead.request_id), {"event": "in_review", "medium": "email"})


def test_message_when_it_is_not_dead_or_not_theirs_stays_as_it_is(dead: Notification) -> None:
    stranger = of_staff(make_staff(make_merchant(), "owner"))
    cashier = of_staff(make_staff(dead.request.merchant, "cashier"))
    reviewer = of_staff(make_staff(dead.request.merchant, "reviewer"))
    for by, error in ((stranger, NotFound), (cashier, Forbidden)):
        with pytest.raises(error):
            resend(notification_id=dead.pk, by=by, at=timezone.now())
    with pytest.raises(NotFound):
        resend(notification_id=0, by=reviewer, at=timezone.now())
    Notification.objects.update(state=NotificationState.SENT)
    with pytest.raises(NotGivenUp):
        resend(notification_id=dead.pk, by=reviewer, at=timezone.now())
    assert not AuditEvent.objects.filter(action="refund.resend").exists()
