"""Where channels call back."""

from __future__ import annotations

import pytest
from django.test import Client

from refunds.models import ChannelNotice
from refunds.payouts import notices
from tests.factories import make_account, make_merchant

pytestmark = pytest.mark.django_db


def _call(path: str, body: bytes = b"{}") -> int:
    return Client(enforce_csrf_checks=True).post(path, body, content_type="application/json").status_code


def test_notice_when_the_account_is_unknown_is_not_found_and_nothing_is_kept() -> None:
    assert _call("/channels/wechat/nobody/notices") == 404
    assert not ChannelNotice.objects.exists()


def test_notice_when_it_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account(make_merchant())
    read: list[object] = []
    monkeypatch.setattr(notices, "receive", lambda **given: read.append(given))
    assert _call(f"/channels/wechat/{account.code}/notices", b"a" * 64_001) == 413
    assert read == []


def test_notice_when_it_is_asked_for_is_refused() -> None:
    assert Client().get("/channels/wechat/nobody/notices").status_code == 405
