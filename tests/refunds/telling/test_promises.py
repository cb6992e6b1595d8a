"""Who was told a day hears of a later one, once; who was not, or whose day stands, hears nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from merchants.models import ChannelAccount
from refunds.models import Execution, Notification, RefundRequest
from refunds.models.notification import ARRIVAL_CHANGED
from refunds.telling import outbox, promises, wording
from refunds.telling.stand_words import TABLE
from refunds.telling.stands import Stand
from tests.customer.conftest import in_state

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def told() -> RefundRequest:
    """Under way to a debit card, and the customer was told by when it is there."""
    request = in_state("executing", funding="debit_card", phone="")
    outbox.work(at=timezone.now())
    return request


def later(request: RefundRequest) -> list[Notification]:
    return list(Notification.objects.filter(request=request, event=ARRIVAL_CHANGED).order_by("pk"))


def test_tell_changes_when_the_day_stands_says_nothing(told: RefundRequest) -> None:
    first = Notification.objects.get(request=told, event="approved")

    assert first.promised_by is not None
    assert first.promised_by.date() == wording.promised_by(told, now=timezone.now()).date()
    assert promises.tell_changes(at=first.promised_by) == 0


def test_tell_changes_when_the_day_is_over_names_the_page_s_new_one_once(told: RefundRequest) -> None:
    first = Notification.objects.get(request=told, event="approved")
    assert first.promised_by is not None
    over = first.promised_by + timedelta(hours=10)

    written = [promises.tell_changes(at=over), promises.tell_changes(at=over + timedelta(hours=1))]

    (message,) = later(told)
    assert written[0] == 1
    day = wording.promised_by(told, now=over).date()
    assert (message.version, message.medium) == (day.toordinal(), "email")
    assert day > first.promised_by.date()


def test_tell_changes_when_history_shows_longer_says_so_before_the_day(told: RefundRequest) -> None:
    ChannelAccount.objects.update(measured={"arrival_seen": {"debit_card": [2, 9]}})

    promises.tell_changes(at=timezone.now())
    outbox.work(at=timezone.now())

    (message,) = later(told)
    first = Notification.objects.get(request=told, event="approved")
    assert message.state == "sent"
    assert message.promised_by is not None
    assert first.promised_by is not None
    assert message.promised_by > first.promised_by
    assert "比我们说的" in message.text
    assert promises.tell_changes(at=timezone.now()) == 0


def test_tell_changes_when_the_bank_has_it_later_says_so() -> None:
    request, at = in_state("refunded", funding="debit_card", phone=""), timezone.now()
    outbox.work(at=at)
    Execution.objects.update(second_leg="pending", second_leg_due_at=at, arrives_at=at + 20 * DAY)

    promises.tell_changes(at=at)

    (message,) = later(request)
    assert message.version == timezone.localdate(at + 20 * DAY).toordinal()


def test_tell_changes_when_nobody_knows_promises_no_day_anew(told: RefundRequest) -> None:
    Execution.objects.update(state="unknown", needs_attention=True)
    at = timezone.now() + 30 * DAY

    promises.tell_changes(at=at)
    outbox.work(at=at)

    (message,) = later(told)
    assert message.state == "sent"
    with translation.override("zh-hans"):
        assert str(TABLE[Stand.SILENT].customer) in message.text
    assert "前到账" not in message.text


def test_tell_changes_when_nobody_was_told_a_day_writes_to_nobody() -> None:
    request = in_state("executing", funding="debit_card", phone="", email="")
    outbox.work(at=timezone.now())

    promises.tell_changes(at=timezone.now() + 30 * DAY)

    assert later(request) == []
