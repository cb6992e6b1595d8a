"""What the database itself refuses of signatures."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

from merchants.models import Merchant, Signature
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.breaks_invariants
def test_signature_of_the_same_message_or_count_is_refused() -> None:
    staff = make_staff(make_merchant(), "manager")

    def kept(number: int, **fields: object) -> None:
        said = {"object_type": "t", "object_id": "1", "statement": "{}", "factor": "webauthn", "at": timezone.now()}
        with transaction.atomic():
            Signature.objects.create(
                merchant_id=staff.merchant_id, staff=staff, digest=bytes([number]) * 32, **{**said, **fields}
            )

    kept(1, signed=b"a" * 32, credential=b"k" * 32, counter=7)
    with pytest.raises(IntegrityError):
        kept(2, signed=b"a" * 32)
    with pytest.raises(IntegrityError):
        kept(3, signed=b"b" * 32, credential=b"k" * 32, counter=7)
    assert Signature.objects.filter(object_type="t").count() == 1


def test_passkeys_once_required_are_required_for_good() -> None:
    merchant = make_merchant()
    rows = Merchant.objects.filter(pk=merchant.pk)
    rows.update(requires_passkeys_since=timezone.now())
    for later in (None, timezone.now() + timedelta(days=1)):
        with pytest.raises(ProgrammingError), transaction.atomic():
            rows.update(requires_passkeys_since=later)
    assert rows.get().requires_passkeys_since
