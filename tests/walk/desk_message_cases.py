"""Messages to customers and their wording, at the desk."""

from __future__ import annotations

from django.utils import timezone

from core.audit.models import AuditEvent
from merchants.models import Role
from refunds.models import Notification
from refunds.telling import outbox, wording
from tests.walk.cases import case
from tests.walk.stage import Stage, text_of

_SETTINGS = "/desk/settings"


@case("GET", "/desk/notifications")
def notifications(stage: Stage) -> None:
    stage.in_review()
    outbox.write_notifications(at=timezone.now())
    assert "w***@example.com" in stage.get(Role.REVIEWER, "/desk/notifications")


@case("GET", "/desk/notifications/<int:notification_id>/resend")
def resend_form(stage: Stage) -> None:
    stage.in_review()
    outbox.write_notifications(at=timezone.now())
    message = Notification.objects.filter(medium="email").order_by("pk")[0]
    assert "w***@example.com" in stage.get(Role.REVIEWER, f"/desk/notifications/{message.pk}/resend")


@case("POST", "/desk/notifications/<int:notification_id>/resend")
def resend(stage: Stage) -> None:
    stage.in_review()
    outbox.write_notifications(at=timezone.now())
    Notification.objects.update(state="dead", attempts=6)
    message = Notification.objects.order_by("pk")[0]
    stage.post(Role.REVIEWER, f"/desk/notifications/{message.pk}/resend", confirmed="1")
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 0)


_MESSAGES = f"{_SETTINGS}/messages"


_MESSAGE = f"{_MESSAGES}/<str:event>/<str:medium>/<str:language>"


_PAID_SMS = f"{_MESSAGES}/refunded/sms/en"


@case("GET", _MESSAGES)
def messages(stage: Stage) -> None:
    assert "built-in" in stage.get(Role.OWNER, _MESSAGES)


@case("GET", _MESSAGE)
def message(stage: Stage) -> None:
    assert "268.00" in stage.get(Role.OWNER, _PAID_SMS)


@case("POST", _MESSAGE)
def word_message(stage: Stage) -> None:
    stage.post(Role.OWNER, _PAID_SMS, text="¥{amount} is back", after="0")
    request = stage.paid()
    assert "¥268.00 is back" in wording.words(event="refunded", medium="sms", locale="en", request=request).body


@case("POST", f"{_MESSAGE}/preview")
def preview_message(stage: Stage) -> None:
    answer = stage.post(Role.OWNER, f"{_PAID_SMS}/preview", text="¥{amount} is back", expect=200)
    assert "¥268.00 is back" in text_of(answer)


@case("POST", f"{_MESSAGE}/test")
def send_test_message(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_MESSAGES}/refunded/email/en/test", recipient="owner@example.com")
    assert AuditEvent.objects.get(action="message.test").data["to"] == "o***@example.com"
