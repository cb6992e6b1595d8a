"""A broker that may be killed, frozen and emptied, because it is not the test run's own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import redis

from dev.embedded import keys, ports
from dev.embedded.valkey import Valkey
from tests.faults.house import Child


class Broker:
    """A Valkey in a folder of its own; what it held is gone when it was killed."""

    def __init__(self, folder: Path) -> None:
        (port,) = ports.pick_for_tests(count=1)
        self._folder = folder
        self._valkey = Valkey(folder=folder / "broker", port=port, password=keys.token(), throwaway=True)
        self._valkey.initialise()
        self.start()

    @property
    def url(self) -> str:
        return self._valkey.url

    def start(self) -> None:
        self.process = Child("broker", self._valkey.command(), env=os.environ, folder=self._folder)
        self._valkey.wait_until_ready(timeout_s=60)

    def freeze(self) -> None:
        """It takes connections and says nothing, until it thaws."""
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send(signal.SIGCONT)

    def empty(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()
