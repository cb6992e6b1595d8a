"""A TCP proxy that a test stands between a process and its database or broker: it delays, swallows answers, cuts."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Listens on ``port`` and passes on to ``target``. Its moods may be changed while connections are open."""

    target: tuple[str, int]
    port: int = 0
    delay_s: float = 0.0
    #: What the far side says is thrown away, and the connection reset: it was done, and nobody knows.
    swallow: bool = False
    refuse: bool = False
    #: Connections are taken, and nothing that either side says is passed on.
    frozen: bool = False
    #: A connection that says this is not heard any more, and not told so.
    hold: bytes = b""
    #: A connection that says this is reset before it is heard.
    cut_on: bytes = b""
    passed: int = 0
    refused: int = 0
    _pairs: set[tuple[socket.socket, socket.socket]] = field(default_factory=set)
    _said_first: dict[tuple[socket.socket, socket.socket], bytes] = field(default_factory=dict)
    _listener: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=200)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, *, spare: bytes = b"") -> int:
        """Reset every open connection, but not those that began by saying this. Returns how many there were."""
        pairs = [pair for pair in list(self._pairs) if not spare or spare not in self._said_first.get(pair, b"")]
        for pair in pairs:
            self._reset(pair)
        return len(pairs)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.refuse:
                self.refused += 1
                _abort(near)
                continue
            try:
                far = socket.create_connection(self.target, timeout=5)
            except OSError:
                _abort(near)
                continue
            far.settimeout(None)
            pair = (near, far)
            self._pairs.add(pair)
            threading.Thread(target=self._pass_on, args=(near, far, pair), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(far, near, pair), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket]) -> None:
        is_answer = source is pair[1]
        with suppress(OSError):
            while data := source.recv(65_536):
                while self.frozen and pair in self._pairs:
                    time.sleep(0.02)
                if self.delay_s:
                    time.sleep(self.delay_s)
                if is_answer and self.swallow:
                    break
                if not is_answer:
                    self._said_first[pair] = (self._said_first.get(pair, b"") + data)[:10_000]
                if self.hold and not is_answer and self.hold in data:
                    continue
                if self.cut_on and not is_answer and self.cut_on in data:
                    break
                sink.sendall(data)
                self.passed += len(data)
        self._reset(pair)

    def _reset(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        self._said_first.pop(pair, None)
        for one in pair:
            _abort(one)


def _abort(one: socket.socket) -> None:
    """Close with a reset, as a machine that went away does."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def proxy(host: str, port: int) -> Iterator[Proxy]:
    """A proxy to this address, closed afterwards."""
    standing = Proxy((host, port))
    try:
        yield standing
    finally:
        standing.close()
