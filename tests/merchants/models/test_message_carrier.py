"""A contract with a carrier of messages: one a kind, sealed."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from merchants.models import MessageCarrier
from tests.factories import make_merchant


@pytest.mark.django_db
def test_contract_is_sealed_and_there_is_one_of_a_kind() -> None:
    row = MessageCarrier(merchant=make_merchant(), kind="tencent")
    row.set_settings({"secret_key": "tc-key"})
    row.save()
    assert MessageCarrier.objects.get().settings == {"secret_key": "tc-key"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_settings FROM merchants_messagecarrier")
        assert b"tc-key" not in bytes(cursor.fetchone()[0])
    with pytest.raises(IntegrityError, match="message_carrier_once"), transaction.atomic():
        MessageCarrier.objects.create(merchant=row.merchant, kind="tencent")
