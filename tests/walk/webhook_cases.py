"""Every act of what is told to other programs: the feed of events and webhooks, at the desk and through the API."""

from __future__ import annotations

from typing import Any

from integrations.models import WebhookDelivery, WebhookEndpoint
from merchants.models import Role
from tests.integrations.rig import make_endpoint, tell
from tests.walk.cases import case
from tests.walk.stage import Stage, text_of

_DESK, _API = "/desk/developers/webhooks", "/api/v1/webhook-endpoints"
_DESK_ONE, _API_ONE = f"{_DESK}/<int:endpoint_id>", f"{_API}/<int:endpoint_id>"
_REPLAY = "deliveries/<int:delivery_id>/replay"
#: Of no host name: nobody is asked for it, and nobody calls it here.
_URL = "https://93.184.216.34/hook"
_LONG_AGO = "2020-01-01T00:00:00+08:00"


def _one(stage: Stage) -> str:
    """Where the endpoint that is there is found, below the list of the desk or of the API."""
    return f"/{make_endpoint(stage.merchant).pk}"


def _given_up(stage: Stage) -> tuple[str, WebhookDelivery]:
    """A delivery that nobody took, and its endpoint."""
    one = _one(stage)
    tell(stage.merchant)
    WebhookDelivery.objects.update(state="failed", attempts=13)
    return one, WebhookDelivery.objects.get()


# --- the feed ---------------------------------------------------------------------------------------------------------


@case("GET", "/api/v1/events")
def events(stage: Stage) -> None:
    tell(stage.merchant)
    tell(stage.merchant, type="refund_request.refunded")
    told = stage.call("GET", "events", after="1")
    assert ([one["type"] for one in told["results"]], told["next"]) == (["refund_request.refunded"], "2")


# --- at the desk ------------------------------------------------------------------------------------------------------


@case("GET", _DESK)
def endpoints(stage: Stage) -> None:
    make_endpoint(stage.merchant, _URL)
    assert _URL in stage.get(Role.MANAGER, _DESK)


@case("POST", _DESK)
def add(stage: Stage) -> None:
    form: dict[str, Any] = {"url": _URL, "store": "*", "style": "full", "types": ["policy.published"]}
    page = text_of(stage.post(Role.MANAGER, _DESK, expect=200, **form))
    row = WebhookEndpoint.objects.get()
    assert (row.secret in page, row.types) == (True, ["policy.published"])


@case("GET", _DESK_ONE)
def endpoint(stage: Stage) -> None:
    one, delivery = _given_up(stage)
    page = stage.get(Role.MANAGER, f"{_DESK}{one}", status="failed")
    assert f"/deliveries/{delivery.pk}/replay" in page


@case("POST", f"{_DESK_ONE}/<str:name>")
def act(stage: Stage) -> None:
    one = f"{_DESK}{_one(stage)}"
    tell(stage.merchant)
    stage.post(Role.MANAGER, f"{one}/test")
    assert WebhookDelivery.objects.filter(type="webhook.test").exists()
    for name, enabled in (("disable", False), ("enable", True)):
        stage.post(Role.MANAGER, f"{one}/{name}")
        assert WebhookEndpoint.objects.get().enabled == enabled
    WebhookDelivery.objects.update(state="failed")
    stage.post(Role.MANAGER, f"{one}/recover", since="2020-01-01T00:00")
    assert WebhookDelivery.objects.get(type="refund_request.approved").state == "pending"
    before = WebhookEndpoint.objects.get().secret
    page = text_of(stage.post(Role.MANAGER, f"{one}/rotate", expect=200, overlap="24h", confirmed="1"))
    assert before != WebhookEndpoint.objects.get().secret
    assert WebhookEndpoint.objects.get().secret in page
    stage.post(Role.MANAGER, f"{one}/remove", confirmed="1")
    assert not WebhookEndpoint.objects.exists()


@case("POST", f"{_DESK_ONE}/{_REPLAY}")
def replay(stage: Stage) -> None:
    one, delivery = _given_up(stage)
    stage.post(Role.MANAGER, f"{_DESK}{one}/deliveries/{delivery.pk}/replay")
    assert WebhookDelivery.objects.get().state == "pending"


# --- the API ----------------------------------------------------------------------------------------------------------


@case("GET", _API)
def list_endpoints(stage: Stage) -> None:
    make_endpoint(stage.merchant, _URL)
    (told,) = stage.call("GET", "webhook-endpoints")["results"]
    assert (told["url"], "secret" in told) == (_URL, False)


@case("POST", _API)
def add_by_call(stage: Stage) -> None:
    body = {"url": _URL, "types": ["policy.published"], "style": "full"}
    told = stage.call("POST", "webhook-endpoints", body, expect=201)
    assert told["secret"] == WebhookEndpoint.objects.get().secret


@case("GET", _API_ONE)
def get_endpoint(stage: Stage) -> None:
    assert stage.call("GET", f"webhook-endpoints{_one(stage)}")["enabled"] is True


@case("PATCH", _API_ONE)
def change_endpoint(stage: Stage) -> None:
    stage.call("PATCH", f"webhook-endpoints{_one(stage)}", {"enabled": False, "types": ["policy.published"]})
    row = WebhookEndpoint.objects.get()
    assert (row.enabled, row.types) == (False, ["policy.published"])


@case("DELETE", _API_ONE)
def remove_endpoint(stage: Stage) -> None:
    one, _ = _given_up(stage)
    stage.call("DELETE", f"webhook-endpoints{one}", expect=204)
    assert not WebhookEndpoint.objects.exists()


@case("POST", f"{_API_ONE}/rotate")
def rotate(stage: Stage) -> None:
    one = _one(stage)
    before = WebhookEndpoint.objects.get().secret
    told = stage.call("POST", f"webhook-endpoints{one}/rotate", {"overlap": "1h"})
    assert told["secret"] == WebhookEndpoint.objects.get().secret != before


@case("POST", f"{_API_ONE}/test")
def send_test(stage: Stage) -> None:
    assert stage.call("POST", f"webhook-endpoints{_one(stage)}/test", {})["type"] == "webhook.test"
    assert WebhookDelivery.objects.get().type == "webhook.test"


@case("POST", f"{_API_ONE}/recover")
def recover(stage: Stage) -> None:
    one, _ = _given_up(stage)
    assert stage.call("POST", f"webhook-endpoints{one}/recover", {"since": _LONG_AGO}) == {"waiting": 1}
    assert WebhookDelivery.objects.get().state == "pending"


@case("GET", f"{_API_ONE}/deliveries")
def deliveries(stage: Stage) -> None:
    one, delivery = _given_up(stage)
    (told,) = stage.call("GET", f"webhook-endpoints{one}/deliveries", status="failed")["results"]
    assert told["id"] == delivery.pk


@case("POST", f"{_API_ONE}/{_REPLAY}")
def replay_by_call(stage: Stage) -> None:
    one, delivery = _given_up(stage)
    told = stage.call("POST", f"webhook-endpoints{one}/deliveries/{delivery.pk}/replay", {})
    assert (told["status"], WebhookDelivery.objects.get().state) == ("pending", "pending")
