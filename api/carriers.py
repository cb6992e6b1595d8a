"""Who carries messages to customers, who is told of trouble, and a customer's consent to messages in WeChat."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Flag, StrictSerializer, Text, WholeNumber
from api.shapes import Shape, read
from api.views import Creating, Endpoint
from core import clock
from core.errors import NotFound
from integrations import alerts
from integrations.models import AlertKind
from merchants.models import MessageCarrier
from merchants.rights import Act
from refunds.models.notification import Medium
from refunds.telling import carrying, consents, contracts, wording
from refunds.telling.own_words import LANGUAGES
from refunds.telling.providers.contract import Template
from refunds.telling.providers.registry import PROVIDERS

EVENTS, ALERTS, KINDS = sorted(wording.NOTIFIED), list(alerts.EVENTS), list(PROVIDERS)
MEDIA = [Medium.SMS.value, Medium.WECHAT.value]
_NO_CONTENT = {204: None, **schemas.READ_PROBLEMS}


# --- carriers ---------------------------------------------------------------------------------------------------------


class CarrierTemplateOut(Shape):
    event = s.ChoiceField(contracts.EVENTS)
    language = s.ChoiceField(LANGUAGES)
    id = s.CharField()
    text = s.CharField()


class CarrierOut(Shape):
    kind = s.ChoiceField(KINDS)
    medium = s.ChoiceField(MEDIA)
    enabled = s.BooleanField()
    position = s.IntegerField()
    settings = s.DictField(child=s.CharField())
    templates = CarrierTemplateOut(many=True)
    failing_since = s.DateTimeField(allow_null=True)
    trouble = s.CharField()


class CarriersOut(Shape):
    results = CarrierOut(many=True)


class CarrierSerializer(StrictSerializer):
    settings = s.DictField(child=Text(max_length=200, allow_blank=True))
    enabled = Flag(required=False, default=True)
    position = WholeNumber(min_value=1, max_value=9, required=False, default=1)


class CarrierTemplateSerializer(StrictSerializer):
    id = Text(max_length=80, allow_blank=True)
    text = Text(multiline=True, max_length=1000, allow_blank=True, required=False, default="")


class CarrierTestSerializer(StrictSerializer):
    event = s.ChoiceField(contracts.EVENTS)
    language = s.ChoiceField(LANGUAGES)
    recipient = Text(max_length=100)


class CarrierTestOut(Shape):
    text = s.CharField()


def _carrier(row: MessageCarrier) -> dict[str, Any]:
    its = PROVIDERS[row.kind]
    templates = [
        {**dict(zip(("event", "language"), key.split("/"), strict=True)), **one} for key, one in row.templates.items()
    ]
    return CarrierOut.of(
        {
            "kind": row.kind,
            "medium": its.medium,
            "enabled": row.enabled,
            "position": row.position,
            "settings": {name: value for name, value in row.settings.items() if name not in its.secrets and value},
            "templates": sorted(templates, key=lambda one: (one["event"], one["language"])),
            "failing_since": row.failing_since,
            "trouble": row.trouble,
        }
    )


class Carriers(Endpoint):
    acts = {"GET": Act.CHANGE_CREDENTIALS}

    @schemas.operation("list_message_carriers", CarriersOut)
    def get(self, request: Request) -> Response:
        """The merchant's contracts with providers of SMS and WeChat messages. No secret is ever shown."""
        rows = MessageCarrier.objects.filter(merchant_id=self.caller.merchant_id).order_by("position", "pk")
        return Response({"results": [_carrier(row) for row in rows]})


class CarrierDetail(Endpoint):
    acts = {"PUT": Act.CHANGE_CREDENTIALS, "DELETE": Act.CHANGE_CREDENTIALS}

    @schemas.operation("set_message_carrier", CarrierOut, takes=CarrierSerializer)
    def put(self, request: Request, kind: str) -> Response:
        """Enter or change a contract. Messages that waited for it go out at once."""
        data = self.read(CarrierSerializer)
        wanted = contracts.Wanted(given=data["settings"], enabled=data["enabled"], position=data["position"])
        return Response(_carrier(contracts.set_contract(kind=kind, wanted=wanted, by=self.caller.by, at=clock.now())))

    @extend_schema(operation_id="remove_message_carrier", responses=_NO_CONTENT)
    def delete(self, request: Request, kind: str) -> Response:
        """Forget the contract with its keys and templates."""
        contracts.remove(kind=kind, by=self.caller.by, at=clock.now())
        return Response(status=204)


class CarrierTemplate(Endpoint):
    acts = {"PUT": Act.CHANGE_CREDENTIALS}

    @schemas.operation("set_carrier_template", CarrierOut, takes=CarrierTemplateSerializer)
    def put(self, request: Request, kind: str, event: str, language: str) -> Response:
        """The text that the provider has approved for an event; `{amount}` and the like stand for its variables."""
        data = self.read(CarrierTemplateSerializer)
        row = contracts.set_template(
            kind=kind,
            event=event,
            language=language,
            template=Template(data["id"], data["text"]),
            by=self.caller.by,
            at=clock.now(),
        )
        return Response(_carrier(row))


class TestCarrier(Endpoint):
    acts = {"POST": Act.CHANGE_CREDENTIALS}

    @schemas.operation("test_message_carrier", CarrierTestOut, takes=CarrierTestSerializer)
    def post(self, request: Request, kind: str) -> Response:
        """Send one template to yourself, about a refund that never was."""
        data = self.read(CarrierTestSerializer)
        said = contracts.send_test(kind=kind, **data, by=self.caller.by, at=clock.now())
        return Response(CarrierTestOut.of({"text": said}))


class MessageOrderOut(Shape):
    event = s.ChoiceField(EVENTS)
    language = s.ChoiceField(LANGUAGES)
    order = s.ChoiceField(list(carrying.ORDERS))


class MessageOrdersOut(Shape):
    results = MessageOrderOut(many=True)


class MessageOrderSerializer(StrictSerializer):
    order = s.ChoiceField(
        list(carrying.ORDERS),
    )


class MessageOrders(Endpoint):
    acts = {"GET": Act.CHANGE_CREDENTIALS}

    @schemas.operation("list_message_orders", MessageOrdersOut)
    def get(self, request: Request) -> Response:
        """By which media customers are told of each event, where it is not `usual`."""
        rows = contracts.orders_of(self.caller.by)
        return Response({"results": MessageOrderOut.all_of(rows)})


class MessageOrderDetail(Endpoint):
    acts = {"PUT": Act.CHANGE_CREDENTIALS}

    @schemas.operation("set_message_order", MessageOrderOut, takes=MessageOrderSerializer)
    def put(self, request: Request, event: str, language: str) -> Response:
        """The order of one event in one language."""
        order = self.read(MessageOrderSerializer)["order"]
        row = contracts.set_order(event=event, language=language, order=order, by=self.caller.by, at=clock.now())
        return Response(MessageOrderOut.of(row))


# --- a customer's consent ---------------------------------------------------------------------------------------------


class WeChatConsentSerializer(StrictSerializer):
    openid = Text(max_length=100)
    events = s.ListField(child=s.ChoiceField(EVENTS), min_length=1, max_length=20)


class WeChatConsentOut(Shape):
    events = s.ListField(child=s.ChoiceField(EVENTS))
    given_at = s.DateTimeField()
    refused_at = s.DateTimeField(allow_null=True)


class WeChatConsentDetail(Endpoint):
    acts = {"PUT": Act.CONSENT, "DELETE": Act.CONSENT}

    @schemas.operation("give_wechat_consent", WeChatConsentOut, takes=WeChatConsentSerializer)
    def put(self, request: Request, request_id: UUID) -> Response:
        """What the customer agreed to in `wx.requestSubscribeMessage`; in the place of what was there."""
        data = self.read(WeChatConsentSerializer)
        row = consents.give(request_id=request_id, **data, by=self.caller.by, at=clock.now())
        return Response(WeChatConsentOut.of(row))

    @extend_schema(operation_id="withdraw_wechat_consent", responses=_NO_CONTENT)
    def delete(self, request: Request, request_id: UUID) -> Response:
        """Nothing goes to the customer's WeChat any more, and their OpenID is forgotten."""
        consents.withdraw(request_id=request_id, by=self.caller.by, at=clock.now())
        return Response(status=204)


# --- alerts -----------------------------------------------------------------------------------------------------------


class AlertAddressSerializer(StrictSerializer):
    kind = s.ChoiceField(AlertKind.choices)
    name = Text(max_length=60)
    address = Text(max_length=500)
    secret = Text(max_length=200, required=False, allow_blank=True, default="")
    language = s.ChoiceField(LANGUAGES, required=False, default="zh-hans")
    events = s.ListField(child=s.ChoiceField(ALERTS), min_length=1, max_length=20)
    quiet_from = s.TimeField(required=False, allow_null=True, default=None)
    quiet_until = s.TimeField(required=False, allow_null=True, default=None)


class AlertAddressOut(Shape):
    id = s.IntegerField(source="pk")
    kind = s.ChoiceField(AlertKind.choices)
    name = s.CharField()
    language = s.ChoiceField(LANGUAGES)
    events = s.ListField(child=s.ChoiceField(ALERTS))
    quiet_from = read(
        s.TimeField(allow_null=True), lambda row: row.quiet_from and row.quiet_from.isoformat(timespec="minutes")
    )
    quiet_until = read(
        s.TimeField(allow_null=True), lambda row: row.quiet_until and row.quiet_until.isoformat(timespec="minutes")
    )
    last_error = s.CharField()


class AlertAddressesOut(Shape):
    results = AlertAddressOut(many=True)


class AlertAddresses(Creating):
    acts = {"GET": Act.CHANGE_CREDENTIALS, "POST": Act.CHANGE_CREDENTIALS}

    @schemas.operation("list_alert_addresses", AlertAddressesOut)
    def get(self, request: Request) -> Response:
        """Who is told of trouble. An address is a key to its group and never shown."""
        return Response({"results": AlertAddressOut.all_of(alerts.addresses_of(self.caller.by))})

    @schemas.operation("add_alert_address", AlertAddressOut, takes=AlertAddressSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Tell a group in DingTalk, Feishu or WeCom, or a mail address: staff, or a provider's support. Each thing once."""
        data, by, now = self.read(AlertAddressSerializer), self.caller.by, clock.now()
        wanted = alerts.Wanted(**data)
        return self.answer_once(request, lambda: AlertAddressOut.of(alerts.add(wanted=wanted, by=by, at=now)))


class AlertAddressDetail(Endpoint):
    acts = {"DELETE": Act.CHANGE_CREDENTIALS}

    @extend_schema(operation_id="remove_alert_address", responses=_NO_CONTENT)
    def delete(self, request: Request, address_id: int) -> Response:
        """It is told nothing more."""
        alerts.remove(address_id=address_id, by=self.caller.by, at=clock.now())
        return Response(status=204)


class TestAlertAddress(Endpoint):
    acts = {"POST": Act.CHANGE_CREDENTIALS}

    @schemas.operation("test_alert_address", AlertAddressOut)
    def post(self, request: Request, address_id: int) -> Response:
        """Say hello there. No body."""
        self.read(StrictSerializer)
        alerts.send_test(address_id=address_id, by=self.caller.by, at=clock.now())
        found = alerts.addresses_of(self.caller.by).filter(pk=address_id).first()
        if found is None:
            raise NotFound("there is no such address")
        return Response(AlertAddressOut.of(found))
