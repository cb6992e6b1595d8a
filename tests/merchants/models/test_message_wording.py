"""Versions of a message's words: added, never changed."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, InternalError, ProgrammingError, transaction
from django.utils import timezone

from merchants.models import MessageWording
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_version_is_written_once_and_never_changed() -> None:
    merchant = make_merchant()
    said = {"merchant": merchant, "event": "refunded", "language": "en", "medium": "sms", "version": 1}
    by = make_staff(merchant, "owner")
    one = MessageWording.objects.create(**said, text="x", written_by=by, written_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageWording.objects.create(**said, text="y", written_by=by, written_at=timezone.now())
    with pytest.raises((ProgrammingError, InternalError)), transaction.atomic():
        MessageWording.objects.update(text="z")
    one.refresh_from_db()
    assert (one.text, str(one)) == ("x", "refunded en sms v1")
