"""Calls with a key go into the log; nothing else does."""

from __future__ import annotations

import pytest

from integrations import request_log
from tests.api.conftest import api_for, session_for
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_calls_with_a_key_alone_are_put_down_with_the_id_of_their_answer() -> None:
    request_log._waiting.clear()
    merchant = make_merchant()
    session_for(make_staff(merchant, "owner")).get("api-keys")
    assert not request_log._waiting
    answer = api_for(merchant).get("policy")
    (call,) = request_log._waiting
    assert (call.request_id, call.status) == (answer.headers["X-Request-Id"], 200)
    assert 0 <= call.ms < 60_000
