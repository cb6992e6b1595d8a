"""Endpoints of webhooks, what was sent to them, and how a thing is written in full."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import idempotency, schemas
from api.fields import Flag, Instant, StrictSerializer, Text
from api.pagination import NewestFirst
from api.schemas_refunds import stored_request_json
from api.schemas_sales import TransactionWithRequestsOut
from api.shapes import Shape, read
from api.views import PAGE_PARAMETERS, Endpoint
from integrations import endpoints, feed
from integrations.endpoints import Wanted
from integrations.models import DeliveryState, Style, WebhookDelivery, WebhookEndpoint
from merchants.api_keys import OVERLAPS
from merchants.rights import Act
from refunds import queries
from terminals.reporting import store_named


class WebhookEndpointOut(Shape):
    id = s.IntegerField(source="pk")
    url = s.CharField()
    types = s.ListField(child=s.ChoiceField(feed.TYPES), help_text="empty: every type, also those to come")
    style = s.ChoiceField(  # type: ignore[assignment]  # the library's own property of that name
        Style.values, help_text="`full`: `data` is the thing as GET gives it when it is first sent"
    )
    store = read(s.CharField(allow_null=True, help_text="null: all stores"), lambda row: row.store and row.store.code)
    enabled = s.BooleanField()
    disabled_at = s.DateTimeField(
        allow_null=True, help_text="when it was switched off for not answering for three days"
    )
    failing_since = s.DateTimeField(allow_null=True)
    created_at = s.DateTimeField()


class NewWebhookEndpointOut(WebhookEndpointOut):
    secret = s.CharField(allow_null=True, help_text="`whsec_…`, shown this once; null where an answer is repeated")


class WebhookEndpointsOut(Shape):
    results = WebhookEndpointOut(many=True)


class WebhookDeliveryOut(Shape):
    id = s.IntegerField(source="pk")
    webhook_id = s.CharField(help_text="the event's `id`")
    type = s.CharField()
    sequence = s.IntegerField()
    status = read(s.ChoiceField(["pending", "delivered", "failed"]), lambda row: status_of(row))
    attempts = read(s.JSONField(help_text="each with `at`, `status` (0: no answer), `ms`, `said`"), lambda row: row.log)
    next_attempt_at = read(
        s.DateTimeField(allow_null=True), lambda row: row.due_at if row.state == DeliveryState.PENDING else None
    )
    body = s.CharField(help_text="what is sent; empty before the first attempt")
    created_at = s.DateTimeField()
    delivered_at = s.DateTimeField(allow_null=True)


class WebhookDeliveryPageOut(schemas.Page):
    results = WebhookDeliveryOut(many=True)


class RecoveredOut(Shape):
    waiting = s.IntegerField(help_text="events since then that are sent now, in order")


class _EndpointFields(StrictSerializer):
    types = s.ListField(child=Text(max_length=60), required=False, max_length=50)
    style = s.ChoiceField(Style.values, required=False)  # type: ignore[assignment]  # as above
    enabled = Flag(required=False)


class NewEndpointSerializer(_EndpointFields):
    url = Text(max_length=500, help_text="https, on the public internet")
    store = Text(required=False, allow_null=True, max_length=32, help_text="a store's code; null: all of the caller's")


class EndpointChangeSerializer(_EndpointFields):
    url = Text(max_length=500, required=False)


class RotateSerializer(StrictSerializer):
    overlap = s.ChoiceField(
        list(OVERLAPS), required=False, default="24h", help_text="so long the secret before signs, too"
    )


class RecoverSerializer(StrictSerializer):
    since = Instant()
    delivered_too = Flag(required=False, default=False, help_text="what has arrived before comes again")


class DeliveryQuery(StrictSerializer):
    status = s.ChoiceField(["pending", "delivered", "failed"], required=False)


class WebhookEndpoints(Endpoint):
    acts = {"GET": Act.MANAGE_WEBHOOKS, "POST": Act.MANAGE_WEBHOOKS}

    @schemas.operation("list_webhook_endpoints", WebhookEndpointsOut)
    def get(self, request: Request) -> Response:
        """Which addresses are called."""
        self.read_query(StrictSerializer)
        return Response({"results": WebhookEndpointOut.all_of(endpoints.endpoints_of(self.caller.by))})

    @schemas.operation("add_webhook_endpoint", NewWebhookEndpointOut, takes=NewEndpointSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Call an address for each event, as Standard Webhooks has it: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

        The body is the event as the feed gives it. Events about one refund come in order, each at least once; what is not
        answered with 2xx is tried again for three days.
        """
        key = idempotency.key_of(request)
        data, now = self.read(NewEndpointSerializer), timezone.now()

        def keep_answer(row: WebhookEndpoint) -> None:
            # Not even here is a secret kept in plain.
            body = NewWebhookEndpointOut.of(row, secret=None)
            idempotency.record(request, self.caller, key, status=201, body=body, at=now).save(force_insert=True)

        try:
            row = endpoints.add(
                wanted=_wanted(data),
                by=self.caller.by,
                at=now,
                store=store_named(code, by=self.caller.by) if (code := data.get("store")) is not None else None,
                before_commit=keep_answer,
            )
        except IntegrityError as error:
            if "idempotency_key_once" not in str(error):
                raise
            return idempotency.replay(request, self.caller, key)
        return Response(NewWebhookEndpointOut.of(row), status=201)


class WebhookEndpointDetail(Endpoint):
    acts = dict.fromkeys(("GET", "PATCH", "DELETE"), Act.MANAGE_WEBHOOKS)

    @schemas.operation("get_webhook_endpoint", WebhookEndpointOut)
    def get(self, request: Request, endpoint_id: int) -> Response:
        """One of them."""
        return Response(WebhookEndpointOut.of(endpoints.endpoint_of(endpoint_id=endpoint_id, by=self.caller.by)))

    @schemas.operation("change_webhook_endpoint", WebhookEndpointOut, takes=EndpointChangeSerializer)
    def patch(self, request: Request, endpoint_id: int) -> Response:
        """Another address, other types, on or off. What was missed while it was off comes by `recover` alone."""
        data = self.read(EndpointChangeSerializer)
        row = endpoints.change(endpoint_id=endpoint_id, wanted=_wanted(data), by=self.caller.by, at=timezone.now())
        return Response(WebhookEndpointOut.of(row))

    @extend_schema(operation_id="remove_webhook_endpoint", responses={204: None, **schemas.READ_PROBLEMS})
    def delete(self, request: Request, endpoint_id: int) -> Response:
        """It is called no more, and its log is gone."""
        endpoints.remove(endpoint_id=endpoint_id, by=self.caller.by, at=timezone.now())
        return Response(status=204)


class RotateSecret(Endpoint):
    acts = {"POST": Act.MANAGE_WEBHOOKS}

    @schemas.operation("rotate_webhook_secret", NewWebhookEndpointOut, takes=RotateSerializer)
    def post(self, request: Request, endpoint_id: int) -> Response:
        """A new secret, shown this once. During the overlap each call is signed by both."""
        overlap: timedelta = OVERLAPS[self.read(RotateSerializer)["overlap"]]
        row = endpoints.rotate(endpoint_id=endpoint_id, by=self.caller.by, at=timezone.now(), overlap=overlap)
        return Response(NewWebhookEndpointOut.of(row))


class TestEndpoint(Endpoint):
    acts = {"POST": Act.MANAGE_WEBHOOKS}

    @schemas.operation("test_webhook_endpoint", WebhookDeliveryOut)
    def post(self, request: Request, endpoint_id: int) -> Response:
        """Send `webhook.test`, signed like any other. `deliveries` tells how it ended. No body."""
        self.read(StrictSerializer)
        row = endpoints.test(endpoint_id=endpoint_id, by=self.caller.by, at=timezone.now())
        return Response(WebhookDeliveryOut.of(row))


class Recover(Endpoint):
    acts = {"POST": Act.MANAGE_WEBHOOKS}

    @schemas.operation("recover_webhooks", RecoveredOut, takes=RecoverSerializer)
    def post(self, request: Request, endpoint_id: int) -> Response:
        """Send all that has happened since and did not arrive."""
        data = self.read(RecoverSerializer)
        count = endpoints.recover(endpoint_id=endpoint_id, **data, by=self.caller.by, at=timezone.now())
        return Response({"waiting": count})


class Deliveries(Endpoint):
    acts = {"GET": Act.MANAGE_WEBHOOKS}

    @schemas.operation("list_webhook_deliveries", WebhookDeliveryPageOut, query=DeliveryQuery, pages=True)
    def get(self, request: Request, endpoint_id: int) -> Response:
        """What was sent, with each answer, the last queued first."""
        wanted = self.read_query(DeliveryQuery, besides=PAGE_PARAMETERS)
        found = endpoints.endpoint_of(endpoint_id=endpoint_id, by=self.caller.by).deliveries.all()
        if "status" in wanted:
            found = found.filter(state__in=_STATES[wanted["status"]])
        return self.page(request, found, WebhookDeliveryOut.of, order=LastQueuedFirst)


class Replay(Endpoint):
    acts = {"POST": Act.MANAGE_WEBHOOKS}

    @schemas.operation("replay_webhook_delivery", WebhookDeliveryOut)
    def post(self, request: Request, endpoint_id: int, delivery_id: int) -> Response:
        """Send one again, whatever became of it, with the same body and `webhook-id`. No body."""
        self.read(StrictSerializer)
        row = endpoints.replay(endpoint_id=endpoint_id, delivery_id=delivery_id, by=self.caller.by, at=timezone.now())
        return Response(WebhookDeliveryOut.of(row))


class LastQueuedFirst(NewestFirst):
    """Deliveries, by id."""

    field, numbered = "", True


_STATES = {
    "pending": [DeliveryState.PENDING, DeliveryState.SENDING],
    "delivered": [DeliveryState.DELIVERED],
    "failed": [DeliveryState.FAILED],
}


def status_of(row: WebhookDelivery) -> str:
    return next(status for status, states in _STATES.items() if row.state in states)


def _wanted(data: dict[str, Any]) -> Wanted:
    return Wanted(**{name: value for name, value in data.items() if name != "store"})


def refund_request_body(*, merchant_id: int, object_id: str) -> dict[str, Any]:
    """A refund request as GET gives it. Raises ``NotFound``."""
    return stored_request_json(queries.request_for(merchant_id=merchant_id, request_id=UUID(object_id)))


def transaction_body(*, merchant_id: int, object_id: str) -> dict[str, Any]:
    """A sale as GET gives it. Raises ``NotFound``."""
    sale = queries.transaction_for(merchant_id=merchant_id, transaction_id=UUID(object_id))
    return TransactionWithRequestsOut.of(sale)
