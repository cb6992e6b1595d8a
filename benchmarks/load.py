"""A loader: so many clients over kept connections, each POST with its own sale and key.

It runs on the cores that it loads, so it speaks HTTP by hand: `http.client` took a twentieth of what it was to measure.
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import randrange
from uuid import uuid4


@dataclass
class Loaded:
    """What a load did: answers by status, and how long it took."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds


#: Customers of this process, so that every request is another one's: what is approved by rule is limited by customer and day.
_customers = itertools.count(randrange(10**8))


def next_phone() -> str:
    """A number that no request had yet."""
    return f"138{next(_customers) % 10**8:08d}"


def post_refunds(*, port: int, key: str, sales: Sequence[str], clients: int, amount_fen: int = 1_200) -> Loaded:
    """One refund request per sale, each of another customer, by ``clients`` threads."""
    loaded, lock, queue = Loaded(), threading.Lock(), iter(sales)
    started = time.perf_counter()
    threads = [
        threading.Thread(target=_client, args=(port, key, queue, amount_fen, loaded, lock)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loaded.seconds = time.perf_counter() - started
    return loaded


def _client(port: int, key: str, queue: Iterator[str], amount_fen: int, loaded: Loaded, lock: threading.Lock) -> None:
    statuses: Counter[int] = Counter()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            with lock:
                sale = next(queue, None)
            if sale is None:
                break
            connection.sendall(_request(key, sale, amount_fen, next_phone()))
            statuses[_status(connection)] += 1
    with lock:
        loaded.statuses += statuses


def _request(key: str, sale: str, amount_fen: int, phone: str) -> bytes:
    body = json.dumps(
        {
            "transaction": sale,
            "amount_fen": amount_fen,
            "reason": "quality",
            "description": "面板开裂",
            "customer": {"name": "王敏", "phone": phone, "locale": "zh-Hans"},
            "customer_consent": True,
        }
    ).encode()
    head = (
        "POST /api/v1/refund-requests HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {key}\r\nIdempotency-Key: {uuid4().hex}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _status(connection: socket.socket) -> int:
    """Read one answer to its end. Raises ``ConnectionError`` when it is cut off."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, rest = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    left = length - len(rest)
    while left > 0:
        left -= len(_more(connection))
    return int(head.split(b" ", 2)[1])


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65_536)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received
