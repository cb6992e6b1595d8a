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


@dataclass(frozen=True)
class Wish:
    """A refund to ask for."""

    sale: str
    amount_fen: int = 1_200
    reason: str = "quality"


@dataclass
class Till:
    """``answers`` holds every 201 that was seen: wish -> ids of requests, one for each time it was answered."""

    port: int
    key: str
    answers: dict[Wish, list[str]] = field(default_factory=dict)
    repeats: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, wish: Wish) -> dict[str, Any]:
        """One refund. Raises ``AssertionError`` when the answer is no 201, or none comes at all."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            return self._post(connection, wish)
        finally:
            connection.close()

    def post_all(self, wishes: Sequence[Wish], *, clients: int = 8, pause_s: float = 0.0) -> threading.Thread:
        """Post all of them from several clients; returns a thread to join."""
        waiting = iter(wishes)

        def work() -> None:
            threads = [
                threading.Thread(target=self._client, args=(waiting, pause_s), daemon=True) for _ in range(clients)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        leader = threading.Thread(target=work, daemon=True)
        leader.start()
        return leader

    def _client(self, waiting: Iterator[Wish], pause_s: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while True:
            with self._lock:
                wish = next(waiting, None)
            if wish is None:
                break
            self._post(connection, wish)
            time.sleep(pause_s)
        connection.close()

    def _post(self, connection: http.client.HTTPConnection, wish: Wish) -> dict[str, Any]:
        body = json.dumps(
            {
                "transaction": wish.sale,
                "amount_fen": wish.amount_fen,
                "reason": wish.reason,
                "customer": {"phone": "13800006021"},
            }
        )
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"till-{wish.sale}-{wish.amount_fen}",
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
                self.answers.setdefault(wish, []).append(made["id"])
            return made
        raise AssertionError(f"no answer for {wish}")
