"""Sending webhooks: signed, in order, again when refused, and no endpoint waits for another."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from core.audit.models import AuditEvent
from integrations import delivering, endpoints
from integrations.addresses import Result
from integrations.models import WebhookDelivery, WebhookEndpoint
from merchants.principals import of_staff
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.integrations.rig import SECRET, Receiver, listening, make_endpoint, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with listening() as one:
        yield one


def _work(at: datetime | None = None) -> int:
    now = at or timezone.now() + timedelta(seconds=1)
    return delivering.work(clock=lambda: now)


def _fails(endpoint: WebhookEndpoint, *, at: datetime, status: int = 500) -> None:
    """Its next calls, without a call."""
    delivering.note([(one.delivery_id, Result(status, "no", 1)) for one in delivering.claim(at=at)], at=at)
    endpoint.refresh_from_db()


def test_work_sends_the_event_signed_as_standard_webhooks_has_it(receiver: Receiver) -> None:
    merchant = make_merchant()
    make_endpoint(merchant, receiver.url)
    event = tell(merchant, data={"number": "RF-1"})
    assert _work() == 1
    ((headers, body),) = receiver.calls
    said = Webhook(SECRET).verify(body, headers)
    assert headers["webhook-id"] == said["id"] == f"evt_{event.pk}"
    assert (said["type"], said["sequence"], said["data"]) == ("refund_request.approved", 1, {"number": "RF-1"})
    assert said["object"] == {"type": "refund_request", "id": event.object_id, "version": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "YW5vdGhlcmFub3RoZXJhbm90aGVy").verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, row.log[0]["status"], row.log[0]["said"]) == ("delivered", 1, 200, "heard")
    assert row.body.encode() == body
    assert _work() == 0


def test_send_signs_with_both_secrets_until_the_overlap_is_over(receiver: Receiver) -> None:
    merchant = make_merchant()
    endpoint = make_endpoint(merchant, receiver.url)
    owner, now = of_staff(make_staff(merchant, "owner")), timezone.now()
    new = endpoints.rotate(endpoint_id=endpoint.pk, by=owner, at=now, overlap=timedelta(hours=1)).secret
    for hours, old_works in ((0, True), (2, False)):
        tell(merchant)
        (outgoing,) = delivering.claim(at=now + timedelta(hours=hours, seconds=1))
        assert len(outgoing.secrets) == 1 + old_works
        delivering.send(
            delivering.Outgoing(**{**{name: getattr(outgoing, name) for name in outgoing.__slots__}, "at": now})
        )
        delivering.note([(outgoing.delivery_id, Result(200, "", 1))], at=now)
        headers, body = receiver.calls[-1]
        Webhook(new).verify(body, headers)
        if old_works:
            Webhook(SECRET).verify(body, headers)
        else:
            with pytest.raises(WebhookVerificationError):
                Webhook(SECRET).verify(body, headers)


def test_body_in_full_is_what_get_gives_and_holds_no_phone(receiver: Receiver) -> None:
    merchant = make_merchant()
    make_endpoint(merchant, receiver.url, style="full")
    sale = make_sale(merchant, 33_980)
    request = make_request(sale, 26_800)
    tell(merchant, object_id=str(request.pk), version=request.version)
    tell(merchant, type="transaction.created", object_type="transaction", object_id=str(sale.pk))
    tell(merchant, object_id=str(uuid4()), data={"number": "gone"})
    tell(merchant, type="policy.published", object_type="policy_version", object_id="1", data={"number": 1})
    assert _work() == 4
    said = {one["object"]["id"]: one["data"] for one in map(json.loads, receiver.bodies)}
    assert said[str(request.pk)]["number"] == request.number
    assert said[str(request.pk)]["verdict"]
    assert said[str(sale.pk)]["refundable_fen"] is not None
    assert {"number": "gone"} in said.values()
    assert {"number": 1} in said.values()
    assert b"13800006021" not in b"".join(receiver.bodies)


def test_work_when_refused_tries_again_with_the_same_body_over_three_days(receiver: Receiver) -> None:
    merchant = make_merchant()
    endpoint = make_endpoint(merchant, receiver.url)
    tell(merchant)
    receiver.answer = lambda: 503
    now = start = timezone.now() + timedelta(seconds=1)
    while WebhookDelivery.objects.get().state == "pending":
        # Others arrive, so that the endpoint is not what is given up.
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failures=0, failing_since=None, paused_until=None)
        assert _work(now) == 1
        now = WebhookDelivery.objects.get().due_at or now
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, row.due_at) == ("failed", len(delivering.BACKOFF_S) + 1, None)
    assert timedelta(days=2.9) < now - start < timedelta(days=3.5)
    assert len(set(receiver.bodies)) == 1
    assert {headers["webhook-id"] for headers, _ in receiver.calls} == {row.webhook_id}
    assert [entry["status"] for entry in row.log] == [503] * row.attempts


def test_work_keeps_the_order_of_a_refund_and_lets_others_pass(receiver: Receiver) -> None:
    merchant = make_merchant()
    make_endpoint(merchant, receiver.url)
    one, other = str(uuid4()), str(uuid4())
    first = tell(merchant, object_id=one)
    tell(merchant, object_id=one, version=2)
    tell(merchant, object_id=other)
    refused = iter([500])
    receiver.answer = lambda: next(refused, 200)
    now = timezone.now() + timedelta(seconds=1)
    (outgoing, *_) = delivering.claim(at=now, most=1)
    assert outgoing.webhook_id == f"evt_{first.pk}"
    delivering.note([(outgoing.delivery_id, Result(500, "", 1))], at=now)
    next(refused)
    _work(now)
    assert [json.loads(body)["object"]["id"] for body in receiver.bodies][:1] == [other]
    _work(now + timedelta(minutes=1))
    sequences = [json.loads(body)["sequence"] for body in receiver.bodies if json.loads(body)["object"]["id"] == one]
    assert sequences == [1, 2]


def test_claim_leaves_what_another_has_until_its_lease_expires() -> None:
    merchant = make_merchant()
    make_endpoint(merchant)
    tell(merchant)
    now = timezone.now() + timedelta(seconds=1)
    assert len(delivering.claim(at=now)) == 1
    assert not delivering.claim(at=now)
    assert len(delivering.claim(at=now + timedelta(minutes=2))) == 1


def test_claim_takes_few_of_each_endpoint_and_one_where_it_fails() -> None:
    busy, failing = make_merchant(), make_merchant()
    make_endpoint(busy)
    endpoint = make_endpoint(failing)
    for _ in range(10):
        tell(busy)
        tell(failing)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failures=2, failing_since=timezone.now())
    claimed = delivering.claim(at=timezone.now() + timedelta(seconds=1))
    assert len(claimed) == 5
    assert WebhookDelivery.objects.filter(state="sending", endpoint=endpoint).count() == 1


def test_claim_when_ten_thousand_begin_to_wait_at_once_reads_few_of_them() -> None:
    """Whatever the statistics say: they know nothing yet of what a call of ``recover`` has queued."""
    merchant, now = make_merchant(), timezone.now()
    for endpoint in (make_endpoint(merchant), make_endpoint(merchant)):
        WebhookDelivery.objects.bulk_create(
            [
                WebhookDelivery(
                    merchant=merchant,
                    endpoint=endpoint,
                    webhook_id=f"evt_{number}",
                    type="refund_request.approved",
                    object_id=str(number // 5),
                    sequence=number,
                    due_at=now,
                    created_at=now,
                )
                for number in range(5_000)
            ]
        )
    assert len(delivering.claim(at=now)) == 8
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {delivering._CLAIM.name} (%s, %s, %s)",
            (now + timedelta(hours=1), now + timedelta(hours=1), 64),
        )
        (plan,) = cursor.fetchone()[0]
    # Each row of all of them once is ten thousand.
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 2_500


def test_endpoint_that_fails_pauses_and_is_woken_by_its_first_success() -> None:
    merchant = make_merchant()
    endpoint = make_endpoint(merchant)
    for _ in range(6):
        tell(merchant)
    now = timezone.now() + timedelta(seconds=1)
    _fails(endpoint, at=now)
    assert endpoint.failures == 4
    assert endpoint.paused_until is not None
    assert not delivering.claim(at=now + timedelta(seconds=1))
    later = endpoint.paused_until
    (outgoing,) = delivering.claim(at=later)
    delivering.note([(outgoing.delivery_id, Result(204, "", 1))], at=later)
    endpoint.refresh_from_db()
    woken = WebhookEndpoint.objects.filter(failures=0, failing_since=None, paused_until=None)
    assert woken.get().pk == endpoint.pk
    assert not WebhookDelivery.objects.filter(state="pending", due_at__gt=later).exists()


def test_endpoint_that_fails_for_three_days_is_switched_off_and_it_is_told() -> None:
    merchant = make_merchant()
    endpoint = make_endpoint(merchant)
    for _ in range(3):
        tell(merchant)
    now = timezone.now() + timedelta(seconds=1)
    _fails(endpoint, at=now)
    assert endpoint.enabled
    _fails(endpoint, at=now + timedelta(days=3, seconds=1))
    assert (endpoint.enabled, endpoint.disabled_at) == (False, now + timedelta(days=3, seconds=1))
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"failed"}
    assert AuditEvent.objects.filter(action="webhook_endpoint.give_up", object_id=str(endpoint.pk)).exists()
    assert not delivering.claim(at=now + timedelta(days=9))


def test_endpoint_that_says_gone_is_switched_off_at_once() -> None:
    endpoint = make_endpoint(merchant := make_merchant())
    tell(merchant)
    _fails(endpoint, at=timezone.now() + timedelta(seconds=1), status=410)
    assert not endpoint.enabled


def test_note_when_the_endpoint_was_switched_off_meanwhile_leaves_it_failed() -> None:
    merchant = make_merchant()
    endpoint = make_endpoint(merchant)
    tell(merchant)
    now = timezone.now() + timedelta(seconds=1)
    (outgoing,) = delivering.claim(at=now)
    endpoints.change(
        endpoint_id=endpoint.pk,
        wanted=endpoints.Wanted(enabled=False),
        by=of_staff(make_staff(merchant, "owner")),
        at=now,
    )
    delivering.note([(outgoing.delivery_id, Result(500, "", 1))], at=now)
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts) == ("failed", 1)


def test_work_when_one_endpoint_is_slow_and_one_is_dead_delays_nobody_else(receiver: Receiver) -> None:
    def slowly() -> int:
        time.sleep(0.4)
        return 200

    with listening(answer=slowly) as slow:
        merchants = [make_merchant() for _ in range(3)]
        for merchant, url in zip(merchants, (slow.url, "http://127.0.0.1:9/", receiver.url), strict=True):
            make_endpoint(merchant, url)
            for _ in range(12):
                tell(merchant)
        began = time.monotonic()
        arrived: list[float] = []

        def quickly() -> int:
            arrived.append(time.monotonic())
            return 200

        receiver.answer = quickly
        _work()
        assert len(receiver.calls) == len(slow.calls) == 12
        # Four at a time the slow one takes at least 1.2 s; the sound one was through long before.
        assert arrived[-1] - began < time.monotonic() - began - 0.5
    dead = WebhookDelivery.objects.filter(merchant=merchants[1])
    assert not dead.filter(state="delivered").exists()
    assert sum(row.attempts for row in dead) < 12


def test_send_signs_the_time_of_the_call_whatever_its_offset(receiver: Receiver) -> None:
    at = timezone.localtime(timezone.now())
    delivering.send(
        delivering.Outgoing(delivery_id=1, url=receiver.url, secrets=[SECRET], webhook_id="evt_1", body="{}", at=at)
    )
    headers, body = receiver.calls[0]
    Webhook(SECRET).verify(body, headers)
    assert int(headers["webhook-timestamp"]) == int(at.astimezone(UTC).timestamp())
