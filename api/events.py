"""The event feed."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import QueryFen, StrictSerializer, Text, refused
from api.shapes import Shape
from api.views import Endpoint
from integrations import feed
from integrations.models import FeedEvent
from merchants.rights import Act


class FeedObjectOut(Shape):
    type = s.CharField(
        help_text="`refund_request`, `transaction`, `refund_batch`, `policy_version` or `webhook_endpoint`"
    )
    id = s.CharField(help_text="as its own address takes it")
    version = s.IntegerField(allow_null=True, help_text="of a refund request: the one that this event led to")


class FeedEventOut(Shape):
    id = s.CharField(help_text="the same wherever this event is told again; a webhook has it as `webhook-id`")
    sequence = s.IntegerField(help_text="grows by 1 from event to event of a merchant; a store's key sees some of them")
    type = s.ChoiceField(feed.TYPES)
    created_at = s.DateTimeField(help_text="when it happened")
    object = FeedObjectOut()
    data = s.JSONField(  # type: ignore[assignment]  # the library's own property of that name
        help_text="`number`, `order_no`, `store`, `from_state`, `state`, `leg`, where there is one; no personal data"
    )


class FeedOut(Shape):
    results = FeedEventOut(many=True)
    next = s.CharField(help_text="the `after` of the next call, safe to keep: nothing before it comes later")
    has_more = s.BooleanField(help_text="go on at once, also where `results` is empty")


class EventQuery(StrictSerializer):
    after = Text(
        required=False,
        max_length=18,
        help_text="`next` of the last answer; left out: the oldest that is kept; `latest`: only what comes from now on",
    )
    wait = QueryFen(
        min_value=0, max_value=30, required=False, default=0, help_text="seconds to wait where there is nothing yet"
    )
    limit = QueryFen(max_value=200, required=False, default=100)


_TYPES = OpenApiParameter(
    "types[]",
    {"type": "array", "items": {"type": "string", "enum": list(feed.TYPES)}},
    description="only these; may repeat",
)


class Events(Endpoint):
    acts = {"GET": Act.READ_REFUNDS}

    @extend_schema(
        operation_id="list_events",
        parameters=[EventQuery, _TYPES],
        responses={200: FeedOut, **schemas.READ_PROBLEMS, 410: schemas.Problem},
    )
    def get(self, request: Request) -> Response:
        """Everything that happens, in one order, 90 days. A key of a store sees its store's events and the merchant's own;
        `transaction.*` takes `transactions:read`, too.

        With `wait` an empty answer comes late; where it comes at once with `Retry-After`, ask again after so many seconds.
        """
        wanted = self.read_query(EventQuery, besides=frozenset({"types[]"}))
        types = request.query_params.getlist("types[]")
        if set(types) - set(feed.TYPES):
            raise refused("unknown_event_type", "types[]")
        after = wanted.get("after")
        if after == "latest":
            after = str(feed.last_sequence(self.caller.merchant_id))
        if after is not None and not (after.isascii() and after.isdigit()):
            raise refused("invalid_cursor", "after")
        try:
            page = feed.wait_for(
                by=self.caller.by,
                after=None if after is None else int(after),
                types=types,
                limit=wanted["limit"],
                wait_s=wanted["wait"],
            )
        except ValueError as error:
            raise refused("invalid_cursor", "after") from error
        body = {"results": [event_json(one) for one in page.events], "next": str(page.next), "has_more": page.has_more}
        return Response(body, headers={"Retry-After": "1"} if page.come_back else None)


def event_json(event: FeedEvent) -> dict[str, Any]:
    return FeedEventOut.of(feed.thin(event))
