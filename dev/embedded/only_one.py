"""One demo a checkout: the lock, and what its holder says of itself."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dev.embedded.folders import Folders
from dev.embedded.ports import LOOPBACK


class AlreadyRunning(Exception):
    """Another process runs the demo of this checkout."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """The demo that holds the lock."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """Its web address."""
        return f"http://{LOOPBACK}:{self.port}"


@contextmanager
def only_one(*, folders: Folders, web_port: int) -> Iterator[None]:
    """Be the one demo of this checkout for as long as the block runs.

    Raises:
        AlreadyRunning: there is one.
    """
    # The kernel lets go of the lock when the process ends, however it ends: there is no stale one.
    with folders.lock.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            other = running(folders=folders)
            who = f"{other.url} (pid {other.pid})" if other else "another process has its lock"
            raise AlreadyRunning(
                f"The demo of this checkout is already running: {who}. Stop it with Ctrl-C, or use another checkout."
            ) from taken
        lock.seek(0)
        lock.truncate()
        lock.write(json.dumps({"pid": os.getpid(), "port": web_port}))
        lock.flush()
        yield


def running(*, folders: Folders) -> Running | None:
    """The demo that is running in this checkout; None: there is none."""
    if not folders.lock.exists():
        return None
    with folders.lock.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            # Empty in the moment between taking the lock and writing into it.
            text = lock.read()
            return Running(**json.loads(text)) if text else None
        return None
