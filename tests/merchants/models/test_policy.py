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
    with pytest.raises(DatabaseError), transaction.atomic():
        if act == "change":
            PolicyVersion.objects.filter(pk=version.pk).update(name="another")
        else:
            PolicyVersion.objects.filter(pk=version.pk).delete()
    assert PolicyVersion.objects.get(pk=version.pk).name == "标准"
