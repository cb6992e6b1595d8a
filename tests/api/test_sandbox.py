"""Test keys by REST, and what they may do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import LazySettings

from merchants.models import ApiKey
from refunds.models import IdempotencyRecord
from simulators.kit.testing import RunningSimulator
from tests.api.conftest import api_for, session_for
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_key_is_shown_once_and_kept_nowhere(wechat: RunningSimulator, tmp_path: Path, settings: LazySettings) -> None:
    (tmp_path / "wechat").mkdir()
    (tmp_path / "wechat" / "account.json").write_text(json.dumps(wechat.account))
    settings.STAND_INS_DIR = str(tmp_path)
    session = session_for(make_staff(make_merchant(), "owner"))
    made = session.post("sandbox/keys", {"name": "vendor"}, key="once")
    assert made.status_code == 201, made.content
    again = session.post("sandbox/keys", {"name": "vendor"}, key="once")
    assert (again.headers["Idempotent-Replayed"], again.json()["key"]) == ("true", None)
    assert made.json()["key"] not in IdempotencyRecord.objects.get().body
    assert [one["id"] for one in session.get("sandbox/keys").json()["results"]] == [ApiKey.objects.get().pk]


def test_keys_make_no_keys() -> None:
    refused = api_for(make_merchant()).post("sandbox/keys", {})
    assert (refused.status_code, ApiKey.objects.count()) == (403, 1)
