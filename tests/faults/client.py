"""A till that never gives up: posts a refund, and posts it again under the same key until it has an answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

PATIENCE_S = 60.0


@dataclass
class Till:
    """``answers`` holds every 201 that was seen: sale -> ids of requests, one for each time it was answered."""

    port: int
    key: str
    answers: dict[str, list[str]] = field(default_factory=dict)
    repeats: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, sale: str, *, amount_fen: int = 1_200) -> dict[str, Any]:
        """One refund of a sale. Raises ``AssertionError`` when the answer is no 201, or none comes at all."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            return self._post(connection, sale, amount_fen)
        finally:
            connection.close()

    def post_all(self, sales: Sequence[str], *, clients: int = 8) -> threading.Thread:
        """Post all of them from several clients; returns a thread to join."""
        waiting = iter(sales)

        def work() -> None:
            threads = [threading.Thread(target=self._client, args=(waiting,), daemon=True) for _ in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        leader = threading.Thread(target=work, daemon=True)
        leader.start()
        return leader

    def _client(self, waiting: Iterator[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while True:
            with self._lock:
                sale = next(waiting, None)
            if sale is None:
                break
            self._post(connection, sale, 1_200)
        connection.close()

    def _post(self, connection: http.client.HTTPConnection, sale: str, amount_fen: int) -> dict[str, Any]:
        body = json.dumps(
            {"transaction": sale, "amount_fen": amount_fen, "reason": "quality", "customer": {"phone": "13800006021"}}
        )
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"till-{sale}-{amount_fen}",
        }
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                connection.request("POST", "/api/v1/refund-requests", body, headers)
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self.repeats += 1
                time.sleep(0.1)
                continue
            if answer.status >= 500:
                self.repeats += 1
                time.sleep(0.1)
                continue
            assert answer.status == 201, text
            made: dict[str, Any] = json.loads(text)
            with self._lock:
                self.answers.setdefault(sale, []).append(made["id"])
            return made
        raise AssertionError(f"no answer for {sale}")
