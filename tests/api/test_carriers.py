"""Carriers and alerts by REST: no secret in any answer, refusals with their field."""

from __future__ import annotations

import pytest

from integrations.models import AlertAddress
from merchants.models import MessageCarrier
from tests.api.conftest import Session, session_for
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Session:
    return session_for(make_staff(make_merchant(), "owner"))


def test_carrier_answers_never_show_a_secret(owner: Session) -> None:
    given = {"settings": {"appid": "wx1", "secret": "s3cret"}, "position": 2}
    first = owner.put("message-carriers/wechat", given)
    assert (first.status_code, first.json()["position"]) == (200, 2), first.content
    again = owner.put("message-carriers/wechat", {"settings": {"appid": "wx2"}})
    assert again.json()["settings"] == {"appid": "wx2"}
    assert MessageCarrier.objects.get().settings["secret"] == "s3cret"
    for answer in (first, again, owner.get("message-carriers")):
        assert "s3cret" not in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("message-carriers/pigeon", {"settings": {}}, 404),
        ("message-carriers/wechat", {"settings": {"appid": "x"}}, 422),
        ("message-carriers/wechat", {"settings": {"appid": "x", "secret": "y", "sdk_app_id": "z"}}, 422),
        ("message-orders/refunded/fr", {"order": "one"}, 404),
        ("message-orders/refunded/en", {"order": "none"}, 400),
    ],
)
def test_call_when_wrong_is_refused(owner: Session, path: str, body: dict[str, object], status: int) -> None:
    assert owner.put(path, body).status_code == status
    assert not MessageCarrier.objects.exists()


def test_alert_address_is_never_shown_and_a_foreign_one_refused(owner: Session) -> None:
    body = {"kind": "email", "name": "x", "address": "a@example.com", "events": ["channel_down"]}
    added = owner.post("alert-addresses", body, key="k1")
    assert (added.status_code, "a@example.com" in added.content.decode()) == (201, False), added.content
    inside = {**body, "kind": "wecom", "address": "https://10.0.0.1/cgi-bin/webhook/send?key=k"}
    assert owner.post("alert-addresses", inside, key="k2").status_code == 422
    assert AlertAddress.objects.count() == 1
