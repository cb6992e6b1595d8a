"""A loader: so many clients over kept connections, each POST with its own sale and key."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4


@dataclass
class Loaded:
    """What a load did: answers by status, and how long it took."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds


def post_refunds(
    *, port: int, key: str, sales: Sequence[str], clients: int, amount_fen: int = 1_200, phone: str = "13800006021"
) -> Loaded:
    """One refund request per sale, by ``clients`` threads."""
    loaded, lock, queue = Loaded(), threading.Lock(), iter(sales)
    started = time.perf_counter()
    threads = [
        threading.Thread(target=_client, args=(port, key, queue, amount_fen, phone, loaded, lock))
        for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loaded.seconds = time.perf_counter() - started
    return loaded


def _client(
    port: int, key: str, queue: Iterator[str], amount_fen: int, phone: str, loaded: Loaded, lock: threading.Lock
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    statuses: Counter[int] = Counter()
    while True:
        with lock:
            sale = next(queue, None)
        if sale is None:
            break
        body = json.dumps(
            {
                "transaction": sale,
                "amount_fen": amount_fen,
                "reason": "quality",
                "description": "面板开裂",
                "customer": {"name": "王敏", "phone": phone, "locale": "zh-Hans"},
                "customer_consent": True,
            }
        )
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": uuid4().hex}
        connection.request("POST", "/api/v1/refund-requests", body, headers)
        answer = connection.getresponse()
        answer.read()
        statuses[answer.status] += 1
    connection.close()
    with lock:
        loaded.statuses += statuses
