"""Refund requests: quoted, submitted, followed, withdrawn, sent in again."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import idempotency, schemas
from api.bodies import Kept, as_json
from api.fields import ChangedQuery, Fields, Number, QueryInstant, RefundNumber, StrictSerializer
from api.pagination import OldestFirst
from api.schemas_plan import QuoteOut, arrival_json, new_plan_json
from api.schemas_refunds import (
    ROW_FIELDS,
    RefundRequestOut,
    RefundRequestPageOut,
    new_request_json,
    stored_request_json,
)
from api.schemas_verdict import VerdictOut
from api.serializers import (
    PayeeSerializer,
    RefundRequestSerializer,
    ResubmitSerializer,
    VersionSerializer,
    correction_of,
    draft_of,
)
from api.shapes import Shape, read
from api.views import PAGE_PARAMETERS, ActOnOne, Endpoint
from core import clock
from core.audit import notes
from core.errors import DomainError
from core.numbers import spellings
from merchants.principals import Principal
from merchants.rights import Act
from refunds import queries
from refunds.intake import compensating, judging, resubmitting
from refunds.intake.building import Submission
from refunds.intake.claims import Account
from refunds.intake.submitting import KeyAlreadyUsed
from refunds.models import RefundRequest
from refunds.payouts import ways_back
from refunds.states import Reason, State
from terminals.models import TransactionStatus


class ActorOut(Shape):
    kind = serializers.ChoiceField(["staff", "api_key", "customer", "channel", "system"], source="actor_kind")
    name = serializers.CharField(source="actor_name")


class EventOut(Shape):
    at = serializers.DateTimeField()
    actor = ActorOut(source="*")
    action = serializers.CharField()
    from_state = serializers.CharField(allow_null=True)
    to_state = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    #: What the event carries, but what staff wrote to one another.
    data = read(  # type: ignore[assignment]  # the library's own property of that name
        serializers.DictField(),
        lambda event: {name: value for name, value in event.data.items() if name != "note"},
    )


class EventsOut(schemas.Page):
    results = EventOut(many=True)


class RequestQuery(ChangedQuery):
    state = serializers.ChoiceField(State.choices, required=False)
    store = Number(required=False)
    terminal = Number(required=False)
    reason = serializers.ChoiceField(Reason.choices, required=False)
    created_after = QueryInstant(required=False, help_text="from then on")
    created_before = QueryInstant(required=False, help_text="up to, not including")
    number = RefundNumber(required=False)
    order_no = Number(required=False)
    fields = Fields(  # type: ignore[assignment]  # the library's own property of that name
        RefundRequestOut,
        help_text="which fields rows have, names with commas between; left out: the short ones, without `verdict`, `plan`, "
        "`executions` and others that stand in rows of their own",
    )


_FILTERS = {
    "state": "state",
    "store": "store__code__in",
    "terminal": "terminal__code__in",
    "reason": "reason",
    "created_after": "created_at__gte",
    "created_before": "created_at__lt",
    "number": "number",
    "order_no": "transaction__order_no__in",
}


class Quotes(Endpoint):
    """The policy's verdict without creating anything."""

    acts = {"POST": Act.QUOTE}

    @schemas.operation("quote_refund", QuoteOut, takes=RefundRequestSerializer)
    def post(self, request: Request) -> Response:
        """What would become of this refund, explained. Nothing is stored."""
        draft = draft_of(self.read(RefundRequestSerializer))
        now = clock.now()
        sale, verdict, legs = judging.quote(draft=draft, by=self.caller.by, at=now)
        return Response(
            QuoteOut.of(
                sale,
                amount_fen=draft.amount_fen,
                verdict=VerdictOut.of(verdict.as_json()),
                plan=new_plan_json(legs, sale, at=now) if legs else None,
                trade_query_url=(
                    f"/api/v1/transactions/{sale.id}/trade-queries"
                    if sale.status != TransactionStatus.SUCCESS and sale.channel_account_id is not None
                    else None
                ),
                expected_arrival=arrival_json(funding=sale.funding, profile=sale.profile, at=now, route=draft.route),
            )
        )


class RefundRequests(Endpoint):
    """Submit and list refund requests."""

    acts = {"GET": Act.READ_REFUNDS, "POST": Act.SUBMIT}

    @schemas.operation("submit_refund_request", RefundRequestOut, takes=RefundRequestSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Submit a refund request; the answer has already been through the policy."""
        key = idempotency.key_of(request)
        draft = draft_of(self.read(RefundRequestSerializer))
        now = clock.now()

        answer = ""

        def keep_answer(submission: Submission) -> None:
            nonlocal answer
            answer = as_json(new_request_json(submission))
            body = idempotency.packed(answer, of=submission.request.pk)
            submission.idempotency = idempotency.record(request, self.caller, key, status=201, body=body, at=now)

        try:
            compensating.submit(draft=draft, by=self.caller.by, at=now, before_commit=keep_answer)
        except KeyAlreadyUsed:
            return idempotency.replay(request, self.caller, key)
        except DomainError:
            # A repeat finds what the first has changed: nothing left, another sale of that number. It is answered like the first.
            if idempotency.is_known(self.caller, key):
                return idempotency.replay(request, self.caller, key)
            raise
        return Kept(answer, status=201)

    @schemas.operation("list_refund_requests", RefundRequestPageOut, pages=True, query=RequestQuery)
    def get(self, request: Request) -> Response:
        """Refund requests, newest first. Rows are short; `fields` asks for more or less."""
        wanted = self.read_query(RequestQuery, besides=PAGE_PARAMETERS)
        found = queries.requests_of(merchant_id=self.caller.merchant_id, store_ids=self.caller.store_ids)
        found = found.filter(
            **{
                lookup: spellings(wanted[name]) if lookup.endswith("__in") else wanted[name]
                for name, lookup in _FILTERS.items()
                if name in wanted
            }
        )
        if "order_no" in wanted:
            # Said of the sale as well, so that its index of the merchant's numbers serves.
            found = found.filter(transaction__merchant_id=self.caller.merchant_id)
        only = wanted.get("fields", ROW_FIELDS)
        since = wanted.get("updated_after")
        changes = since and queries.changed_requests(merchant_id=self.caller.merchant_id, since=since)
        represent = partial(stored_request_json, only=only)
        return self.page(request, queries.with_parts(found, only=only), represent, changes=changes)


class OneRequest(Endpoint):
    """What the views of one request share: it is looked up before anything that was sent is judged."""

    def load(self, request_id: UUID) -> RefundRequest:
        return queries.request_for(
            merchant_id=self.caller.merchant_id, request_id=request_id, store_ids=self.caller.store_ids
        )


class RefundRequestDetail(OneRequest):
    acts = {"GET": Act.READ_REFUNDS}

    @schemas.operation("get_refund_request", RefundRequestOut)
    def get(self, request: Request, request_id: UUID) -> Response:
        """One refund request."""
        return Response(stored_request_json(self.load(request_id)))


class RefundRequestEvents(OneRequest):
    acts = {"GET": Act.READ_REFUNDS}

    @schemas.operation("list_refund_request_events", EventsOut, pages=True)
    def get(self, request: Request, request_id: UUID) -> Response:
        """The timeline, oldest first."""
        self.read_query(StrictSerializer, besides=PAGE_PARAMETERS)
        pages = OldestFirst()
        rows = pages.paginate_queryset(queries.events_of(self.load(request_id).pk), request, view=self)
        return pages.get_paginated_response(EventOut.all_of(notes.told(rows)))


class ActOnRequest(OneRequest, ActOnOne):
    gives = RefundRequestOut

    def shown(self, found: RefundRequest) -> dict[str, Any]:
        return stored_request_json(found)


class CancelRefundRequest(ActOnRequest):
    """Withdraw a request of which nothing was sent to the channel yet."""

    acts = {"POST": Act.CANCEL}
    operation, body = "cancel_refund_request", VersionSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        ways_back.cancel(request_id=request_id, by=by, at=at, message=data["note"], expected_version=data["version"])


class ResubmitRefundRequest(ActOnRequest):
    """Send in again what needed more, failed or was rejected, corrected."""

    acts = {"POST": (Act.RESUBMIT, Act.RESUBMIT_FAILED)}
    operation, body = "resubmit_refund_request", ResubmitSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        resubmitting.resubmit(
            request_id=request_id, correction=correction_of(data), by=by, at=at, expected_version=data["version"]
        )


class AskForCompensation(ActOnRequest):
    """Ask for what is owed on top of a deposit's refund by the merchant's breach: a transfer to the customer's own account."""

    acts = {"POST": Act.SUBMIT}
    operation, body = "ask_for_compensation", PayeeSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        compensating.ask(request_id=request_id, account=Account(**data), by=by, at=at)
