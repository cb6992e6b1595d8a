"""Finding and ending what an earlier demo of this checkout left running: after a kill -9, or while it is still stopping.

On Linux a process is known by a mark in its environment, or, where it has overwritten that (PostgreSQL and Valkey show a title
instead), by working inside our folder of data. Elsewhere it is known by its pid file, which is locked while it runs. Either names
one folder of data: what runs in another one, or for somebody else, is never found.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from dev.embedded.folders import Folders

MARK = "REFUNDDESK_DEMO_IN"
_SERVERS = ("postgres", "valkey")


def end_leftovers(*, var: Path) -> int:
    """End every process that belongs to the demo in `var`; the caller holds its lock.

    Returns:
        How many there were.
    """
    found = belonging(var=var)
    if not found:
        return 0
    # The supervisor first and alone: it ends the others in their order.
    supervisors = [pid for pid in found if "supervisord" in _command_line(pid)]
    _signal(supervisors, signal.SIGTERM, var=var)
    if supervisors:
        _wait_until_gone(var=var, timeout_s=30)
    _signal([pid for pid in belonging(var=var) if not _is_postgres(pid)], signal.SIGTERM, var=var)
    _wait_until_gone(var=var, timeout_s=5, but_postgres=True)
    # To PostgreSQL SIGINT means: end the sessions and stop cleanly. Its first process sees to the others.
    servers = [pid for pid in belonging(var=var) if _is_postgres(pid)]
    _signal([pid for pid in servers if _parent_of(pid) not in servers], signal.SIGINT, var=var)
    _wait_until_gone(var=var, timeout_s=15)
    _signal(belonging(var=var), signal.SIGKILL, var=var)
    _wait_until_gone(var=var, timeout_s=5)
    return len(found)


def belonging(*, var: Path) -> list[int]:
    """The pids of all processes of the demo in `var`, ourselves excepted."""
    if not _tells_of_processes():
        return holding(var=var)
    mark = f"{MARK}={var}".encode()
    return [pid for pid in _all_pids() if pid != os.getpid() and _belongs(pid, var=var, mark=mark)]


def holding(*, var: Path) -> list[int]:
    """The pids in those pid files of `var` that a living process has locked."""
    found = []
    for file in sorted(Folders(var=var).run.glob("*.pid")):
        with file.open() as pid_file:
            try:
                fcntl.flock(pid_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                text = pid_file.read()
                found += [int(text)] if text.isdecimal() else []
    return found


def described(*, var: Path) -> list[str]:
    """A line about each process of the demo in `var`."""
    return [f"pid {pid}  {_command_line(pid)[:100]}".rstrip() for pid in belonging(var=var)]


def listening(*, port: int) -> str | None:
    """The pid and command line of the process that listens on `port` of loopback, as far as we may know."""
    wanted = f"0100007F:{port:04X}", f"00000000:{port:04X}"
    try:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    except OSError:
        return None
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1] in wanted and row[3] == "0A"}
    for pid in _all_pids():
        try:
            if any(os.readlink(fd) in sockets for fd in Path(f"/proc/{pid}/fd").iterdir()):
                return f"pid {pid}: {_command_line(pid)[:100]}"
        except OSError:
            continue
    return None


def _tells_of_processes() -> bool:
    return Path("/proc/self/environ").exists()


def _belongs(pid: int, *, var: Path, mark: bytes) -> bool:
    try:
        # In a container the same path names another folder.
        if not Path(f"/proc/{pid}/root").samefile("/"):
            return False
        if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return True
        return _name(pid).startswith(_SERVERS) and Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(var)
    except OSError:
        # Gone meanwhile, or somebody else's.
        return False


def _all_pids() -> list[int]:
    try:
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return []


def _is_postgres(pid: int) -> bool:
    return _name(pid).startswith("postgres")


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _parent_of(pid: int) -> int | None:
    try:
        # After the name, which may hold anything, blanks and brackets too: the state, then the parent.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _signal(pids: Collection[int], signum: int, *, var: Path) -> None:
    for pid in pids:
        # Looked at once more: it may have ended since it was found, and its pid may be somebody else's.
        if pid in belonging(var=var):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signum)


def _wait_until_gone(*, var: Path, timeout_s: float, but_postgres: bool = False) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if not [pid for pid in belonging(var=var) if not (but_postgres and _is_postgres(pid))]:
            return
        time.sleep(0.1)
