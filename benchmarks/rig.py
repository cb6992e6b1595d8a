"""The processes that a benchmark loads, and the rows it works on. Everything is on loopback and ends by process id."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_S = 30.0
WIDTH_HTTP_THREADS = 8


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Process:
    """A child in its own session, so that all of it can be ended."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    popen: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        log = Path(self.env["VAR_DIR"]) / f"{self.name}.log"
        with log.open("ab") as stream:
            self.popen = subprocess.Popen(
                list(self.argv), env=dict(self.env), stdout=stream, stderr=stream, start_new_session=True
            )

    def kill(self) -> None:
        """kill -9, the whole session."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(timeout=25)
            except subprocess.TimeoutExpired:
                self.kill()

    def pids(self) -> list[int]:
        """The process and its children."""
        found = [self.popen.pid]
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == self.popen.pid:
                found.append(int(path.parent.name))
        return found


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_s(pid: int) -> float:
    """Processor time a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class StandIn:
    """A channel's simulator as a process of its own: ``wechat``, ``alipay`` or ``unionpay``."""

    def __init__(self, env: Mapping[str, str], name: str = "wechat") -> None:
        self.name = name
        self._state = Path(env["VAR_DIR"]) / name
        self._port, self._control = free_port(), free_port()
        argv = [
            sys.executable,
            "-m",
            f"simulators.{name}",
            "--port",
            str(self._port),
            "--control-port",
            str(self._control),
        ]
        argv += ["--state", str(self._state), "--no-magic", "--settle-ms", "20"]
        self.process = Process(name, argv, env)
        wait_for_port(self._control)
        until = time.monotonic() + START_S
        while not (self._state / "account.json").exists() and time.monotonic() < until:
            time.sleep(0.05)
        self.account: dict[str, str] = json.loads((self._state / "account.json").read_text())
        # The database is emptied between measures: what an earlier one left in the books would be money of nobody.
        self.control("POST", "/reset")
        if name == "wechat":
            self.control("POST", "/limits", {"per_second": 0, "errors_per_second": 0, "partial_spacing_s": 0})

    def control(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._control, timeout=60)
        connection.request(
            method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        data = json.loads(answer.read())
        connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {data}")
        return data

    def ledger(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.control("GET", "/ledger")["rows"]
        return rows


def wait_for_port(port: int) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")


@dataclass
class Rig:
    """Everything running, and how to reach it."""

    wechat: StandIn
    web: Process
    worker: Process | None
    port: int


@contextmanager
def running(*, worker: bool) -> Iterator[Rig]:
    """Simulator, mailbox and web, with or without a worker; all ended on the way out."""
    env = dict(os.environ)
    web_port, smtp_port, mailbox_port = free_port(), free_port(), free_port()
    env |= {
        "BASE_URL": f"http://127.0.0.1:{web_port}",
        "SMTP_PORT": str(smtp_port),
        "SMS_OUTBOX_URL": f"http://127.0.0.1:{mailbox_port}",
        "LOG_LEVEL": "WARNING",
        "API_RATE_PER_10S": "10000000",
    }
    os.environ |= env
    with ExitStack() as stack:
        wechat = StandIn(env)
        stack.callback(wechat.process.stop)
        mailbox = [sys.executable, "-m", "simulators.mailbox", "--smtp-port", str(smtp_port)]
        mailbox += ["--http-port", str(mailbox_port), "--state", str(Path(env["VAR_DIR"]) / "mailbox")]
        stack.callback(Process("mailbox", mailbox, env).stop)
        gunicorn = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{web_port}", "--preload"]
        gunicorn += [
            "--worker-class",
            "config.web_worker.Worker",
            "--workers",
            "2",
            "--threads",
            str(WIDTH_HTTP_THREADS),
        ]
        web = Process("web", [*gunicorn, "--log-level", "warning", "--no-control-socket"], env)
        stack.callback(web.stop)
        celery = start_worker(env) if worker else None
        if celery is not None:
            stack.callback(celery.stop)
            stack.callback(start_beat(env).stop)
        wait_for_port(web_port)
        yield Rig(wechat, web, celery, web_port)


def start_worker(env: Mapping[str, str]) -> Process:
    argv = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "threads", "--concurrency", "4"]
    argv += [
        "--queues",
        "refunddesk",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
        "--loglevel",
        "WARNING",
    ]
    return Process("worker", argv, env)


def start_beat(env: Mapping[str, str]) -> Process:
    schedule = str(Path(env["VAR_DIR"]) / "beat-schedule")
    argv = [sys.executable, "-m", "celery", "-A", "config", "beat", "--schedule", schedule, "--pidfile", ""]
    return Process("beat", [*argv, "--loglevel", "WARNING"], env)


@contextmanager
def black_hole() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
