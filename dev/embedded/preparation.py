"""The process that brings database, files and sample data up to date, and whether it will find anything to do.

It is started first of all and loads Django while the services start; it reads what it needs, a line each, and it writes
a line when a step is done (`samples/prepare.py`).
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from dev.embedded import processes
from dev.embedded.folders import CHECKOUT

#: Whatever the schema and the collected files are made from. The lock stands for what comes with libraries.
_SOURCES = ("*/migrations/*.py", "static/**/*", "config/settings.py", "samples/prepare.py", "requirements-demo.txt")


class Preparation:
    """`samples.prepare` as a child that cannot outlive us."""

    def __init__(self, *, log: Path, env: Mapping[str, str]) -> None:
        self.log = log
        self._said = b""
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "samples.prepare"],
                env=dict(env),
                cwd=CHECKOUT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                # What a child that has died did not take must not come up again when the pipe is closed.
                bufsize=0,
                start_new_session=True,
                preexec_fn=processes.die_with_parent(sig=signal.SIGTERM),
            )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)

    @property
    def has_failed(self) -> bool:
        """Whether it ended before its work was done; its log says why."""
        return self._process.poll() not in (None, 0)

    def refusal(self) -> str:
        """The sentence with which it refused this database; "": it did not, or failed otherwise."""
        if self._process.poll() != os.EX_CONFIG:
            return ""
        return self.log.read_text(errors="replace").strip().rpartition("\n")[2]

    @property
    def is_done(self) -> bool:
        """Whether it has ended well."""
        return self._process.poll() == 0

    def tell(self, what: str) -> None:
        """Tell it that something it needs is there. One that has failed meanwhile is found by `has_failed`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{what}\n".encode())
        except BrokenPipeError:
            return

    def has_said(self, what: str) -> bool:
        """Whether it has written that this step is done."""
        assert self._process.stdout is not None
        self._said += self._process.stdout.read() or b""
        return what.encode() in self._said.splitlines()

    def stop(self) -> None:
        """End it, if it still runs."""
        processes.stop(process=self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Stamp:
    """What was prepared last, kept in a file: when it is still the same, nobody has to wait for the preparation."""

    def __init__(self, *, file: Path, cluster: Path) -> None:
        """`cluster` is the folder of the embedded database that was prepared."""
        self._file = file
        self._cluster = cluster

    def is_current(self) -> bool:
        """Whether database and files are those of the last preparation, and sources still are what they were then."""
        return self._file.exists() and self._file.read_text() == self._fingerprint()

    def renew(self) -> None:
        """Remember what has just been prepared."""
        self._file.write_text(self._fingerprint())

    def _fingerprint(self) -> str:
        lines = [f"{path} {stat.st_size} {stat.st_mtime_ns}" for path, stat in _files()]
        # Another cluster at the same place is empty, or somebody's copy.
        made = (self._cluster / "PG_VERSION").stat()
        lines.append(f"{made.st_ino} {made.st_mtime_ns}")
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _files() -> Iterator[tuple[Path, os.stat_result]]:
    for pattern in _SOURCES:
        for path in sorted(CHECKOUT.glob(pattern)):
            if path.is_file():
                yield path, path.stat()
