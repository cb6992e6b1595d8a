"""The sandbox: keys for it, made by staff in their session, and what only test keys may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone
from django.utils.dateparse import parse_duration
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import idempotency, schemas
from api.fields import Fen, Number, StrictSerializer, Text, refused
from api.refund_requests import OneRequest
from api.schemas_refunds import RefundRequestOut, stored_request_json
from api.schemas_sales import TransactionOut
from api.serializers import CHANNELS
from api.shapes import Shape, read
from api.views import Creating, Endpoint
from core import clock, tenant_wall
from integrations import feed, sandbox, sandbox_clock
from integrations.sandbox import WantedPayment
from merchants.models import ApiKey
from merchants.rights import Act
from refunds import queries


class TestKeyOut(Shape):
    id = s.IntegerField(source="pk")
    name = s.CharField()
    prefix = s.CharField(help_text="how the key begins")
    created_at = s.DateTimeField()


class NewTestKeyOut(TestKeyOut):
    key = s.CharField(allow_null=True, help_text="`rd_test_…`, shown this once; null where an answer is repeated")


class TestKeysOut(Shape):
    results = TestKeyOut(many=True)


class ClockOut(Shape):
    now_at = s.DateTimeField(help_text="what time it is in the sandbox")
    ahead_s = read(
        s.IntegerField(help_text="how far that is ahead of the time"), lambda stand: int(stand.ahead.total_seconds())
    )
    target_at = s.DateTimeField(
        allow_null=True,
        help_text="where the clock is still going to; null: it has arrived, and all that was due is done",
    )


class SentEventOut(Shape):
    type = s.ChoiceField(feed.TYPES)


class TestKeySerializer(StrictSerializer):
    name = Text(max_length=80, required=False, default="")


class AdvanceSerializer(StrictSerializer):
    advance = Text(max_length=30, help_text="ISO 8601: PT72H, P30D; from a minute to three years in all")

    def validate_advance(self, said: str) -> timedelta:
        duration = parse_duration(said) if said[:1] == "P" else None
        if duration is None:
            raise refused("advance_invalid")
        return duration


class TestPaymentSerializer(StrictSerializer):
    channel = s.ChoiceField(CHANNELS)
    amount_fen = Fen(help_text="the last two digits of a refund choose its outcome: 01 takes a while, 02 gets stuck, "
                     "03 waits for funds, 04 leaves the first call without an answer")  # fmt: skip
    order_no = Number(max_length=32, required=False, default="")
    store = Number(max_length=20, required=False, default="", help_text="left out: the first one")
    phone = Number(max_length=20, required=False, default="")


class DecideTestSerializer(StrictSerializer):
    outcome = s.ChoiceField(
        sandbox.OUTCOMES,
        help_text="`approved`, `rejected`, `needs_info`: as people decide; `paid`, `refused`, `stuck`: how the channel ends what "
        "it works on",
    )


class TestEventSerializer(StrictSerializer):
    type = s.ChoiceField(feed.TYPES)


class TestKeys(Endpoint):
    acts = {"GET": Act.MANAGE_KEYS, "POST": Act.MANAGE_KEYS}

    @schemas.operation("list_test_keys", TestKeysOut)
    def get(self, request: Request) -> Response:
        """The keys of the sandbox that work, the newest first."""
        self.read_query(StrictSerializer)
        with tenant_wall.outside():
            return Response({"results": TestKeyOut.all_of(sandbox.keys(by=self.caller.by))})

    @schemas.operation("make_test_key", NewTestKeyOut, takes=TestKeySerializer, once=True)
    def post(self, request: Request) -> Response:
        """A key of the sandbox, and the sandbox with the first one: the same stores and rules, stand-ins for channels. Each key
        brings it up to the stores and rules of now. Staff only.
        """
        key, now = idempotency.key_of(request), timezone.now()
        name = self.read(TestKeySerializer)["name"]

        def keep_answer(row: ApiKey) -> None:
            # Not even here is a key kept in plain.
            body = NewTestKeyOut.of(row, key=None)
            idempotency.record(request, self.caller, key, status=201, body=body, at=now).save(force_insert=True)

        try:
            row, issued = sandbox.issue(name=name, by=self.caller.by, at=now, before_commit=keep_answer)
        except IntegrityError as error:
            if "idempotency_key_once" not in str(error):
                raise
            return idempotency.replay(request, self.caller, key)
        return Response(NewTestKeyOut.of(row, key=issued), status=201)


class TestClock(Endpoint):
    acts = {"GET": Act.READ_REFUNDS, "POST": Act.SUBMIT}

    @schemas.operation("get_test_clock", ClockOut)
    def get(self, request: Request) -> Response:
        """What time it is in the sandbox. Test keys only."""
        self.read_query(StrictSerializer)
        return Response(ClockOut.of(sandbox_clock.standing(by=self.caller.by)))

    @schemas.operation("advance_test_clock", ClockOut, takes=AdvanceSerializer, besides=(422,))
    def post(self, request: Request) -> Response:
        """Move the sandbox's clock on. What falls due on the way happens in its order: due times, arrival, escalation, survey.
        The answer comes when it is done, or with `target_at` after 20 seconds; it then goes on by itself. Test keys only.

        With an `Idempotency-Key` a repeat moves it no further.
        """

        def aim() -> tuple[int, Any]:
            advance = self.read(AdvanceSerializer)["advance"]
            return 200, ClockOut.of(sandbox_clock.aim(advance=advance, by=self.caller.by))

        if idempotency.HEADER in request.headers:
            replayed = idempotency.answer_once(request, self.caller, aim).headers.get("Idempotent-Replayed")
        else:
            replayed = None
            aim()
        stand = sandbox_clock.run(self.caller.merchant_id)
        return Response(ClockOut.of(stand), headers={"Idempotent-Replayed": replayed} if replayed else None)


class TestPayments(Creating):
    acts = {"POST": Act.REPORT_SALE}

    @schemas.operation("make_test_payment", TransactionOut, takes=TestPaymentSerializer, once=True)
    def post(self, request: Request) -> Response:
        """A sale that was just paid: the channel's stand-in knows of it, and it is reported. Test keys only."""

        def paid() -> Any:
            wanted = WantedPayment(**self.read(TestPaymentSerializer))
            sale = sandbox.pay(wanted=wanted, by=self.caller.by, at=clock.now())
            loaded = queries.transaction_for(merchant_id=self.caller.merchant_id, transaction_id=sale.pk)
            return TransactionOut.of(loaded)

        return self.answer_once(request, paid)


class TestOutcome(OneRequest):
    acts = {"POST": Act.SUBMIT}

    @schemas.operation("decide_test_refund", RefundRequestOut, takes=DecideTestSerializer)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Decide a refund of the sandbox, or have the channel end what it works on. Test keys only."""
        found = self.load(request_id)
        outcome = self.read(DecideTestSerializer)["outcome"]
        sandbox.decide(request_id=found.pk, outcome=outcome, by=self.caller.by, at=clock.now())
        return Response(stored_request_json(self.load(request_id)))


class TestEvents(Endpoint):
    acts = {"POST": Act.MANAGE_WEBHOOKS}

    @schemas.operation("send_test_event", SentEventOut, takes=TestEventSerializer)
    def post(self, request: Request) -> Response:
        """An event of this type in the sandbox's feed and webhooks. It is about its newest refund or sale. Test keys only."""
        wanted = self.read(TestEventSerializer)
        sandbox.send_event(event_type=wanted["type"], by=self.caller.by, at=clock.now())
        return Response(SentEventOut.of(wanted))
