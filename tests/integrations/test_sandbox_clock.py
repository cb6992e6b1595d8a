"""Time passes in a sandbox, for it alone, and as it would have passed."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from core import clock
from core.audit.models import AuditEvent
from integrations import sandbox_clock
from integrations.sandbox_clock import Advancing
from merchants import api_keys
from merchants.models import Merchant
from merchants.principals import Principal
from refunds.follow_up import survey
from refunds.models import RefundRequest
from refunds.review import escalating
from refunds.states import State
from refunds.telling import outbox
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_request, make_sale
from tests.refunds.settled import paid

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def twin_of(merchant: Merchant) -> Api:
    """A sandbox without channels, and a key for it."""
    twin = make_merchant(f"T-{merchant.code}")
    Merchant.objects.filter(pk=twin.pk).update(sandbox_of=merchant)
    twin.refresh_from_db()
    return api_for(twin)


@pytest.fixture
def api() -> Api:
    return twin_of(make_merchant())


def key_of(api: Api) -> Principal:
    client = api_keys.recognise(api.key)
    assert client is not None
    return client.principal


def test_advance_fires_what_falls_due_in_its_order_at_its_time_and_nobody_elses(api: Api) -> None:
    live = make_request(make_sale(make_merchant()), 30_000 // 10, reason="goodwill")
    request = make_request(make_sale(api.merchant), reason="goodwill", email="a@b.example")
    assert (live.state, request.state) == (State.IN_REVIEW, State.IN_REVIEW)
    assert request.due_at is not None
    before = timezone.now()
    answer = api.post("test/clock", {"advance": "P10D"}, idempotency_key="once")
    assert answer.status_code == 200, answer.content
    assert answer.json()["target_at"] is None
    assert abs(answer.json()["ahead_s"] - 10 * DAY.total_seconds()) <= 30
    # The escalation at its own time, a step of the way later at most, and nothing of the live one.
    escalated = AuditEvent.objects.get(action="refund.escalate")
    assert escalated.object_id == str(request.pk)
    assert timedelta() <= escalated.at - request.due_at <= 10 * DAY / 1_000
    assert RefundRequest.objects.get(pk=live.pk).escalated_at is None
    # By the sandbox's clock from now on: what is asked for now, a repeat that moves nothing, and time going on.
    assert api.post("test/clock", {"advance": "P10D"}, idempotency_key="once").headers["Idempotent-Replayed"] == "true"
    assert timedelta(days=9.9) < datetime.fromisoformat(api.get("test/clock").json()["now_at"]) - before < 11 * DAY
    sale = make_sale(api.merchant)
    body = {"transaction": str(sale.pk), "amount_fen": 1_200, "reason": "goodwill", "customer_consent": True}
    made = api.post("refund-requests", body)
    assert datetime.fromisoformat(made.json()["created_at"]) - before > timedelta(days=9.9)
    assert clock.ahead() == timedelta()


def test_advance_when_it_is_too_short_long_or_on_its_way_is_refused(api: Api) -> None:
    for wrong, status in (("PT1S", 422), ("P9999D", 422), ("-P1D", 400), ("three days", 400), (72, 400)):
        assert api.post("test/clock", {"advance": wrong}).status_code == status, wrong
    sandbox_clock.aim(advance=DAY, by=key_of(api))
    with pytest.raises(Advancing):
        sandbox_clock.aim(advance=DAY, by=key_of(api))
    # It goes on by itself, as after a process that died.
    sandbox_clock.work()
    assert Merchant.objects.get(pk=api.merchant.pk).clock_target_at is None


def test_clock_when_a_budget_ends_stops_on_its_way_and_goes_on(api: Api) -> None:
    for _ in range(3):
        make_request(make_sale(api.merchant), reason="goodwill")
    sandbox_clock.aim(advance=30 * DAY, by=key_of(api))
    assert sandbox_clock.run(api.merchant.pk, budget_s=0).target_at is not None
    assert not AuditEvent.objects.filter(action="refund.escalate").exists()
    assert sandbox_clock.run(api.merchant.pk).target_at is None
    assert AuditEvent.objects.filter(action="refund.escalate").count() == 3


def test_thirty_days_leave_the_same_events_as_sweeps_over_thirty_days() -> None:
    """In one move of the clock, and by the workers' own stages at instants of half a day."""
    sandbox_merchant, live = twin_of(make_merchant()), make_merchant()
    start = timezone.now()
    for merchant in (sandbox_merchant.merchant, live):
        for number in range(12):
            if number % 3:
                make_request(make_sale(merchant, 50_000), 30_000, reason="goodwill", email="a@b.example")
            else:
                paid(make_request(make_sale(merchant), email="a@b.example"))
    sandbox_clock.aim(advance=30 * DAY, by=key_of(sandbox_merchant))
    sandbox_clock.run(sandbox_merchant.merchant.pk)
    for half_days in range(1, 61):
        at = start + half_days * DAY / 2
        for stage in (escalating.work, survey.work, outbox.work):
            stage(at=at)
    told = events_of(sandbox_merchant.merchant)
    assert told == events_of(live)
    assert [len([one for one in told if one[-1] == end]) for end in ("refund.close", "refund.escalate")] == [4, 8]


def events_of(merchant: Merchant) -> list[tuple[str, ...]]:
    """What happened to each refund, in its order, but for when."""
    rows = RefundRequest.objects.filter(merchant=merchant).order_by("pk").values_list("pk", flat=True)
    events = AuditEvent.objects.filter(object_type="refund_request").order_by("pk")
    return [tuple(events.filter(object_id=str(pk)).values_list("action", flat=True)) for pk in rows]


@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.long)])
def test_thirty_days_over_many_open_requests_take_seconds(count: int) -> None:
    """A thousand on a quiet machine; a tenth of them in as many on a busy one."""
    api = twin_of(make_merchant())
    for number in range(count):
        sale = make_sale(api.merchant, 50_000)
        make_request(sale, 30_000, reason="goodwill", at=timezone.now() + number * timedelta(minutes=7))
    began = time.monotonic()
    sandbox_clock.aim(advance=30 * DAY, by=key_of(api))
    assert sandbox_clock.run(api.merchant.pk, budget_s=10).target_at is None
    took_s = time.monotonic() - began
    sys.stdout.write(f"{count} open requests: {took_s:.2f} s\n")
    assert AuditEvent.objects.filter(action="refund.escalate").count() == count
    assert took_s < 10
