"""A version of the policy never changes."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from merchants.models import PolicyVersion
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("act", ["change", "delete"])
def test_version_in_force_is_neither_changed_nor_deleted(act: str) -> None:
    version = PolicyVersion.objects.get(merchant=make_merchant())
    assert str(version) == "标准 v1"
    rows = PolicyVersion.objects.filter(pk=version.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        _ = rows.update(name="another") if act == "change" else rows.delete()
    assert PolicyVersion.objects.get(pk=version.pk).name == "标准"
