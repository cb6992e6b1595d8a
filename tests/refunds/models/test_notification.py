"""A message to the customer: one a medium for one event."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from refunds.models import Notification, RefundRequest
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def _message(request: RefundRequest, medium: str) -> Notification:
    return Notification.objects.create(
        merchant_id=request.merchant_id,
        request=request,
        event="approved",
        version=3,
        medium=medium,
        locale="zh-Hans",
        recipient="13800006021",
        masked_recipient="138****6021",
        created_at=timezone.now(),
    )


def test_message_when_the_event_was_told_by_this_medium_is_refused_by_the_database() -> None:
    request = make_request(make_sale(make_merchant()))
    _message(request, "sms")
    _message(request, "email")
    with pytest.raises(IntegrityError, match="notification_once"), transaction.atomic():
        _message(request, "sms")
    assert Notification.objects.count() == 2


def test_recipient_is_sealed_in_the_database() -> None:
    kept = _message(make_request(make_sale(make_merchant())), "sms")
    with connection.cursor() as cursor:
        cursor.execute("SELECT recipient::text FROM refunds_notification WHERE id = %s", [kept.pk])
        (stored,) = cursor.fetchone()
    assert "13800006021" not in stored
    assert Notification.objects.get(pk=kept.pk).recipient == "13800006021"
