"""Behind the wall of one merchant."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from core import tenant_wall
from merchants.models import Merchant
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


def _role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def test_within_sees_one_merchant_and_leaves_again() -> None:
    ours, _theirs = make_merchant(), make_merchant()
    before = _role()
    with tenant_wall.within(ours.pk):
        assert _role() == tenant_wall.ROLE
        assert list(Merchant.objects.order_by("pk")) == [ours]
    assert _role() == before
    assert Merchant.objects.count() == 2


def test_within_when_there_is_no_wall_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tenant_wall, "stands", lambda: False)
    monkeypatch.setattr(tenant_wall, "_told_of_none", False)
    before = _role()
    for _ in range(2):
        with tenant_wall.within(1):
            assert _role() == before
    assert caplog.text.count("raise_tenant_wall") == 1


def test_wall_of_an_answer_that_was_never_read_is_not_the_next_request_s(monkeypatch: pytest.MonkeyPatch) -> None:
    # Django's own part would close the test's transaction.
    monkeypatch.setattr(BaseDatabaseWrapper, "close_if_unusable_or_obsolete", lambda _: None)
    ours, _theirs = make_merchant(), make_merchant()
    left_open = tenant_wall.within(ours.pk)
    left_open.__enter__()
    assert Merchant.objects.count() == 1
    connection.close_if_unusable_or_obsolete()
    assert Merchant.objects.count() == 2
    left_open.__exit__(None, None, None)
    assert Merchant.objects.count() == 2
