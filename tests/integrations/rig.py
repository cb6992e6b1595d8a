"""Events without refunds, and endpoints that really listen on this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from core.audit.actors import SYSTEM
from core.audit.models import AuditEvent
from core.audit.record import event
from integrations import feed
from integrations.models import Feed, FeedEvent, WebhookDelivery, WebhookEndpoint
from merchants.models import Merchant
from tests.factories import BESIDE_S

#: Base64 of 32 bytes, as each endpoint has its own.
SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="


def append(merchant_id: int, **fields: Any) -> AuditEvent:
    """An audit event of a refund that is not there, in the caller's transaction."""
    made = unsaved(merchant_id, **fields)
    made.save(force_insert=True)
    return made


def unsaved(merchant_id: int, *, object_id: str = "", version: int = 1, state: str = "approved") -> AuditEvent:
    return event(
        merchant_id=merchant_id,
        by=SYSTEM,
        action="refund.approve",
        object_type="refund_request",
        object_id=object_id or str(uuid4()),
        at=timezone.now(),
        from_state="in_review",
        to_state=state,
        version=version,
    )


def take_all() -> None:
    """Take everything that is committed. The feed waits for all transactions of the cluster, those of a test beside us, too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(txid), 0) FROM core_auditevent")
        (newest,) = cursor.fetchone()
        until = time.monotonic() + BESIDE_S
        while True:
            feed.take_events(at=timezone.now())
            cursor.execute("SELECT coalesce((SELECT txid FROM integrations_feedpoint), 0)")
            if cursor.fetchone()[0] >= newest:
                return
            assert time.monotonic() < until, "an older transaction runs for too long"
            time.sleep(0.02)


def tell(merchant: Merchant, *, type: str = "refund_request.approved", **fields: Any) -> FeedEvent:
    """An event of the feed, with a delivery for every endpoint that wants it; no audit event behind it."""
    now = timezone.now()
    last = feed.last_sequence(merchant.pk) + 1
    Feed.objects.update_or_create(pk=merchant.pk, defaults={"last_sequence": last})
    made = FeedEvent.objects.create(
        merchant=merchant,
        sequence=last,
        source=-(FeedEvent.objects.count() + 1),
        place=1,
        type=type,
        created_at=fields.pop("created_at", now),
        **{"object_type": "refund_request", "object_id": str(uuid4()), "version": 1, **fields},
    )
    for endpoint in WebhookEndpoint.objects.filter(merchant=merchant, enabled=True):
        WebhookDelivery.objects.create(
            merchant=merchant,
            endpoint=endpoint,
            event=made,
            webhook_id=f"evt_{made.pk}",
            type=type,
            object_id=made.object_id,
            sequence=last,
            due_at=now,
            created_at=now,
        )
    return made


def make_endpoint(merchant: Merchant, url: str = "http://127.0.0.1:9/hook", **fields: Any) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(
        merchant=merchant, url=url, created_by="test", created_at=timezone.now(), **{"secret": SECRET, **fields}
    )


@dataclass
class Receiver:
    """A program that takes webhooks: ``calls`` are those that came, ``answer`` says how each is answered."""

    url: str = ""
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[], int] = lambda: 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.calls]


@contextmanager
def listening(**options: Any) -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.answer())
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"heard")

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
