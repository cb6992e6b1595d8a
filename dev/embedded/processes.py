"""Starting child processes that cannot outlive us, and ending them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1


def die_with_parent(*, sig: int) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `sig` to the child when the thread that started it ends, even by kill -9.

    Linux only; elsewhere it does nothing, and the next start finds the leftovers instead.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    # Looked up here: loading a library between fork and exec could hang.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, sig, 0, 0, 0)


def start(
    *,
    argv: Sequence[str],
    stop_signal: int,
    log: IO[bytes],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a background process in a session of its own (a Ctrl-C at the terminal is ours, not its)."""
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=dict(os.environ if env is None else env),
        cwd=cwd,
        start_new_session=True,
        preexec_fn=die_with_parent(sig=stop_signal),
    )


def stop(*, process: subprocess.Popen[bytes], sig: int = signal.SIGTERM, patience_s: float = 10) -> None:
    """Ask a child to end with `sig`; after `patience_s` seconds kill it. Returns when it is gone."""
    if process.poll() is not None:
        return
    process.send_signal(sig)
    try:
        process.wait(timeout=patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
