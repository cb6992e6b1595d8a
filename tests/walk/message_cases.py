"""Carriers of messages, a customer's consent, and who is told of trouble: set up by an owner, at the desk and by REST."""

from __future__ import annotations

from typing import Any
from unittest import mock

from django.core import mail

from integrations.models import AlertAddress
from merchants.models import MessageCarrier, MessageOrder, Role
from refunds.models import WeChatConsent
from refunds.telling.providers.wechat import WeChatMessage
from tests.walk.cases import case
from tests.walk.stage import Stage

_API, _DESK = "/api/v1/", "/desk/settings"


def _call(stage: Stage, path: str, body: Any = None, *, method: str = "POST", expect: int = 200) -> Any:
    return stage.call_as(Role.OWNER, path, body, method=method, expect=expect)


def _get(stage: Stage, path: str) -> Any:
    return _call(stage, path, method="GET")


_CARRIER = {"settings": {"appid": "wx1", "secret": "s3cret"}}


@case("GET", f"{_API}message-carriers")
def list_message_carriers(stage: Stage) -> None:
    assert _get(stage, "message-carriers")["results"] == []


@case("PUT", f"{_API}message-carriers/<str:kind>")
def set_message_carrier(stage: Stage) -> None:
    saved = _call(stage, "message-carriers/wechat", _CARRIER, method="PUT")
    assert (saved["settings"], saved["enabled"]) == ({"appid": "wx1"}, True)
    assert _get(stage, "message-carriers")["results"] == [saved]


@case("DELETE", f"{_API}message-carriers/<str:kind>")
def remove_message_carrier(stage: Stage) -> None:
    _call(stage, "message-carriers/wechat", _CARRIER, method="PUT")
    _call(stage, "message-carriers/wechat", method="DELETE", expect=204)
    assert _get(stage, "message-carriers")["results"] == []


def _with_template(stage: Stage) -> Any:
    _call(stage, "message-carriers/wechat", _CARRIER, method="PUT")
    given = {"id": "W-1", "text": "amount1=¥{amount}"}
    return _call(stage, "message-carriers/wechat/templates/refunded/en", given, method="PUT")


@case("PUT", f"{_API}message-carriers/<str:kind>/templates/<str:event>/<str:language>")
def set_carrier_template(stage: Stage) -> None:
    (template,) = _with_template(stage)["templates"]
    assert (template["event"], template["language"], template["id"]) == ("refunded", "en", "W-1")


@case("POST", f"{_API}message-carriers/<str:kind>/test")
def try_message_carrier(stage: Stage) -> None:
    _with_template(stage)
    asked = {"event": "refunded", "language": "en", "recipient": "openid"}
    with mock.patch.object(WeChatMessage, "send", return_value="accepted") as sent:
        assert _call(stage, "message-carriers/wechat/test", asked) == {"text": "amount1=¥268.00"}
    assert sent.call_args.kwargs["recipient"] == "openid"


@case("GET", f"{_API}message-orders")
def list_message_orders(stage: Stage) -> None:
    assert _get(stage, "message-orders")["results"] == []


@case("PUT", f"{_API}message-orders/<str:event>/<str:language>")
def set_message_order(stage: Stage) -> None:
    row = _call(stage, "message-orders/refunded/en", {"order": "one"}, method="PUT")
    assert _get(stage, "message-orders")["results"] == [row]


_ALERTS = {"kind": "email", "name": "on call", "address": "oncall@example.com", "events": ["channel_down"]}


@case("GET", f"{_API}alert-addresses")
def list_alert_addresses(stage: Stage) -> None:
    assert _get(stage, "alert-addresses")["results"] == []


@case("POST", f"{_API}alert-addresses")
def add_alert_address(stage: Stage) -> None:
    added = _call(stage, "alert-addresses", {**_ALERTS, "quiet_from": "22:00", "quiet_until": "07:00"}, expect=201)
    assert (added["quiet_from"], "address" in added) == ("22:00", False)
    assert _get(stage, "alert-addresses")["results"] == [added]


@case("DELETE", f"{_API}alert-addresses/<int:address_id>")
def remove_alert_address(stage: Stage) -> None:
    added = _call(stage, "alert-addresses", _ALERTS, expect=201)
    _call(stage, f"alert-addresses/{added['id']}", method="DELETE", expect=204)
    assert _get(stage, "alert-addresses")["results"] == []


@case("POST", f"{_API}alert-addresses/<int:address_id>/test")
def try_alert_address(stage: Stage) -> None:
    added = _call(stage, "alert-addresses", _ALERTS, expect=201)
    assert _call(stage, f"alert-addresses/{added['id']}/test", {})["last_error"] == ""
    assert [message.to for message in mail.outbox] == [["oncall@example.com"]]


_CONSENT = f"{_API}refund-requests/<id:request_id>/wechat-consent"


def _consented(stage: Stage) -> str:
    body = {"transaction": str(stage.sale().pk), "amount_fen": 26_800, "reason": "quality", "customer_consent": True}
    path = f"refund-requests/{stage.call('POST', 'refund-requests', body, expect=201)['id']}/wechat-consent"
    assert stage.call("PUT", path, {"openid": "o-1", "events": ["refunded"]})["events"] == ["refunded"]
    return path


@case("PUT", _CONSENT)
def give_consent(stage: Stage) -> None:
    _consented(stage)
    assert WeChatConsent.objects.get().openid == "o-1"


@case("DELETE", _CONSENT)
def withdraw_consent(stage: Stage) -> None:
    stage.call("DELETE", _consented(stage), expect=204)
    assert WeChatConsent.objects.get().openid == ""


# --- at the desk ------------------------------------------------------------------------------------------------------


@case("GET", f"{_DESK}/carriers")
def carriers(stage: Stage) -> None:
    assert "Tencent Cloud SMS" in stage.get(Role.OWNER, f"{_DESK}/carriers")


@case("POST", f"{_DESK}/carriers")
def change_order(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_DESK}/carriers", event="refunded", language="en", order="mail_first")
    assert MessageOrder.objects.get().order == "mail_first"


@case("GET", f"{_DESK}/carriers/<str:kind>")
def carrier(stage: Stage) -> None:
    _with_template(stage)
    page = stage.get(Role.OWNER, f"{_DESK}/carriers/wechat")
    assert ("wx1" in page, "s3cret" in page, "amount1=" in page) == (True, False, True)


@case("POST", f"{_DESK}/carriers/<str:kind>")
def save_carrier(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_DESK}/carriers/wechat", appid="wx2", secret="s", position="2", enabled="1")
    assert MessageCarrier.objects.get().settings == {"appid": "wx2", "secret": "s", "page": ""}


@case("POST", f"{_DESK}/carriers/<str:kind>/template")
def save_template(stage: Stage) -> None:
    _call(stage, "message-carriers/wechat", _CARRIER, method="PUT")
    given: dict[str, Any] = {"event": "refunded", "language": "en", "id": "W-2", "text": "amount1=¥{amount}"}
    stage.post(Role.OWNER, f"{_DESK}/carriers/wechat/template", **given)
    assert MessageCarrier.objects.get().templates == {"refunded/en": {"id": "W-2", "text": "amount1=¥{amount}"}}


@case("POST", f"{_DESK}/carriers/<str:kind>/test")
def try_carrier(stage: Stage) -> None:
    _with_template(stage)
    with mock.patch.object(WeChatMessage, "send", return_value="accepted") as sent:
        stage.post(Role.OWNER, f"{_DESK}/carriers/wechat/test", key="refunded/en", recipient="o-1")
    assert sent.call_args.kwargs["recipient"] == "o-1"


@case("POST", f"{_DESK}/carriers/<str:kind>/remove")
def remove_carrier(stage: Stage) -> None:
    _with_template(stage)
    stage.post(Role.OWNER, f"{_DESK}/carriers/wechat/remove", confirmed="1")
    assert not MessageCarrier.objects.exists()


def _address(stage: Stage) -> str:
    return f"{_DESK}/alerts/{_call(stage, 'alert-addresses', _ALERTS, expect=201)['id']}"


@case("GET", f"{_DESK}/alerts")
def alerts(stage: Stage) -> None:
    _address(stage)
    page = stage.get(Role.OWNER, f"{_DESK}/alerts")
    assert ("on call" in page, "oncall@example.com" in page) == (True, False)


@case("POST", f"{_DESK}/alerts")
def add_address(stage: Stage) -> None:
    given: dict[str, Any] = {**_ALERTS, "language": "en", "quiet_from": "22:00", "quiet_until": "07:00"}
    stage.post(Role.OWNER, f"{_DESK}/alerts", **given)
    assert AlertAddress.objects.get().address == "oncall@example.com"


@case("GET", f"{_DESK}/alerts/<int:address_id>")
def address(stage: Stage) -> None:
    assert "on call" in stage.get(Role.OWNER, _address(stage))


@case("POST", f"{_DESK}/alerts/<int:address_id>/test")
def try_address(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_address(stage)}/test")
    assert [message.to for message in mail.outbox] == [["oncall@example.com"]]


@case("POST", f"{_DESK}/alerts/<int:address_id>/remove")
def remove_address(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_address(stage)}/remove", confirmed="1")
    assert not AlertAddress.objects.exists()
