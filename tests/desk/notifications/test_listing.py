"""Which messages an address lists."""

from __future__ import annotations

from django.http import QueryDict
from django.utils import timezone

from desk.access import scope_of
from desk.notifications.listing import listed
from refunds.models import Notification
from refunds.telling import outbox
from tests.desk.conftest import Shop


def test_messages_are_found_by_their_refunds_number_in_any_spelling(shop: Shop) -> None:
    request = shop.waiting(26_800, phone="13800006021")
    outbox.work(at=timezone.now())
    assert Notification.objects.exists()
    for text in (request.number, request.number.lower(), request.number.removeprefix("RF-"), f"\u200b{request.number}"):
        found = listed(QueryDict(mutable=False, query_string=f"q={text}"), scope=scope_of(shop.reviewer))
        assert found.rows.count() == Notification.objects.count(), text
    assert not listed(QueryDict("q=RF-200101-0001"), scope=scope_of(shop.reviewer)).rows.exists()
