"""The demo's processes: what each is started with, and in which order they start and stop."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dev.embedded.folders import Folders
from dev.embedded.ports import LOOPBACK
from dev.embedded.postgres import Cluster
from dev.embedded.valkey import Valkey

CHANNELS = ("wechat", "alipay", "unionpay")
# A day of notices in minutes: the stand-ins send their repeats after a twentieth of the real time.
_NOTIFY_SCALE = "0.05"


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process under the supervisor. Lower ranks start first and stop last."""

    name: str
    argv: list[str]
    rank: int
    # Programs of one group stop at the same time.
    group: str | None = None
    stop_signal: str = "TERM"
    stop_within_s: int = 10
    # What the kernel sends it when the supervisor was killed. Nobody is left to insist: what may hang is killed at once.
    orphan_signal: str = "TERM"

    @property
    def full_name(self) -> str:
        """What the supervisor calls it."""
        return f"{self.group or self.name}:{self.name}"


def installed_channels() -> list[str]:
    """The stand-in channels that are there."""
    return [
        name
        for name in CHANNELS
        if find_spec("simulators") and find_spec(f"simulators.{name}") and find_spec(f"simulators.{name}.__main__")
    ]


def port_names() -> list[str]:
    """What needs a port of its own besides the web."""
    channels = [port for name in installed_channels() for port in (name, f"{name}-control")]
    return ["postgres", "valkey", *channels, "smtp", "mailbox", "terminal", "supervisor"]


def services(*, cluster: Cluster | None, valkey: Valkey | None) -> list[Program]:
    """The embedded services; None: the caller brought a server of their own."""
    programs = []
    if cluster:
        programs.append(
            Program(
                name="postgres",
                argv=cluster.command(),
                rank=10,
                stop_signal="INT",
                stop_within_s=30,
                orphan_signal="INT",
            )
        )
    if valkey:
        programs.append(Program(name="valkey", argv=valkey.command(), rank=11))
    return programs


def stand_ins(*, folders: Folders, ports: dict[str, int]) -> list[Program]:
    """The stand-in channels, the mailbox and the till."""
    programs = [
        Program(
            name=f"simulator-{name}",
            argv=_python(
                f"simulators.{name}",
                *("--port", str(ports[name]), "--control-port", str(ports[f"{name}-control"])),
                *("--state", str(folders.simulators / name), "--notify-scale", _NOTIFY_SCALE),
            ),
            rank=20,
            group="stand-ins",
        )
        for name in installed_channels()
    ]
    mailbox = Program(
        name="mailbox",
        argv=_python(
            "simulators.mailbox",
            *("--smtp-port", str(ports["smtp"]), "--http-port", str(ports["mailbox"])),
            *("--state", str(folders.mailbox)),
        ),
        rank=20,
        group="stand-ins",
    )
    terminal = Program(
        name="terminal",
        argv=_python(
            "simulators.terminal", *("--port", str(ports["terminal"])), *("--demo-json", str(folders.demo_json))
        ),
        rank=20,
        group="stand-ins",
    )
    return [*programs, mailbox, terminal]


def application(*, folders: Folders, port: int) -> tuple[list[Program], Program]:
    """RefundDesk itself: web and worker, and beat."""
    # A worker's sign of life is a file that is touched often; in memory it costs no disk.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else str(folders.run)  # noqa: S108 -- gunicorn's own file
    gunicorn = _python(
        "gunicorn",
        "config.wsgi",
        *("--bind", f"{LOOPBACK}:{port}", "--workers", "2", "--threads", "8"),
        *("--worker-class", "config.web_worker.Worker", "--limit-request-line", "8190"),
        # Loaded once and shared: half the memory and half the start.
        *("--preload", "--worker-tmp-dir", memory, "--log-level", "warning", "--no-control-socket"),
    )
    worker = _python(
        "celery",
        *("-A", "config", "worker", "--pool", "threads", "--concurrency", "4", "--queues", "refunddesk"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"),
    )
    beat = _python(
        "celery",
        *("-A", "config", "beat", "--schedule", str(folders.run / "celerybeat-schedule"), "--pidfile", ""),
        *("--loglevel", "WARNING"),
    )
    return [
        # Asked by QUIT it does not wait for open calls, and kills its own workers.
        Program(name="web", argv=gunicorn, rank=30, orphan_signal="QUIT"),
        # It loses nothing by a kill, and without database and broker it could settle nothing either.
        Program(name="worker", argv=worker, rank=40, stop_within_s=20, orphan_signal="KILL"),
    ], Program(name="beat", argv=beat, rank=50, orphan_signal="KILL")


def _python(module: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", module, *(str(argument) for argument in arguments)]
