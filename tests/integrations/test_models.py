"""The tables of events and webhooks are behind the wall between merchants, and the database keeps the numbers apart."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from core import tenant_wall
from integrations.models import Feed, FeedEvent, FeedPoint, WebhookDelivery, WebhookEndpoint
from tests.factories import make_merchant
from tests.integrations.rig import make_endpoint, tell

pytestmark = pytest.mark.django_db


def test_each_merchant_sees_its_own_rows_only() -> None:
    ours, theirs = make_merchant(), make_merchant()
    for merchant in (ours, theirs):
        make_endpoint(merchant)
        tell(merchant)
    with tenant_wall.within(ours.pk):
        for model in (Feed, FeedEvent, WebhookEndpoint, WebhookDelivery):
            assert list(model.objects.values_list("merchant_id", flat=True)) == [ours.pk], model
    assert FeedEvent.objects.count() == 2


def test_a_number_and_a_source_are_given_once() -> None:
    merchant = make_merchant()
    event = tell(merchant)
    for same in ({"sequence": event.sequence, "source": 9}, {"sequence": 9, "source": event.source}):
        with pytest.raises(IntegrityError), transaction.atomic():
            FeedEvent.objects.create(
                merchant=merchant,
                place=1,
                type="x",
                object_type="x",
                object_id="1",
                created_at=event.created_at,
                **same,
            )


def test_there_is_one_point() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        FeedPoint.objects.create(pk=2)
