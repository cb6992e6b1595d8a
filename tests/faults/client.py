"""A till that never gives up: posts a refund, and posts it again under the same key until it has an answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from merchants import api_keys
from tests.invariants.answers import Answer, answers_against_requests

PATIENCE_S = 60.0
#: Planted with the first wishes of a till: it must be found nowhere in the clear (I18). The others are each another customer's,
#: as what is approved by rule is limited by customer and day.
PHONE, _PLANTED = "13800006021", 8


@dataclass(frozen=True)
class Wish:
    """A refund to ask for."""

    sale: str
    amount_fen: int = 1_200
    reason: str = "quality"
    #: Whether it must be refused: asked for more than was paid, or of a sale that nobody knows.
    hopeless: bool = False

    @property
    def idempotency_key(self) -> str:
        return f"till-{self.sale}-{self.amount_fen}"


@dataclass
class Till:
    """``answers`` holds every 201 that was seen: wish -> ids of requests, one for each time it was answered.

    ``told`` holds every answer that settled something, and ``asked`` every wish that was sent at all.
    """

    port: int
    key: str
    answers: dict[Wish, list[str]] = field(default_factory=dict)
    told: list[Answer] = field(default_factory=list)
    asked: set[Wish] = field(default_factory=set)
    repeats: int = 0
    _places: dict[Wish, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, wish: Wish) -> dict[str, Any]:
        """One refund. Raises ``AssertionError`` when a wish that is not hopeless is refused, or no answer comes at all."""
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

    def disagreements(self) -> list[str]:
        """What was made against what this till was told (I10, I11)."""
        settled = {one.key for one in self.told}
        in_doubt = sum(wish.idempotency_key not in settled for wish in self.asked)
        own = api_keys.recognise(self.key)
        assert own is not None
        assert own.principal.key_id is not None
        found = answers_against_requests(self.told, api_key_id=own.principal.key_id, in_doubt=in_doubt)
        return [f"{breach.code}: {breach.what}" for breach in found]

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

    def _phone(self, wish: Wish) -> str:
        with self._lock:
            place = self._places.setdefault(wish, len(self._places))
        return PHONE if place < _PLANTED else f"139{zlib.crc32(wish.idempotency_key.encode()) % 10**8:08d}"

    def _post(self, connection: http.client.HTTPConnection, wish: Wish) -> dict[str, Any]:
        body = json.dumps(
            {
                "transaction": wish.sale,
                "amount_fen": wish.amount_fen,
                "reason": wish.reason,
                "customer": {"phone": self._phone(wish)},
            }
        )
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": wish.idempotency_key,
        }
        with self._lock:
            self.asked.add(wish)
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
            made: dict[str, Any] = json.loads(text)
            told = Answer(wish.idempotency_key, answer.status, wish.sale, wish.amount_fen, made.get("id", ""))
            with self._lock:
                self.told.append(told)
                if answer.status == 201:
                    self.answers.setdefault(wish, []).append(made["id"])
            assert (answer.status == 201) is not wish.hopeless, text
            return made
        raise AssertionError(f"no answer for {wish}")
