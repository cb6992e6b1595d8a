"""A list as somebody likes to see it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from merchants.models import SavedView
from tests.factories import make_merchant, make_staff


@pytest.mark.django_db
def test_view_of_one_name_is_there_once_for_a_person_and_list() -> None:
    staff = make_staff(make_merchant(), "cashier")
    fields = {"merchant": staff.merchant, "staff": staff, "page": "refunds", "name": "a", "query": ""}
    SavedView.objects.create(**fields)
    with pytest.raises(IntegrityError):
        SavedView.objects.create(**fields)
