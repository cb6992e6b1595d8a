"""Telling customers: once an event and medium, tried again for a while, and never at a refund's cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from merchants import principals
from refunds.intake.claims import Customer
from refunds.models import Notification, OutboxMessage, RefundRequest
from refunds.models.notification import NotificationState
from refunds.models.outbox import OutboxState
from refunds.payouts import ways_back
from refunds.telling import carrying, outbox, wording
from refunds.telling.carriers import DeliveryFailed, Text
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.plans import answer, ask, order_of_two

pytestmark = pytest.mark.django_db


@dataclass
class Post:
    """A carrier that takes everything, or fails as it is told."""

    failure: DeliveryFailed | None = None
    sent: list[tuple[str, Text]] = field(default_factory=list)

    def send(self, *, recipient: str, text: Text) -> str:
        if self.failure is not None:
            raise self.failure
        self.sent.append((recipient, text))
        return "accepted"


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    carrier = Post()
    monkeypatch.setattr(carrying, "carrier_for", lambda medium: carrier)
    return carrier


def waiting(**contact: Any) -> RefundRequest:
    return make_request(make_sale(make_merchant(), 50_000), 26_800, **{"phone": "13800006021", **contact})


def now() -> datetime:
    return timezone.now() + timedelta(seconds=1)


def test_each_medium_that_the_customer_left_is_told_once(post: Post) -> None:
    request = waiting(email="wangmin@example.com", locale="en")
    outbox.work(at=now())
    assert len(post.sent) == 2
    assert {recipient for recipient, _ in post.sent} == {"13800006021", "wangmin@example.com"}
    rows = Notification.objects.filter(request=request)
    assert {row.masked_recipient for row in rows} == {"138 **** 6021", "w***@example.com"}
    assert {row.state for row in rows} == {NotificationState.SENT}
    assert all("Refund of" in text.body or "received your request" in text.body for _, text in post.sent)


def test_an_event_told_twice_makes_one_message(post: Post) -> None:
    request = waiting()
    outbox.work(at=now())
    OutboxMessage.objects.filter(request_id=request.pk).update(state=OutboxState.PENDING, delivered_at=None)
    outbox.work(at=now())
    assert Notification.objects.filter(request=request).count() == 1
    assert len(post.sent) == 1


def test_without_an_address_nobody_is_told_and_nothing_waits(post: Post) -> None:
    request = waiting(phone="")
    outbox.work(at=now())
    assert not Notification.objects.filter(request=request).exists()
    assert not OutboxMessage.objects.filter(request_id=request.pk, state=OutboxState.PENDING).exists()


def test_what_is_not_the_customers_business_is_not_told(post: Post) -> None:
    request = make_request(make_sale(make_merchant(), 10_000), 1_200, phone="13800006021")
    outbox.work(at=now())
    assert [row.event for row in Notification.objects.filter(request=request)] == ["approved"]


def test_a_failed_message_is_tried_again_later_and_later_and_then_given_up(post: Post) -> None:
    request = waiting()
    post.failure = DeliveryFailed("SMTP: 451")
    at, waits = now(), []
    outbox.work(at=at)
    row = Notification.objects.get(request=request)
    while row.state == NotificationState.PENDING:
        assert row.due_at is not None
        waits.append(round((row.due_at - at).total_seconds()))
        outbox.work(at=row.due_at - timedelta(seconds=1))
        row.refresh_from_db()
        assert row.attempts == len(waits), "not before its time"
        assert row.due_at is not None
        at = row.due_at
        outbox.work(at=at)
        row.refresh_from_db()
    assert waits == [10, 60, 300, 1800, 7200]
    assert (row.state, row.attempts, row.due_at, row.last_error) == ("dead", 6, None, "SMTP: 451")
    assert RefundRequest.objects.get(pk=request.pk).state == "in_review", "the refund does not notice"


def test_a_message_that_cannot_be_delivered_is_given_up_at_once(post: Post) -> None:
    request = waiting()
    post.failure = DeliveryFailed("SMS: HTTP 422", permanent=True)
    outbox.work(at=now())
    row = Notification.objects.get(request=request)
    assert (row.state, row.attempts) == ("dead", 1)


def test_a_message_that_failed_once_is_delivered_when_the_way_is_free_again(post: Post) -> None:
    request = waiting()
    post.failure = DeliveryFailed("SMS: HTTP 503")
    at = now()
    outbox.work(at=at)
    post.failure = None
    outbox.work(at=at + timedelta(seconds=11))
    row = Notification.objects.get(request=request)
    assert (row.state, row.attempts, row.last_error, len(post.sent)) == ("sent", 2, "", 1)


def test_messages_of_one_event_do_not_wait_for_one_another(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    request = waiting(email="wangmin@example.com")
    broken = Post(failure=DeliveryFailed("SMTP: ConnectionRefusedError"))
    monkeypatch.setattr(carrying, "carrier_for", lambda medium: broken if medium == "email" else post)
    outbox.work(at=now())
    states = dict(Notification.objects.filter(request=request).values_list("medium", "state"))
    assert states == {"email": "pending", "sms": "sent"}


def test_a_second_event_is_a_second_message(post: Post) -> None:
    request = waiting()
    outbox.work(at=now())
    ways_back.cancel(request_id=request.pk, by=principals.SYSTEM, at=timezone.now())
    outbox.work(at=now())
    assert sorted(Notification.objects.values_list("event", flat=True)) == ["cancelled", "in_review"]


def test_addresses_are_sealed_in_the_database(post: Post) -> None:
    request = waiting()
    outbox.work(at=now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT recipient FROM refunds_notification WHERE request_id = %s", [request.pk])
        (sealed,) = cursor.fetchone()
    assert b"13800006021" not in bytes(sealed)


def test_message_that_cannot_be_worded_is_counted_and_stops_no_other(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = make_merchant()
    bad = make_request(make_sale(merchant), 100, phone="13800000001")
    good = make_request(make_sale(merchant), 200, phone="13800000002")
    real = wording.words

    def words(*, request: RefundRequest, **more: Any) -> Text:
        if request.pk == bad.pk:
            raise KeyError("a template that is broken")
        return real(request=request, **more)

    monkeypatch.setattr(outbox, "words", words)
    outbox.work(at=timezone.now())
    states = dict(Notification.objects.values_list("request_id", "state"))
    assert (states[good.pk], states[bad.pk]) == ("sent", "pending")
    assert Notification.objects.get(request=bad).attempts == 1


def test_message_that_the_database_is_away_for_is_not_counted(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    request = make_request(make_sale(make_merchant()), 100, phone="13800000001")
    monkeypatch.setattr(outbox, "words", mock.Mock(side_effect=OperationalError("server closed the connection")))
    with pytest.raises(OperationalError):
        outbox.work(at=timezone.now())
    assert Notification.objects.get(request=request).attempts == 0


# --- a part of several ---


@pytest.fixture
def order() -> RefundRequest:
    first, _ = order_of_two()
    customer = Customer(name="王敏", phone="13800006021", email="", locale="en")
    return ask(first, customer=customer)


def _told(request: RefundRequest) -> list[str]:
    return list(Notification.objects.filter(request=request).order_by("pk").values_list("event", flat=True))


def test_a_part_paid_with_the_rest_failed_is_told_once_with_what_is_left(post: Post, order: RefundRequest) -> None:
    answer(order, 2, "refused")
    answer(order, 1)
    outbox.work(at=now())
    assert not [text for _, text in post.sent if "of ¥300.00 refunded" in text.body], "the rest may follow in seconds"
    outbox.work(at=now() + timedelta(minutes=6))
    (said,) = [text.body for _, text in post.sent if "of ¥300.00 refunded" in text.body]
    assert "¥200.00 of ¥300.00 refunded; the other ¥100.00 is not there yet" in said
    request = RefundRequest.objects.get(pk=order.pk)
    by = principals.of_staff(make_staff(request.merchant, "finance"))
    ways_back.retry(request_id=request.pk, by=by, at=timezone.now(), version=request.version)
    outbox.work(at=now() + timedelta(minutes=20))
    assert _told(request).count("partially_refunded") == 1
    answer(request, 2)
    outbox.work(at=now() + timedelta(minutes=30))
    assert _told(request)[-1] == "refunded"


def test_a_part_paid_is_not_told_where_the_rest_follows_at_once(post: Post, order: RefundRequest) -> None:
    answer(order, 1)
    outbox.work(at=now())
    answer(order, 2)
    outbox.work(at=now())
    outbox.work(at=now() + timedelta(minutes=20))
    assert _told(order)[-1] == "refunded"
    assert "partially_refunded" not in _told(order)
