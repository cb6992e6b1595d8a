"""Messages to customers: listed, and sent again in two steps."""

from __future__ import annotations

import re

from django.test import Client
from django.utils import timezone

from refunds.models import Notification
from refunds.telling import outbox
from tests.desk.conftest import Shop


def test_message_that_was_given_up_goes_out_again(reviewer: Client, shop: Shop) -> None:
    shop.waiting(email="w@example.com")
    outbox.write_notifications(at=timezone.now())
    message = Notification.objects.get()
    assert "w***@example.com" in reviewer.get("/desk/notifications").content.decode()
    address = f"/desk/notifications/{message.pk}/resend"
    assert reviewer.post(address, {"confirmed": "1"}).status_code == 302
    Notification.objects.update(state="dead", attempts=6, last_error="refused")
    # The list leads to a page that says what goes to whom; one click sends nothing.
    assert address in reviewer.get("/desk/notifications").content.decode()
    assert not re.search(rf"<form[^>]*{address}", reviewer.get("/desk/notifications").content.decode())
    for answer in (reviewer.get(address), reviewer.post(address)):
        assert "w***@example.com" in answer.content.decode()
        assert Notification.objects.get().state == "dead"
    reviewer.post(address, {"confirmed": "1"})
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 0)
