"""How the application reads its bells: a connection that breaks with one in hand can be closed, and read again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from celery import current_app
from django.conf import settings
from kombu import Connection, Consumer, Exchange, Message, Queue
from kombu.common import ignore_errors

from core.redis_client import client
from tests.faults.proxy import Proxy, proxy

QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("test-bells", "test-others")]


@pytest.fixture
def to_broker() -> Iterator[Proxy]:
    parts = urlsplit(settings.REDIS_URL)
    with proxy(parts.hostname or "", parts.port or 0) as standing:
        yield standing
    client().delete(*(queue.name for queue in QUEUES), *(f"_kombu.binding.{queue.name}" for queue in QUEUES))


@pytest.fixture
def reading(to_broker: Proxy) -> Connection:
    """As a worker makes it, with the transport options of our settings."""
    password = urlsplit(settings.REDIS_URL).password
    made: Connection = current_app.connection_for_read(f"redis://:{password}@127.0.0.1:{to_broker.port}/0")
    return made


def test_connection_lost_with_a_bell_in_hand_and_brpop_pending_can_be_closed(
    reading: Connection, to_broker: Proxy
) -> None:
    in_hand: list[Message] = []
    channels = [reading.default_channel, reading.channel()]
    for queue, channel in zip(QUEUES, channels, strict=True):
        Consumer(channel, [queue], on_message=in_hand.append).consume()
    reading.Producer().publish({}, routing_key=QUEUES[0].name, exchange=QUEUES[0].exchange, declare=[QUEUES[0]])
    while not in_hand:
        reading.drain_events(timeout=60)
    transport: Any = reading.transport
    transport.cycle.on_poll_start()
    to_broker.refuse = True
    to_broker.cut()
    # What a worker does when it has noticed: see ``on_connection_error_after_connected`` of Celery's consumer.
    with suppress(*reading.connection_errors):
        reading.collect(socket_timeout=0.1)
    ignore_errors(reading, reading.close)
    assert in_hand


def test_acknowledgements_that_fail_leave_the_channel_open_for_more(reading: Connection, to_broker: Proxy) -> None:
    in_hand: list[Message] = []
    channel: Any = reading.default_channel
    consumer = Consumer(channel, QUEUES[:1], on_message=in_hand.append)
    consumer.qos(prefetch_count=4)
    consumer.consume()
    for _ in range(4):
        reading.Producer().publish({}, routing_key=QUEUES[0].name, exchange=QUEUES[0].exchange, declare=QUEUES[:1])
    while len(in_hand) < 4:
        reading.drain_events(timeout=60)
    to_broker.cut_on = b"ZREM"
    for message in in_hand:
        message.ack_log_error(current_app.log.get_default_logger(), reading.connection_errors)
    to_broker.cut_on = b""
    assert channel.qos.can_consume()
    with suppress(*reading.connection_errors):
        reading.close()
