"""The first version has none before it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.errors import NotFound
from desk.access import scope_of
from desk.policy_version.page import policy_version_page
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_first_version_is_told_without_changes() -> None:
    scope = scope_of(make_staff(make_merchant(), "cashier"))
    page = policy_version_page(scope=scope, number=1, at=timezone.now())
    assert (page.before, page.changes, page.may_draft) == (None, (), False)
    with pytest.raises(NotFound):
        policy_version_page(scope=scope, number=2, at=timezone.now())
