"""A merchant's side of the wire for these tests: one HTTP call, and a place where notices arrive."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar
from urllib.parse import urlsplit

Found = TypeVar("Found")
#: How long a busy machine may take for what does come; only a failure waits for it.
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def call(
    base_url: str,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout: float = PATIENCE_S,
) -> Reply:
    """One call on a connection of its own."""
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, found, response.read())
    finally:
        connection.close()


@dataclass(slots=True)
class Receiver:
    """Notices in order of arrival; answers are taken from ``answers``, the last one for ever."""

    url: str = ""
    received: list[Reply] = field(default_factory=list)
    arrived_at: list[float] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b"success")])

    def wait(self, count: int, seconds: float = PATIENCE_S) -> list[Reply]:
        """The first ``count`` notices."""
        wait_for(lambda: len(self.received) >= count, seconds)
        return self.received


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A merchant's notice address."""
    inbox = Receiver()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            with lock:
                headers = {name.lower(): value for name, value in self.headers.items()}
                inbox.received.append(Reply(0, headers, body))
                inbox.arrived_at.append(time.monotonic())
                status, answer = inbox.answers.pop(0) if len(inbox.answers) > 1 else inbox.answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.request_queue_size = 128
    inbox.url = f"http://127.0.0.1:{server.server_port}/notify"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_for(found: Callable[[], Found], seconds: float = PATIENCE_S) -> Found:
    """Ask until the answer is true; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        answer = found()
        if answer:
            return answer
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
