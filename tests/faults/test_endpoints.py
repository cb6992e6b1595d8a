"""Ten thousand webhooks that wait for a slow address and for a dead one hold up neither refunds nor other addresses."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from uuid import uuid4

import pytest
from django.utils import timezone

from integrations import feed
from integrations.models import Feed, FeedEvent, WebhookDelivery, WebhookEndpoint
from merchants.models import Merchant
from refunds.models import RefundRequest
from tests.faults.house import PATIENCE_S, Channel, House, wait_until
from tests.faults.work import all_refunded, paid_once, refunds
from tests.integrations.rig import Receiver, listening, make_endpoint

pytestmark = [pytest.mark.faults, pytest.mark.long]

_WAITING = 10_000
_ASKED = 12
#: The slow one takes it with each call; the dead one takes the call and never says a word (15 s are the end of it).
_SLOW_S, _DEAD_S = 2.0, 20.0
#: What is due to come at once has come by then, on a busy machine too; a place in one queue would be an hour.
_AT_ONCE_S = 10.0


def _after(seconds: float) -> Callable[[], int]:
    def answer() -> int:
        time.sleep(seconds)
        return 200

    return answer


@pytest.mark.breaks_invariants  # most of its events are of no refunds
def test_ten_thousand_webhooks_to_a_slow_and_a_dead_address_delay_nobody_else(
    houses: Callable[..., House], merchant: Merchant, wechat: Channel
) -> None:
    home = houses(WEBHOOKS_TO_LOOPBACK="true")
    with _addresses() as (slow, dead, sound):
        make_endpoint(merchant, sound.url)
        home.worker()
        home.beat()
        alone_s, lag_alone_s = _refunded(merchant, wechat, sound, already=0)
        _queue([make_endpoint(merchant, one.url) for one in (slow, dead)])
        wait_until(lambda: slow.calls and dead.calls, seconds=PATIENCE_S, what="both are called")
        beside_s, lag_beside_s = _refunded(merchant, wechat, sound, already=_ASKED)
        waiting = WebhookDelivery.objects.filter(
            endpoint__url__in=[slow.url, dead.url], state__in=["pending", "sending"]
        )
        left = waiting.count()
    sys.stdout.write(
        f"{_ASKED} refunds paid in {alone_s:.1f} s, beside {left} webhooks that wait in {beside_s:.1f} s; "
        f"the latest event came after {lag_alone_s:.1f} and {lag_beside_s:.1f} s\n"
    )
    assert left > _WAITING * 0.9
    assert beside_s < alone_s + _AT_ONCE_S
    assert lag_beside_s < lag_alone_s + _AT_ONCE_S
    paid_once(wechat, 2 * _ASKED)


@contextmanager
def _addresses() -> Iterator[list[Receiver]]:
    with ExitStack() as stack:
        answers = (_after(_SLOW_S), _after(_DEAD_S), lambda: 200)
        yield [stack.enter_context(listening(answer=answer)) for answer in answers]


def _refunded(merchant: Merchant, wechat: Channel, sound: Receiver, *, already: int) -> tuple[float, float]:
    """Seconds until as many refunds more are paid, and the longest that one of their events took to the sound address."""
    came: list[float] = []

    def answer() -> int:
        came.append(time.time())
        return 200

    heard, sound.answer, began = len(sound.calls), answer, time.monotonic()
    asked = {str(one.pk) for one in refunds(merchant, wechat, _ASKED)}
    all_refunded(seconds=PATIENCE_S)
    paid_s = time.monotonic() - began
    assert RefundRequest.objects.count() == already + _ASKED
    wait_until(lambda: _paid(sound) >= asked, seconds=PATIENCE_S, what="the sound address has heard that all are paid")
    told = [json.loads(body) for body in sound.bodies[heard:]]
    lags = [at - datetime.fromisoformat(one["created_at"]).timestamp() for one, at in zip(told, came, strict=False)]
    return paid_s, max(lags)


def _paid(sound: Receiver) -> set[str]:
    told = [json.loads(body) for body in sound.bodies]
    return {one["object"]["id"] for one in told if one["type"] == "refund_request.refunded"}


def _queue(endpoints: list[WebhookEndpoint]) -> None:
    """So many deliveries that are due, of events that none of the others wants."""
    (merchant,) = {one.merchant for one in endpoints}
    now, last = timezone.now(), feed.last_sequence(merchant.pk)
    count = _WAITING // len(endpoints)
    Feed.objects.filter(pk=merchant.pk).update(last_sequence=last + count)
    events = FeedEvent.objects.bulk_create(
        FeedEvent(
            merchant=merchant,
            sequence=last + number,
            source=-number,
            place=1,
            type="refund_request.approved",
            created_at=now,
            object_type="refund_request",
            object_id=str(uuid4()),
            version=1,
        )
        for number in range(1, count + 1)
    )
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            merchant=merchant,
            endpoint=endpoint,
            event=event,
            webhook_id=f"evt_{event.pk}",
            type=event.type,
            object_id=event.object_id,
            sequence=event.sequence,
            due_at=now,
            created_at=now,
        )
        for endpoint in endpoints
        for event in events
    )
