"""What is to be told: once a version."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from refunds.models import OutboxMessage
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def test_outbox_when_a_version_is_told_already_is_refused_by_the_database() -> None:
    request = make_request(make_sale(make_merchant()))
    told = OutboxMessage.objects.filter(request_id=request.pk).order_by("version")
    before = list(told.values_list("topic", "version"))
    assert before[-1] == ("refund_request.approved", request.version)
    again = told[0]
    again.pk = None
    with pytest.raises(IntegrityError, match="outbox_once_a_version"), transaction.atomic():
        again.save(force_insert=True)
    assert list(told.values_list("topic", "version")) == before
