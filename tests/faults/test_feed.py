"""The worker is killed while it takes events or calls an endpoint: each event is told, in order, to feed and webhook alike."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from itertools import groupby

import pytest
from standardwebhooks.webhooks import Webhook

from integrations.models import FeedEvent, WebhookDelivery
from merchants.models import Merchant
from tests.factories import make_request, make_sale
from tests.faults.house import PATIENCE_S, WORKER_KILLED_S, House, wait_until
from tests.integrations.rig import SECRET, listening, make_endpoint

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    "failpoint", ["feed.before_commit", pytest.param("webhooks.under_way", marks=pytest.mark.long)]
)
def test_worker_killed_beside_the_feed(houses: Callable[..., House], merchant: Merchant, failpoint: str) -> None:
    home = houses(WEBHOOKS_TO_LOOPBACK="true")
    with listening() as receiver:
        make_endpoint(merchant, receiver.url)
        requests = [make_request(make_sale(merchant, 33_980), 26_800) for _ in range(3)]
        doomed = home.start_worker(failpoints=failpoint)
        assert doomed.wait(seconds=PATIENCE_S) == -signal.SIGKILL
        home.worker()
        told = FeedEvent.objects.filter(object_id__in=[str(one.pk) for one in requests])
        arrived = WebhookDelivery.objects.filter(state="delivered", event__in=told)
        # Each is told in the state that it was submitted into and in the one in which it waits for a person.
        wait_until(lambda: arrived.count() >= 6, seconds=WORKER_KILLED_S, what="all events arrive")
    sequences = list(FeedEvent.objects.order_by("sequence").values_list("sequence", flat=True))
    assert sequences == list(range(1, len(sequences) + 1))
    for headers, body in receiver.calls:
        Webhook(SECRET).verify(body, headers)
    bodies = [json.loads(body) for body in receiver.bodies]
    for request in requests:
        versions = [one["object"]["version"] for one in bodies if one["object"]["id"] == str(request.pk)]
        # Once more than once is allowed, another order is not.
        assert [version for version, _ in groupby(versions)] == sorted(set(versions))
