"""The customer's link."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from core.errors import NotFound
from refunds.telling.tracking import LinkExpired, request_id_of, token_for, url_for

_ID = UUID("0190c7a0-0000-7000-8000-000000000001")


def test_link_leads_to_its_request_and_no_other(settings: Settings) -> None:
    token = token_for(_ID)
    assert (len(token), request_id_of(token)) == (48, _ID)
    assert url_for(_ID).startswith(f"{settings.BASE_URL}/r/")
    forged = token_for(uuid4())[:24] + token[24:]
    for wrong in (forged, token[:-1], token + "=", "", "é", token.swapcase()):
        with pytest.raises(NotFound):
            request_id_of(wrong)


def test_link_when_it_is_too_old_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    token, now = token_for(_ID), time.time()
    monkeypatch.setattr(time, "time", lambda: now + settings.TRACKING_LINK_DAYS * 86_400 + 5)
    with pytest.raises(LinkExpired):
        request_id_of(token)


def test_link_under_a_retired_secret_works_on(settings: Settings) -> None:
    token = token_for(_ID)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert request_id_of(token) == _ID
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(NotFound):
        request_id_of(token)
