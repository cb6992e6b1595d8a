"""The supervisor: its configuration, and talking to it."""

from __future__ import annotations

import os
import pwd
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from dev.embedded import processes
from dev.embedded.folders import CHECKOUT, Folders
from dev.embedded.keys import write_private
from dev.embedded.ports import LOOPBACK
from dev.embedded.programs import Program

_USER = "refunddesk"
# By their paths and isolated (-I): with our package around them they would load Celery, and start as slowly.
_SUPERVISORD = (sys.executable, "-I", str(Path(__file__).with_name("supervisord.py")))
_WITH_PARENT = (sys.executable, "-I", "-S", str(Path(__file__).with_name("with_parent.py")))
# Longer than all programs' own limits together would be waiting for a fault.
_STOP_WITHIN_S = 75
_NOT_RUNNING = (OSError, xmlrpc.client.Error)


class Supervisor:
    """A supervisord with the demo's programs, none of which starts by itself."""

    def __init__(self, *, folders: Folders, port: int, password: str) -> None:
        self._folders = folders
        self._port = port
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        # Over loopback with a password: a socket file's path may not be longer than 107 bytes, a checkout's may.
        self._proxy = xmlrpc.client.ServerProxy(f"http://{_USER}:{password}@{LOOPBACK}:{port}/RPC2")

    def launch(self, *, programs: Sequence[Program], env: dict[str, str]) -> None:
        """Start supervisord, which ends with us. `env` becomes the environment of all its programs."""
        config = self._folders.run / "supervisord.conf"
        write_private(file=config, text=self._config(programs))
        with (self._folders.log / "supervisord.log").open("ab") as log:
            self._process = processes.start(
                argv=[*_SUPERVISORD, "--nodaemon", "--silent", "--configuration", str(config)],
                stop_signal=signal.SIGTERM,
                log=log,
                env=env,
                cwd=CHECKOUT,
            )

    @property
    def is_alive(self) -> bool:
        """Whether the supervisord we started still runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, program: Program) -> None:
        """Tell a program to start, without waiting until it has."""
        self._proxy.supervisor.startProcess(program.full_name, False)  # noqa: FBT003 -- the remote call takes no keywords

    def start_again(self, *, program: Program) -> None:
        """Tell a program that was given up to start; whether that could be done is seen in its state."""
        with suppress(*_NOT_RUNNING):
            self.start(program=program)

    def states(self) -> dict[str, str]:
        """Each program's state in supervisord's words (RUNNING, STARTING, FATAL, ...); empty when none answers."""
        try:
            found = cast("list[dict[str, Any]]", self._proxy.supervisor.getAllProcessInfo())
        except _NOT_RUNNING:
            return {}
        return {program["name"]: program["statename"] for program in found}

    def answers(self) -> bool:
        """Whether supervisord is up and takes orders."""
        try:
            return bool(self._proxy.supervisor.getState()["statename"] == "RUNNING")  # type: ignore[call-overload, index]  # RPC
        except _NOT_RUNNING:
            return False

    def stop(self) -> None:
        """End all programs, the last started first, and supervisord. Returns when they are gone."""
        if self._process is None:
            return
        if self.is_alive:
            self._process.terminate()
        deadline = time.monotonic() + _STOP_WITHIN_S
        while self.is_alive and time.monotonic() < deadline:
            # It looks after one ended program a second, unless somebody talks to it.
            self.states()
            time.sleep(0.1)
        processes.stop(process=self._process, sig=signal.SIGKILL)
        self._proxy("close")()

    def _argv(self, program: Program) -> list[str]:
        pid_file = self._folders.pid_file(program=program.name)
        return [*_WITH_PARENT, f"SIG{program.orphan_signal}", str(pid_file), *program.argv]

    def _config(self, programs: Sequence[Program]) -> str:
        run, log = self._folders.run, self._folders.log
        lines = [
            "[supervisord]",
            f"logfile={_escaped(log / 'supervisord-events.log')}",
            f"pidfile={_escaped(run / 'supervisord.pid')}",
            f"childlogdir={_escaped(log)}",
            "logfile_maxbytes=1MB",
            "logfile_backups=1",
            # We are who we are; without the line it complains when that is root.
            f"user={pwd.getpwuid(os.geteuid()).pw_name}",
            "[inet_http_server]",
            f"port={LOOPBACK}:{self._port}",
            f"username={_USER}",
            f"password={self._password}",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        ]
        for program in programs:
            lines += [
                f"[program:{program.name}]",
                f"command={_escaped(shlex.join(self._argv(program)))}",
                f"directory={_escaped(CHECKOUT)}",
                f"priority={program.rank}",
                "autostart=false",
                "autorestart=true",
                "startsecs=1",
                "startretries=10",
                f"stopsignal={program.stop_signal}",
                f"stopwaitsecs={program.stop_within_s}",
                # What a program has started itself goes with it when it has to be killed.
                "killasgroup=true",
                f"stdout_logfile={_escaped(log / f'{program.name}.log')}",
                "stdout_logfile_maxbytes=5MB",
                "stdout_logfile_backups=1",
                "redirect_stderr=true",
            ]
        for group in sorted({program.group for program in programs if program.group}):
            members = [program for program in programs if program.group == group]
            lines += [
                f"[group:{group}]",
                f"programs={','.join(program.name for program in members)}",
                f"priority={members[0].rank}",
            ]
        return "\n".join(lines) + "\n"


def _escaped(value: str | Path) -> str:
    # supervisord expands %(name)s in every value.
    return str(value).replace("%", "%%")
