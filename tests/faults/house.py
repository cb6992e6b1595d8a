"""RefundDesk's real processes around a database: web, workers, beat and a channel, started, killed and watched by tests.

Everything listens on ports of its own, is ended by its process id, and dies with the test run.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from dev.embedded import ports, processes

#: What the product promises (docs/operations.md): seconds until work that was due goes on by itself, and nothing else helps.
WORKER_KILLED_S = 60.0
BROKER_LOST_S = 30.0
DATABASE_RESTARTED_S = 30.0
#: How long a test waits for what nobody has promised a time for (a process starts, a fault is noticed): on a busy machine, too.
PATIENCE_S = 60.0
START_S = PATIENCE_S
#: Short, so that what a killed worker held is free again soon; longer than the channel's time-out in these tests.
LEASE_S = 2
#: For a house in which a promise is kept with the settings that the product has.
PRODUCTION = {"EXECUTION_LEASE_S": "30"}
CHANNEL_TIMEOUT_S = 0.7


class NotInTime(AssertionError):
    """Something that should have happened did not."""


def wait_until(condition: Callable[[], object], *, seconds: float, what: str, every_s: float = 0.05) -> None:
    """Look until the condition is true. Raises ``NotInTime``."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise NotInTime(f"not within {seconds} s: {what}")
        time.sleep(every_s)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Child:
    """A process in a session of its own; its words go to a log file."""

    def __init__(self, name: str, argv: Sequence[str], *, env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as stream:
            self._process = processes.start(argv=argv, stop_signal=signal.SIGKILL, log=stream, env=env)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -9 after kill -9."""
        return self._process.poll()

    def says(self, text: str, *, times: int = 1) -> bool:
        return self.log.read_text(errors="replace").count(text) >= times

    def kill(self) -> None:
        """kill -9 of it and its children."""
        if self.exit_code is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def end(self, *, patience_s: float = PATIENCE_S) -> None:
        """SIGTERM, as a deployment does."""
        processes.stop(process=self._process, patience_s=patience_s)

    def send(self, sig: int) -> None:
        self._process.send_signal(sig)

    def wait(self, *, seconds: float) -> int:
        """Its exit code once it has ended by itself. Raises ``NotInTime``."""
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise NotInTime(f"{self.name} is still there after {seconds} s") from error


class Channel:
    """A payment channel's stand-in as a process of its own; it can be killed and started again on its state."""

    def __init__(self, name: str, *, folder: Path, settle_ms: float = 20) -> None:
        self.name = name
        self.folder = folder
        self._settle_ms = settle_ms
        self._port, self._control_port = ports.pick_for_tests(count=2)
        self.start()

    def start(self) -> None:
        state = self.folder / self.name
        (state / "account.json").unlink(missing_ok=True)
        argv = [sys.executable, "-m", f"simulators.{self.name}", "--port", str(self._port)]
        argv += ["--control-port", str(self._control_port), "--state", str(state), "--no-magic"]
        argv += ["--settle-ms", str(self._settle_ms), "--notify-scale", "0.01", "--hold-s", "3"]
        self.process = Child(f"simulator-{self.name}", argv, env=os.environ, folder=self.folder)
        wait_until((state / "account.json").exists, seconds=START_S, what=f"the {self.name} simulator is ready")
        self.account: dict[str, str] = json.loads((state / "account.json").read_text())

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call the control API. Raises ``AssertionError`` when it refuses."""
        connection = http.client.HTTPConnection("127.0.0.1", self._control_port, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status < 400, f"{method} {path}: {answer.status} {data}"
        return data

    def reset(self) -> None:
        """Empty, with no limit on calls and no pause between two refunds of one order."""
        self.control("POST", "/reset", {})
        self.lift_limits()

    def lift_limits(self) -> None:
        """No limit on calls, no pause between two refunds of one order."""
        limits = {
            "wechat": {"per_second": 0, "errors_per_second": 0, "partial_spacing_s": 0},
            "alipay": {"spacing_s": 0},
        }
        if self.name in limits:
            self.control("POST", "/limits", limits[self.name])

    def ledger(self) -> list[dict[str, Any]]:
        """The money that moved."""
        rows: list[dict[str, Any]] = self.control("GET", "/ledger")["rows"]
        return rows


@dataclass
class House:
    """What runs around one database and broker. ``end`` stops all of it."""

    database_url: str
    redis_url: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    web_port: int = field(default_factory=lambda: ports.pick_for_tests(count=1)[0])

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.database_url,
            # Nothing here migrates; and the heads belong to the trail of the test around it.
            "DATABASE_OWNER_URL": "",
            "AUDIT_HEADS_DIR": str(settings.AUDIT_HEADS_DIR),
            "REDIS_URL": self.redis_url,
            "BASE_URL": self.base_url,
            "VAR_DIR": str(self.folder),
            "EXECUTION_LEASE_S": str(LEASE_S),
            "API_RATE_PER_10S": "10000000",
            "SECURE": "false",
            "ALLOWED_HOSTS": "*",
            "FAILPOINTS": "",
            "LOG_LEVEL": "INFO",
            **self.settings,
            **(more or {}),
        }

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def worker(self, name: str = "worker", *, failpoints: str = "") -> Child:
        """A Celery worker as in production, ready to work; with failpoints it may have died at one already.

        It hears before it says that it is ready: a bell that waits for it can lead it to its failpoint first.
        """
        child = self.start_worker(name, failpoints=failpoints)
        wait_until(
            lambda: child.says(" ready.") or child.exit_code is not None,
            seconds=START_S,
            what=f"{child.log} says it is ready",
        )
        assert failpoints or child.exit_code is None, f"{child.log}: it ended with {child.exit_code}"
        return child

    def start_worker(self, name: str = "worker", *, failpoints: str = "") -> Child:
        """The same, without waiting for it."""
        argv = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "threads", "--concurrency", "4"]
        argv += ["--queues", "refunddesk", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        return self._child(f"{name}{len(self.children)}", [*argv, "--loglevel", "INFO"], {"FAILPOINTS": failpoints})

    def beat(self, name: str = "beat") -> Child:
        argv = [sys.executable, "-m", "celery", "-A", "config", "beat", "--pidfile", "", "--loglevel", "INFO"]
        number = len(self.children)
        return self._child(f"{name}{number}", [*argv, "--schedule", str(self.folder / f"beat-{number}.schedule")], {})

    def web(self, *, failpoints: str = "") -> Child:
        """gunicorn as in production, answering."""
        argv = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{self.web_port}", "--preload"]
        argv += ["--worker-class", "config.web_worker.Worker", "--limit-request-line", "8190"]
        argv += ["--workers", "2", "--threads", "8", "--no-control-socket"]
        child = self._child(f"web{len(self.children)}", argv, {"FAILPOINTS": failpoints})
        wait_until(lambda: listens(self.web_port), seconds=START_S, what="the web listens")
        return child

    def end(self) -> None:
        """Nothing of it runs any more."""
        for child in reversed(self.children):
            child.kill()

    def _child(self, name: str, argv: Sequence[str], more: Mapping[str, str]) -> Child:
        child = Child(name, argv, env=self.env(more), folder=self.folder)
        self.children.append(child)
        return child


@contextmanager
def house(*, database_url: str, redis_url: str, folder: Path, **settings: str) -> Iterator[House]:
    """A house that is empty again afterwards."""
    built = House(database_url, redis_url, folder, settings)
    try:
        yield built
    finally:
        built.end()
