"""Two small servers of the runner: one that takes notices in, and one that turns a bit over on the way."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
TIMEOUT_S = 15
#: Where a channel writes its signature: WeChat in a header, Alipay and UnionPay in the body.
SIGNATURE_HEADER = "Wechatpay-Signature"
SIGNATURE_MARKS = (b'"sign":"', b"signature=")


class _Quiet(BaseHTTPRequestHandler):
    """A handler that keeps no log."""

    timeout = TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def inbox() -> Iterator[str]:
    """The address of a server that keeps every POST under its path; GET of the path tells what came.

    ``success`` and 200 is what all three channels take for an acknowledgement.
    """
    kept: defaultdict[str, list[dict[str, object]]] = defaultdict(list)

    class Handler(_Quiet):
        def do_POST(self) -> None:
            body = base64.b64encode(self._body()).decode()
            kept[self.path].append({"headers": dict(self.headers.items()), "body": body})
            self._answer(200, [("Content-Type", "text/plain")], b"success")

        def do_GET(self) -> None:
            self._answer(200, [("Content-Type", "application/json")], json.dumps(kept[self.path]).encode())

    with _served(Handler) as url:
        yield url


@contextmanager
def meddler(target: str, *, signature: bool) -> Iterator[str]:
    """The address of a proxy that flips one bit of every answer: in its signature, or else in what was signed.

    The bit is the lowest one of a digit, so that the answer stays well formed and only the check of the signature can
    find it out.
    """
    address = urlsplit(target)

    class Handler(_Quiet):
        def do_GET(self) -> None:
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)
            try:
                connection.request(self.command, self.path, self._body() or None, dict(self.headers.items()))
                response = connection.getresponse()
                body, headers = response.read(), response.getheaders()
            finally:
                connection.close()
            headers = [(name, value) for name, value in headers if name.lower() not in {"content-length", "connection"}]
            self._answer(response.status, *(_spoil_signature(headers, body) if signature else (headers, _flip(body))))

        do_POST = do_GET

    with _served(Handler) as url:
        yield url


def _spoil_signature(headers: list[tuple[str, str]], body: bytes) -> tuple[list[tuple[str, str]], bytes]:
    spoiled = [
        (name, _flip(value.encode()).decode() if name.lower() == SIGNATURE_HEADER.lower() else value)
        for name, value in headers
    ]
    if spoiled != headers:
        return spoiled, body
    start = next(body.index(mark) + len(mark) for mark in SIGNATURE_MARKS if mark in body)
    return headers, body[:start] + _flip(body[start:])


def _flip(text: bytes) -> bytes:
    position = next(position for position, byte in enumerate(text) if chr(byte).isdigit())
    return text[:position] + bytes([text[position] ^ 1]) + text[position + 1 :]


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(TIMEOUT_S)
