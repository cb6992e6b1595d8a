"""``python with_parent.py SIGNAL PID_FILE PROGRAM ARGUMENT...``: run a program that ends when its parent does, even by kill -9.

The supervisor starts every program through this file, by its path: it needs nothing of ours, so it is there in a hundredth of
a second.

- On Linux the kernel is asked to send SIGNAL to the program when the parent dies, and this process becomes the program.
- Elsewhere it stays beside the program: the parent holds the other end of our standard input, which ends with it.

Either way PID_FILE names the process, and is locked for as long as the program runs: a pid alone may be somebody else's by now.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
#: How long a program may take to end by SIGNAL before it is killed, where it is us who watch.
_PATIENCE_S = 20.0


def main() -> int:
    """Run the program.

    Returns:
        Its exit status. On Linux there is none: this process is the program by then.
    """
    signum, pid_file, argv = signal.Signals[sys.argv[1]], Path(sys.argv[2]), sys.argv[3:]
    _hold(pid_file)
    if not sys.platform.startswith("linux"):
        return watch(argv, signum=signum)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
    # A parent that died before the kernel was asked will not be reported any more.
    if not _parent_is_gone():
        os.execvp(argv[0], argv)  # noqa: S606 -- the program to run is what this one is for
    return 0


def watch(argv: Sequence[str], *, signum: int) -> int:
    """Run the program as a child, pass signals on to it, and end it when our standard input ends."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    with subprocess.Popen(list(argv), stdin=subprocess.DEVNULL, close_fds=False) as program:
        for passed_on in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(passed_on, lambda number, _frame: _pass_on(program, number))
        inputs = [0, woken]
        while program.poll() is None:
            ready, _, _ = select.select(inputs, [], [], 1.0)
            if woken in ready:
                os.read(woken, 4096)
            if 0 in ready and not os.read(0, 4096):
                inputs.remove(0)
                program.send_signal(signum)
                with suppress(subprocess.TimeoutExpired):
                    program.wait(timeout=_PATIENCE_S)
                program.kill()
    return 128 - program.returncode if program.returncode < 0 else program.returncode


def _pass_on(program: subprocess.Popen[bytes], number: int) -> None:
    if number != signal.SIGCHLD:
        program.send_signal(number)


def _parent_is_gone() -> bool:
    poll = select.poll()
    poll.register(0, select.POLLHUP)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _hold(pid_file: Path) -> None:
    # A full disk must not keep a program from starting again.
    with suppress(OSError):
        descriptor = os.open(pid_file, os.O_RDWR | os.O_CREAT, 0o600)
        # Let go of by the kernel once the last process that has it from us has ended.
        os.set_inheritable(descriptor, True)  # noqa: FBT003 -- it takes no keywords
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())


if __name__ == "__main__":
    sys.exit(main())
